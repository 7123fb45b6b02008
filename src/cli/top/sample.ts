import type { Client } from '../../client/create-client.ts';
import { ownAnswerOptions } from '../each-endpoint.ts';

type QuorumView = Awaited<ReturnType<Client['describeQuorum']>>;
export type BrokerView = Awaited<ReturnType<Client['listBrokers']>>['brokers'][number];

/** One look at a cluster. */
export type Sample = {
  readonly atMs: number;
  readonly clusterId: string | null;
  readonly leader: { readonly id: number; readonly epoch: number } | null;
  /** Of the leader; of the furthest one while nobody leads. */
  readonly highWatermark: number;
  readonly controllers: readonly ControllerRow[];
  /** Null while nobody could be asked. */
  readonly brokers: readonly BrokerView[] | null;
};

export type ControllerRow = {
  readonly endpoint: string;
  /** Null for one that does not answer. */
  readonly nodeId: number | null;
  readonly role: string;
  readonly logEndOffset: number | null;
  /** Records that the leader has and it has not, as the leader knows it. */
  readonly lag: number | null;
  readonly lastContactMs: number | null;
  readonly trouble: string | null;
};

type Asked = { readonly endpoint: string; readonly client: Client };
type Answered = { readonly endpoint: string; readonly quorum: QuorumView | null; readonly client: Client };

/** Asks every controller by itself; one that does not answer is a row, not an error. */
export async function takeSample(clients: readonly Asked[], atMs: number): Promise<Sample> {
  const answers = await Promise.all(
    clients.map(async ({ endpoint, client }): Promise<Answered> => {
      const quorum = await client.describeQuorum({}, ownAnswerOptions).catch(() => null);
      return { endpoint, quorum, client };
    }),
  );
  const leader = leaderOf(answers);
  const brokers =
    leader === null
      ? null
      : await leader.client
          .listBrokers({ limit: 1_000 }, { ...ownAnswerOptions, consistency: 'stale' })
          .then((page) => page.brokers)
          .catch(() => null);
  const quorums = answers.flatMap(({ quorum }) => (quorum === null ? [] : [quorum]));
  return {
    atMs,
    clusterId: quorums.find(({ clusterId }) => clusterId !== null)?.clusterId ?? null,
    leader: leader === null ? null : { id: leader.quorum.node.nodeId, epoch: leader.quorum.epoch },
    highWatermark: leader?.quorum.highWatermark ?? Math.max(0, ...quorums.map((each) => each.highWatermark)),
    controllers: answers.map((answer) => controllerRow(answer, leader?.quorum ?? null)),
    brokers,
  };
}

/** Of two that say they lead, the one in the later epoch does. */
function leaderOf(answers: readonly Answered[]): (Answered & { readonly quorum: QuorumView }) | null {
  const active = answers.flatMap(({ quorum, ...rest }) =>
    quorum !== null && quorum.node.active ? [{ ...rest, quorum }] : [],
  );
  return active.sort((left, right) => right.quorum.epoch - left.quorum.epoch)[0] ?? null;
}

function controllerRow({ endpoint, quorum }: Answered, leader: QuorumView | null): ControllerRow {
  if (quorum === null) {
    const nothing = { nodeId: null, logEndOffset: null, lag: null, lastContactMs: null };
    return { endpoint, ...nothing, role: 'no answer', trouble: null };
  }
  const { node } = quorum;
  const replica = leader?.replicas.find(({ id }) => id === node.nodeId);
  const isLeader = leader?.node.nodeId === node.nodeId;
  return {
    endpoint,
    nodeId: node.nodeId,
    role: node.isObserver ? 'observer' : node.role,
    logEndOffset: node.logEndOffset,
    lag: isLeader ? 0 : (replica?.lag ?? null),
    lastContactMs: node.lastContactMs,
    trouble: node.recovering ? 'recovering' : node.lowOnSpace ? 'disk nearly full' : null,
  };
}

/** Records committed in a second, between two looks; null where nothing can be said. */
export function committedPerSecond(before: Sample | null, now: Sample): number | null {
  if (before === null || now.atMs <= before.atMs || now.highWatermark < before.highWatermark) return null;
  return ((now.highWatermark - before.highWatermark) * 1_000) / (now.atMs - before.atMs);
}
