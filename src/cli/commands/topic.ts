import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import type { InputOf } from '../../client/typed.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  callOptionsOf,
  endpointsOf,
  show,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
} from '../context.ts';
import { listAll, sayIfMore, showList, withListOptions, type Listing, type ListOptions } from '../listing.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { renderFields, renderTable, type Column } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';

export type TopicView = Awaited<ReturnType<Client['describeTopic']>>;
export type PartitionView = Awaited<ReturnType<Client['listPartitions']>>['partitions'][number];

type FieldOptions = ClusterOptions & DryRunOption & Readonly<Record<string, unknown>>;

const explanations = {
  topic: 'the topic’s name',
  name: 'the topic’s name',
  partitions: 'how many partitions; 1 when absent',
  replicationFactor: 'how many replicas each has; 3 when absent, or as many as there are brokers',
  count: 'how many partitions the topic is to have',
  assignments: 'brokers of each partition, the preferred leader first: [[1,2,3],[2,3,1]]',
  configs: 'what is set of it from the start: [{"name":"retention.ms","value":"60000"}]',
} as const;

export function addTopicCommands(program: Command, dependencies: CliDependencies): void {
  const topic = program.command('topic').description('Topics and their partitions.');
  addCreate(topic, dependencies);
  addList(topic, dependencies);
  addDescribe(topic, dependencies);
  addAddPartitions(topic, dependencies);
  addDelete(topic, dependencies);
}

function addCreate(topic: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.createTopic;
  const command = withDryRun(withClusterOptions(topic.command('create'), environment));
  addFieldOptions(command, operation, ['name'], explanations)
    .description('Create a topic; its replicas are spread over racks and brokers unless they are given.')
    .addHelpText('after', '\nExample:\n  ottla topic create orders --partitions 6 --replication-factor 3')
    .action(async (name: string, options: FieldOptions) => {
      const input = readFields(operation, ['name'], [name], options);
      const created = await withClient(options, endpointsOf(options), (client) =>
        client.createTopic(checkedInput<typeof operation>(input), callOptionsOf(options)),
      );
      const what = `${counted(created.partitions, 'partition')} with ${counted(created.replicationFactor, 'replica')} each`;
      const line =
        options.dryRun === true
          ? `Topic ${created.name} could be created: ${what}. Nothing was changed.\n`
          : `Topic ${created.name} was created: ${what}, id ${created.topicId}.\n`;
      show(terminal, options.output, created, () => line);
    });
}

function addList(topic: Command, { terminal, environment }: CliDependencies): void {
  withListOptions(withClusterOptions(topic.command('list'), environment))
    .description('All topics, by name.')
    .action((options: ClusterOptions & ListOptions) =>
      showList(options, terminal, {
        name: 'topics',
        fetchPage: async (client, query) => {
          const { topics, continue: next } = await client.listTopics(query);
          return { rows: topics, continue: next };
        },
        table: (rows) => topicTable(rows, terminal),
      }),
    );
}

function addDescribe(topic: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.describeTopic;
  const command = withListOptions(withClusterOptions(topic.command('describe'), environment));
  addFieldOptions(command, operation, ['topic'], explanations)
    .description('One topic with the leader, the replicas and the in-sync set of each partition.')
    .action(async (name: string, options: ClusterOptions & ListOptions) => {
      readFields(operation, ['topic'], [name], {});
      const { view, partitions } = await withClient(options, endpointsOf(options), (client) =>
        readTopic(client, name, options),
      );
      const answer = { ...view, partitions: partitions.rows };
      show(terminal, options.output, answer, () => describeTable(view, partitions.rows, terminal));
      sayIfMore(partitions, terminal);
    });
}

async function readTopic(
  client: Client,
  topic: string,
  options: ListOptions,
): Promise<{ readonly view: TopicView; readonly partitions: Listing<PartitionView> }> {
  const view = await client.describeTopic({ topic });
  const partitions = await listAll(options, async (page) => {
    const { partitions: rows, continue: next } = await client.listPartitions({ topic, ...page });
    return { rows, continue: next };
  });
  return { view, partitions };
}

