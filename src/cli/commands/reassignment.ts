import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { limits } from '../../metadata/limits.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import { originalReplicas } from '../../metadata/resources/topic/partition-row.ts';
import {
  callOptionsOf,
  endpointsOf,
  readText,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
import { listAll } from '../listing.ts';
import { show } from '../output/forms.ts';
import type { Column } from '../output/table.ts';
import { formatReassignment, parseReassignment, type ReassignedPartition } from '../reassignment-json.ts';
import { addListVerb, outcome, tableText } from '../verbs.ts';

type Reassigning = Awaited<ReturnType<Client['listPartitionReassignments']>>['partitions'][number];
type Asked = Parameters<Client['alterPartitionReassignments']>[0];
type Answered = Awaited<ReturnType<Client['alterPartitionReassignments']>>;
type Result = Answered['partitions'][number];

type FileOption = { readonly file?: string };
type AlterOptions = ClusterOptions &
  DryRunOption & { readonly file: string; readonly disallowReplicationFactorChange?: boolean };
type CancelOptions = ClusterOptions &
  DryRunOption &
  FileOption & { readonly topic?: string; readonly partition?: string };
type ExportOptions = ClusterOptions & { readonly topic: readonly string[] };

export function addReassignmentCommands(program: Command, dependencies: CliDependencies): void {
  const reassignment = program
    .command('reassignment')
    .description('Give partitions other replicas, by the JSON of kafka-reassign-partitions.');
  addAlter(reassignment, dependencies);
  addListVerb(reassignment, dependencies, {
    name: 'list',
    operation: operations.listPartitionReassignments,
    description: 'The partitions that are being reassigned.',
    rows: 'partitions',
    page: async (client, query, options) => {
      const { partitions, continue: next } = await client.listPartitionReassignments(query, options);
      return { rows: partitions, continue: next };
    },
    columns,
    none: 'No partition is being reassigned.',
  });
  addCancel(reassignment, dependencies);
  addExport(reassignment, dependencies);
}

const columns: readonly Column<Reassigning>[] = [
  { heading: 'TOPIC', cell: (row) => row.topic },
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'LEADER', cell: (row) => (row.leader < 0 ? 'nobody' : row.leader), align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicas.join(',') },
  { heading: 'ADDING', cell: (row) => row.addingReplicas.join(',') },
  { heading: 'REMOVING', cell: (row) => row.removingReplicas.join(',') },
  { heading: 'IN SYNC', cell: (row) => row.isr.join(',') },
];

const fileAdvice = 'Give the name of a file; this one can be made with: ottla reassignment export';

function addAlter(reassignment: Command, { terminal, environment }: CliDependencies): void {
  withDryRun(withClusterOptions(reassignment.command('alter'), environment))
    .description('Begin what a file says, or put it in the place of what is under way.')
    .requiredOption('--file <path>', 'the reassignment, as JSON')
    .option('--disallow-replication-factor-change', 'refuse another number of replicas than there is')
    .addHelpText('after', '\nExample:\n  ottla reassignment alter --file plan.json --dry-run')
    .action(async (options: AlterOptions) => {
      const partitions = parseReassignment(readText(options.file, fileAdvice), options.file);
      const allowReplicationFactorChange = options.disallowReplicationFactorChange !== true;
      const answer = await withClient(options, endpointsOf(options), (client) =>
        alterAll(client, partitions, { allowReplicationFactorChange }, options),
      );
      await tell(terminal, options, answer, ['is reassigned', 'could be reassigned']);
    });
}

function addCancel(reassignment: Command, { terminal, environment }: CliDependencies): void {
  withDryRun(withClusterOptions(reassignment.command('cancel'), environment))
    .description('Go back to the replicas that partitions had before, for those in a file or for one.')
    .option('--file <path>', 'the partitions, as JSON; which replicas it gives them does not matter')
    .option('--topic <name>', 'the topic, in the place of a file')
    .option('--partition <number>', 'the partition of the topic')
    .addHelpText('after', '\nExample:\n  ottla reassignment cancel --topic orders --partition 0')
    .action(async (options: CancelOptions) => {
      const partitions = partitionsToCancel(options).map((each) => ({ ...each, replicas: null }));
      const answer = await withClient(options, endpointsOf(options), (client) =>
        alterAll(client, partitions, {}, options),
      );
      await tell(terminal, options, answer, ['goes back', 'could go back']);
    });
}

type Place = Pick<ReassignedPartition, 'topic' | 'partition'>;

