import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { withClusterOptions, type CliDependencies, type ClusterOptions } from '../context.ts';
import {
  answersOf,
  askEach,
  briefly,
  findLockout,
  nobodyAnswers,
  ownAnswerOptions,
  type EndpointAnswer,
} from '../each-endpoint.ts';
import { CliFailure } from '../failures.ts';
import { show } from '../output/forms.ts';
import { duration, renderFields, renderTable, type Column } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';
import { addVoterCommands } from './voters.ts';

export type QuorumView = Awaited<ReturnType<Client['describeQuorum']>>;

/** What one endpoint said, or why it said nothing. */
export type EndpointView = EndpointAnswer<QuorumView>;

export function addQuorumCommands(program: Command, dependencies: CliDependencies): void {
  const { terminal, environment } = dependencies;
  const quorum = program
    .command('quorum')
    .description('The controllers: who leads, who votes, how far each one is.');
  withClusterOptions(quorum.command('status'), environment)
    .description('What every controller says of itself, and who leads.')
    .action(async (options: ClusterOptions) => {
      const views = await askAll(options);
      await show(terminal, options.output, statusJson(views), () => statusTable(views, terminal));
      requireLeader(views);
    });
  withClusterOptions(quorum.command('describe'), environment)
    .description('The quorum as its leader sees it: voters, observers, and how far each one is.')
    .action(async (options: ClusterOptions) => {
      const views = await askAll(options);
      const view = bestView(views);
      await show(terminal, options.output, view, () => describeTable(view, terminal));
    });
  addVoterCommands(quorum, dependencies);
}

export function askAll(options: ClusterOptions): Promise<readonly EndpointView[]> {
  return askEach(options, (client) => client.describeQuorum({}, ownAnswerOptions));
}

/** The node that leads and serves; of two that say so, the one in the later epoch does. */
export function leaderOf(views: readonly EndpointView[]): QuorumView | null {
  const active = answersOf(views).filter((quorum) => quorum.node.active);
  return active.reduce<QuorumView | null>(
    (best, quorum) => (best === null || quorum.epoch > best.epoch ? quorum : best),
    null,
  );
}

function requireLeader(views: readonly EndpointView[]): void {
  if (leaderOf(views) !== null) return;
  throw answersOf(views).length === 0 ? nobodyAnswers(views) : nobodyLeads();
}

function nobodyLeads(): CliFailure {
  return new CliFailure(
    'noAnswer',
    'No controller leads at the moment.',
    'A majority of the voters must be up and reach each other; start those that are missing.',
  );
}

function bestView(views: readonly EndpointView[]): QuorumView {
  const leader = leaderOf(views);
  if (leader !== null) return leader;
  const [latest] = [...answersOf(views)].sort((left, right) => right.epoch - left.epoch);
  if (latest === undefined) throw nobodyAnswers(views);
  return latest;
}

function statusJson(views: readonly EndpointView[]): unknown {
  const leader = leaderOf(views);
  return {
    leaderId: leader?.leaderId ?? null,
    epoch: leader?.epoch ?? null,
    controllers: views.map((view) =>
      'failure' in view
        ? { endpoint: view.endpoint, failure: view.failure.reason }
        : { endpoint: view.endpoint, quorum: view.answer },
    ),
  };
}

const statusColumns: readonly Column<EndpointView>[] = [
  { heading: 'NODE', cell: (view) => ('answer' in view ? view.answer.node.nodeId : null), align: 'right' },
  { heading: 'ENDPOINT', cell: (view) => view.endpoint },
  {
    heading: 'ROLE',
    cell: (view) => ('answer' in view ? roleOf(view.answer) : briefly(view)),
  },
  { heading: 'EPOCH', cell: (view) => ('answer' in view ? view.answer.epoch : null), align: 'right' },
  { heading: 'LEADER', cell: (view) => ('answer' in view ? view.answer.leaderId : null), align: 'right' },
  {
    heading: 'HIGH WATERMARK',
    cell: (view) => ('answer' in view ? view.answer.highWatermark : null),
    align: 'right',
  },
  {
    heading: 'LOG END',
    cell: (view) => ('answer' in view ? view.answer.node.logEndOffset : null),
    align: 'right',
  },
  {
    heading: 'LAST CONTACT',
    cell: (view) => ('answer' in view ? ago(view.answer.node.lastContactMs) : null),
  },
];