function addAddPartitions(topic: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.addPartitions;
  const command = withDryRun(withClusterOptions(topic.command('add-partitions'), environment));
  addFieldOptions(command, operation, ['topic'], explanations)
    .description('Raise the number of a topic’s partitions; it never goes down.')
    .addHelpText('after', '\nExample:\n  ottla topic add-partitions orders --count 12')
    .action(async (name: string, options: FieldOptions) => {
      const input = readFields(operation, ['topic'], [name], options);
      const done = await withClient(options, endpointsOf(options), (client) =>
        client.addPartitions(checkedInput<typeof operation>(input), callOptionsOf(options)),
      );
      const line =
        options.dryRun !== true
          ? `Topic ${name} has ${counted(done.partitions, 'partition')} now, ${done.added} of them new.\n`
          : `${counted(done.added, 'partition')} could be added to topic ${name}. Nothing was changed.\n`;
      show(terminal, options.output, done, () => line);
    });
}

function addDelete(topic: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.deleteTopic;
  const command = withDryRun(withClusterOptions(topic.command('delete'), environment));
  addFieldOptions(command, operation, ['topic'], explanations)
    .description('Delete a topic with all its partitions.')
    .action(async (name: string, options: ClusterOptions & DryRunOption) => {
      readFields(operation, ['topic'], [name], {});
      const done = await withClient(options, endpointsOf(options), (client) =>
        client.deleteTopic({ topic: name }, callOptionsOf(options)),
      );
      const line =
        options.dryRun === true
          ? `Topic ${done.name} could be deleted; its id is ${done.topicId}. Nothing was changed.\n`
          : `Topic ${done.name} was deleted; its id was ${done.topicId}.\n`;
      show(terminal, options.output, done, () => line);
    });
}

/** `readFields` has checked it against the operation's own schemas, from which the type is derived. */
function checkedInput<Operation>(input: Readonly<Record<string, unknown>>): InputOf<Operation> {
  return input as InputOf<Operation>;
}

const topicColumns: readonly Column<TopicView>[] = [
  { heading: 'TOPIC', cell: (row) => row.name },
  { heading: 'PARTITIONS', cell: (row) => row.partitionCount, align: 'right' },
  { heading: 'REPLICATION FACTOR', cell: (row) => row.replicationFactor, align: 'right' },
  { heading: 'TOPIC ID', cell: (row) => row.topicId },
];

export function topicTable(topics: readonly TopicView[], terminal: Terminal): string {
  if (topics.length === 0) return 'There is no topic.\n';
  return renderTable(topicColumns, topics, (heading) => style(terminal, 'bold', heading));
}

const partitionColumns: readonly Column<PartitionView>[] = [
  { heading: 'PARTITION', cell: (row) => row.partition, align: 'right' },
  { heading: 'LEADER', cell: (row) => (row.leader < 0 ? 'nobody' : row.leader), align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicas.join(',') },
  { heading: 'IN SYNC', cell: (row) => row.isr.join(',') },
  { heading: 'OUT OF SYNC', cell: (row) => row.replicas.filter((id) => !row.isr.includes(id)).join(',') },
  { heading: 'LEADER EPOCH', cell: (row) => row.leaderEpoch, align: 'right' },
  { heading: 'PARTITION EPOCH', cell: (row) => row.partitionEpoch, align: 'right' },
];

export function describeTable(
  topic: TopicView,
  partitions: readonly PartitionView[],
  terminal: Terminal,
): string {
  const fields = renderFields([
    ['Topic', topic.name],
    ['Id', topic.topicId],
    ['Partitions', topic.partitionCount],
    ['Replication factor', topic.replicationFactor],
    ['Last modified at', topic.lastModified],
  ]);
  const table = renderTable(partitionColumns, partitions, (heading) => style(terminal, 'bold', heading));
  return `${fields}\n${table}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