function partitionsToCancel({ file, topic, partition }: CancelOptions): readonly Place[] {
  if (file !== undefined && topic === undefined && partition === undefined) {
    return parseReassignment(readText(file, fileAdvice), file).map(({ topic: name, partition: number }) => ({
      topic: name,
      partition: number,
    }));
  }
  const isNumber = partition !== undefined && /^\d{1,9}$/.test(partition);
  if (file === undefined && topic !== undefined && isNumber) return [{ topic, partition: Number(partition) }];
  throw new CliFailure(
    'usage',
    'It is not said what is to be cancelled.',
    'Give --file, or --topic and --partition; see what is under way with: ottla reassignment list',
  );
}

/**
 * As many requests as it takes. Their answers are too long to be remembered under a key; to ask again for what is
 * done already changes nothing.
 */
async function alterAll(
  client: Client,
  partitions: Asked['partitions'],
  settings: Omit<Asked, 'partitions'>,
  options: DryRunOption,
): Promise<Answered> {
  const results: Result[] = [];
  const size = limits.reassignmentsPerOperationMax;
  for (let at = 0; at < partitions.length; at += size) {
    const asked = { ...settings, partitions: partitions.slice(at, at + size) };
    const callOptions = { ...callOptionsOf(options), exactlyOnce: false };
    results.push(...(await client.alterPartitionReassignments(asked, callOptions)).partitions);
  }
  return { partitions: results };
}

/** What became of it; one that was refused makes the whole command fail, though the others are done. */
async function tell(
  terminal: CliDependencies['terminal'],
  options: ClusterOptions & DryRunOption,
  answer: Answered,
  [done, possible]: readonly [string, string],
): Promise<void> {
  const refused = answer.partitions.filter(({ code }) => code !== null);
  const count = answer.partitions.length - refused.length;
  const what = count === 1 ? '1 partition' : `${count} partitions`;
  await show(terminal, options.output, answer, (isWide) => {
    const isDryRun = options.dryRun === true;
    const said = outcome(
      { isDryRun },
      `${what} ${plural(count, done)}.`,
      `${what} ${plural(count, possible)}.`,
    );
    if (refused.length === 0) return said;
    return `${count === 0 ? '' : said}${tableText({ terminal, isWide }, refusedColumns, refused, '')}`;
  });
  if (refused.length === 0) return;
  throw new CliFailure(
    'conflict',
    `${refused.length} of ${answer.partitions.length} partitions were refused.`,
    'Each has its reason above; see what is under way with: ottla reassignment list',
  );
}

function plural(count: number, verb: string): string {
  return count === 1 ? verb : verb.replace(/^is /, 'are ').replace(/^goes /, 'go ');
}

const refusedColumns: readonly Column<Result>[] = [
  { heading: 'TOPIC', cell: (row) => row.topic },
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'REFUSED', cell: (row) => row.code },
  { heading: 'WHY', cell: (row) => row.message },
];

function addExport(reassignment: Command, { terminal, environment }: CliDependencies): void {
  withClusterOptions(reassignment.command('export'), environment)
    .description(
      'The replicas that partitions have now, as JSON that alter takes; not those that are being added.',
    )
    .option('--topic <name>', 'of this topic alone; may be repeated', collect, [])
    .addHelpText('after', '\nExample:\n  ottla reassignment export --topic orders > plan.json')
    .action(async (options: ExportOptions) => {
      const partitions = await withClient(options, endpointsOf(options), async (client) => {
        const topics = options.topic.length > 0 ? options.topic : await allTopics(client);
        const rows: ReassignedPartition[] = [];
        for (const topic of topics) rows.push(...(await partitionsOf(client, topic)));
        return rows;
      });
      terminal.out(`${formatReassignment(partitions)}\n`);
    });
}

function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

const everything = { limit: '999999999' } as const;

async function allTopics(client: Client): Promise<readonly string[]> {
  const { rows } = await listAll(everything, async (query) => {
    const { topics, continue: next } = await client.listTopics(query);
    return { rows: topics, continue: next };
  });
  return rows.map(({ name }) => name);
}

async function partitionsOf(client: Client, topic: string): Promise<readonly ReassignedPartition[]> {
  const { rows } = await listAll(everything, async (query) => {
    const { partitions, continue: next } = await client.listPartitions({ ...query, topic });
    return { rows: partitions, continue: next };
  });
  return rows.map((row) => ({ topic, partition: row.partition, replicas: originalReplicas(row) }));
}