/** A leader that still reads its log, a node that recovers: the role alone would hide it. */
function roleOf({ node }: QuorumView): string {
  const remarks = [
    ...(node.isObserver ? ['observer'] : []),
    ...(node.role === 'leader' && !node.active ? ['not serving yet'] : []),
    ...(node.recovering ? ['recovering'] : []),
    ...(node.lowOnSpace ? ['disk nearly full'] : []),
  ];
  return remarks.length === 0 ? node.role : `${node.role} (${remarks.join(', ')})`;
}

function ago(ms: number | null): string | null {
  const text = duration(ms);
  return text === null ? null : `${text} ago`;
}

export function statusTable(views: readonly EndpointView[], terminal: Terminal): string {
  const leader = leaderOf(views);
  const headline =
    leader === null
      ? style(terminal, 'red', withoutLeader(views))
      : style(terminal, 'green', `Controller ${leader.node.nodeId} leads, epoch ${leader.epoch}.`);
  const table = renderTable(statusColumns, views, (heading) => style(terminal, 'bold', heading));
  return `${headline}\n\n${table}`;
}

function withoutLeader(views: readonly EndpointView[]): string {
  if (answersOf(views).length > 0) return 'No controller leads.';
  return findLockout(views) === null ? 'No controller answered.' : 'No controller lets you look.';
}

type ReplicaRow = {
  readonly id: number;
  readonly directoryId: string;
  readonly kind: string;
  readonly endpoint: string | null;
  readonly logEndOffset: number | null;
  readonly lag: number | null;
  readonly lastFetch: string | null;
  readonly lastCaughtUp: string | null;
};

const replicaColumns: readonly Column<ReplicaRow>[] = [
  { heading: 'NODE', cell: (row) => row.id, align: 'right' },
  { heading: 'IS', cell: (row) => row.kind },
  { heading: 'PEER ADDRESS', cell: (row) => row.endpoint },
  { heading: 'LOG END', cell: (row) => row.logEndOffset, align: 'right' },
  { heading: 'LAG', cell: (row) => row.lag, align: 'right' },
  { heading: 'LAST FETCH', cell: (row) => row.lastFetch },
  { heading: 'CAUGHT UP', cell: (row) => row.lastCaughtUp },
  { heading: 'DIRECTORY ID', cell: (row) => row.directoryId },
];

/** Voters in the order of their ids, then observers, which stand in the leader's list alone. */
function replicaRows(quorum: QuorumView): readonly ReplicaRow[] {
  const { voters, replicas, node } = quorum;
  const isLeader = quorum.leaderId === node.nodeId;
  const logEnd = isLeader ? node.logEndOffset : null;
  const progress = (id: number, directoryId: string) => {
    const replica = replicas.find((each) => each.id === id && each.directoryId === directoryId);
    const isSelf = id === node.nodeId;
    const end = isSelf ? node.logEndOffset : (replica?.logEndOffset ?? null);
    return {
      logEndOffset: end,
      lag: logEnd === null || end === null ? null : logEnd - end,
      lastFetch: ago(replica?.lastFetchMs ?? null),
      lastCaughtUp: ago(replica?.lastCaughtUpMs ?? null),
    };
  };
  const voterRows = voters.map((voter) => ({
    id: voter.id,
    directoryId: voter.directoryId,
    kind: voter.id === quorum.leaderId ? 'leader' : 'voter',
    endpoint: `${voter.endpoint.host}:${voter.endpoint.port}`,
    ...progress(voter.id, voter.directoryId),
  }));
  const observers = replicas.filter((replica) => !replica.isVoter);
  const observerRows = observers.map((replica) => ({
    id: replica.id,
    directoryId: replica.directoryId,
    kind: 'observer',
    endpoint: null,
    ...progress(replica.id, replica.directoryId),
  }));
  const byId = (left: ReplicaRow, right: ReplicaRow): number => left.id - right.id;
  return [...voterRows.sort(byId), ...observerRows.sort(byId)];
}

export function describeTable(quorum: QuorumView, terminal: Terminal): string {
  const { node } = quorum;
  const fields = renderFields([
    ['Cluster', quorum.clusterId],
    ['Leader', quorum.leaderId === null ? 'nobody' : `controller ${quorum.leaderId}`],
    ['Epoch', quorum.epoch],
    ['High watermark', quorum.highWatermark],
    ['Log', `${node.logStartOffset} to ${node.logEndOffset}`],
    ['Latest snapshot', node.latestSnapshotOffset],
    ['As seen by', `controller ${node.nodeId}${node.active ? '' : ', which does not lead'}`],
  ]);
  const table = renderTable(replicaColumns, replicaRows(quorum), (heading) =>
    style(terminal, 'bold', heading),
  );
  return `${fields}\n${table}`;
}
