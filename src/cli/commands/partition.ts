import { reservedDirectories } from '../../metadata/resources/topic/directories.ts';
import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { renderFields, type Column } from '../output/table.ts';
import type { CallOptions, InputOf } from '../../client/typed.ts';
import { limits } from '../../metadata/limits.ts';
import { CliFailure } from '../failures.ts';
import { addListVerb, addVerb, outcome, tableText } from '../verbs.ts';

export type PartitionView = Awaited<ReturnType<Client['listPartitions']>>['partitions'][number];

const explanations = { topic: 'the topic’s name', partition: 'the partition’s number' } as const;

export function addPartitionCommands(program: Command, dependencies: CliDependencies): void {
  const partition = program.command('partition').description('Who leads partitions, and who is in sync.');
  addListVerb(partition, dependencies, {
    name: 'list',
    operation: operations.listPartitions,
    positional: ['topic'],
    explanations,
    description: 'The partitions of a topic, by number. Those of a broker lists: ottla broker partitions',
    rows: 'partitions',
    page: async (client, input, options) => {
      const { partitions, continue: next } = await client.listPartitions(input, options);
      return { rows: partitions, continue: next };
    },
    columns: partitionColumns,
    none: 'There is no partition.',
  });
  addVerb(partition, dependencies, {
    name: 'describe',
    operation: operations.describePartition,
    positional: ['topic', 'partition'],
    explanations,
    description: 'One partition of a topic.',
    example: 'partition describe orders 0',
    call: (client, input, options) => client.describePartition(input, options),
    text: (view, _view, { topic }) => partitionText(topic, view),
  });
  addVerb(partition, dependencies, {
    name: 'elect',
    operation: operations.electLeaders,
    explanations: { electionType: 'preferred; or unclean, where nobody can lead without lost records' },
    description:
      'Elect preferred leaders again, or leaders at the price of lost records: of some partitions, or of all.',
    example: 'partition elect --election-type preferred --partition orders/0',
    more: { add: addPartitionOption, read: readPartitions, hides: ['partitions', 'continue'] },
    call: electEach,
    text: ({ elected, partitions }, view) => {
      const what = `${elected === 1 ? '1 leader' : `${elected} leaders`}`;
      const refused = partitions.filter(({ code }) => code !== null);
      const table = refused.length === 0 ? '' : tableText(view, electionColumns, refused, '');
      return outcome(view, `${what} elected.`, `${what} would be elected.`) + table;
    },
  });
}

function addPartitionOption(command: Command): Command {
  const add = (text: string, earlier: readonly string[]): readonly string[] => [...earlier, text];
  const explanation = 'a partition; may be repeated; all partitions when absent';
  return command.option('--partition <topic/number>', explanation, add, []);
}

function readPartitions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const given = Array.isArray(options['partition']) ? options['partition'].map(String) : [];
  return given.length === 0 ? {} : { partitions: given.map(readPartition) };
}

function readPartition(text: string): { readonly topic: string; readonly partition: number } {
  const [topic = '', number = ''] = text.split('/');
  if (topic !== '' && /^[0-9]+$/.test(number)) return { topic, partition: Number(number) };
  throw new CliFailure(
    'usage',
    `--partition ${text} names no partition.`,
    'Give one, as in --partition orders/0.',
  );
}

type ElectionInput = InputOf<typeof operations.electLeaders>;
type ElectionView = Awaited<ReturnType<Client['electLeaders']>>;

/** All partitions are looked at a part at a time, and partitions that are named so many at a time. */
async function electEach(client: Client, input: ElectionInput, options: CallOptions): Promise<ElectionView> {
  const named = input.partitions ?? [];
  const whole = { elected: 0, partitions: [] as ElectionView['partitions'], continue: null };
  const take = ({ elected, partitions }: ElectionView): void => {
    whole.elected += elected;
    whole.partitions = [...whole.partitions, ...partitions];
  };
  for (let at = 0; at < named.length; at += limits.electionResultsMax) {
    const partitions = named.slice(at, at + limits.electionResultsMax);
    take(await client.electLeaders({ ...input, partitions }, options));
  }
  if (named.length > 0) return whole;
  for (let next: string | null | undefined; next !== null; ) {
    const from = next === undefined ? {} : { continue: next };
    const answer: ElectionView = await client.electLeaders({ ...input, ...from }, options);
    take(answer);
    next = answer.continue;
  }
  return whole;
}

const electionColumns: readonly Column<ElectionView['partitions'][number]>[] = [
  { heading: 'TOPIC ID', cell: (row) => row.topicId },
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'NOT ELECTED', cell: (row) => row.code },
];

const nobody = 'nobody';

export const partitionColumns: readonly Column<PartitionView>[] = [
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'LEADER', cell: leaderOf, align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicas.join(',') },
  { heading: 'IN SYNC', cell: (row) => row.isr.join(',') },
  { heading: 'OUT OF SYNC', cell: outOfSync },
  { heading: 'LEADER EPOCH', cell: (row) => row.leaderEpoch, align: 'right' },
  { heading: 'PARTITION EPOCH', cell: (row) => row.partitionEpoch, align: 'right' },
  { heading: 'ELIGIBLE', cell: (row) => row.eligibleLeaderReplicas.join(','), isWide: true },
  { heading: 'LAST KNOWN', cell: (row) => row.lastKnownElr.join(','), isWide: true },
  { heading: 'ADDING', cell: (row) => row.addingReplicas.join(','), isWide: true },
  { heading: 'REMOVING', cell: (row) => row.removingReplicas.join(','), isWide: true },
  { heading: 'DIRECTORIES', cell: directoriesText, isWide: true },
  { heading: 'RECOVERY', cell: recoveryOf, isWide: true },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
  { heading: 'TOPIC ID', cell: (row) => row.topicId, isWide: true },
];

function leaderOf({ leader }: PartitionView): string | number {
  return leader < 0 ? nobody : leader;
}

function outOfSync({ replicas, isr }: PartitionView): string {
  return replicas.filter((id) => !isr.includes(id)).join(',');
}

/** Those that are known, each with its broker. */
function directoriesText({ replicas, directories }: PartitionView): string {
  const named = replicas.flatMap((broker, at) => {
    const directory = directories[at] ?? reservedDirectories.migrating;
    if (directory === reservedDirectories.migrating) return [];
    return [`${broker}:${reservedNames.get(directory) ?? directory}`];
  });
  return named.join(' ');
}

const reservedNames: ReadonlyMap<string, string> = new Map([
  [reservedDirectories.unassigned, 'unassigned'],
  [reservedDirectories.lost, 'lost'],
]);

function recoveryOf({ leaderRecoveryState }: PartitionView): string {
  return leaderRecoveryState === 0 ? 'recovered' : 'recovering';
}

function partitionText(topic: string, partition: PartitionView): string {
  return renderFields([
    ['Topic', topic],
    ['Topic id', partition.topicId],
    ['Partition', partition.partition],
    ['Leader', leaderOf(partition)],
    ['Replicas', partition.replicas.join(',')],
    ['In sync', partition.isr.join(',')],
    ['Out of sync', outOfSync(partition)],
    ['Eligible to lead', partition.eligibleLeaderReplicas.join(',')],
    ['Last known eligible', partition.lastKnownElr.join(',')],
    ['Adding', partition.addingReplicas.join(',')],
    ['Removing', partition.removingReplicas.join(',')],
    ['Directories', directoriesText(partition)],
    ['Leader epoch', partition.leaderEpoch],
    ['Partition epoch', partition.partitionEpoch],
    ['Recovery', recoveryOf(partition)],
    ['Last modified at', partition.lastModified],
  ]);
}
