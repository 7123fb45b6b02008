import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import {
  callOptionsOf,
  endpointsOf,
  withAtOffset,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
  type PastOption,
} from '../context.ts';
import { listAll, sayIfMore, withListOptions, type Listing, type ListOptions } from '../listing.ts';
import { addFieldOptions, readFields } from '../operation-fields.ts';
import { show } from '../output/forms.ts';
import { renderFields, type Column } from '../output/table.ts';
import { orSuggestTopic } from '../unknown-topic.ts';
import { addListVerb, addVerb, outcome, tableText } from '../verbs.ts';
import { partitionColumns, type PartitionView } from './partition.ts';

type TopicView = Awaited<ReturnType<Client['describeTopic']>>;

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
  addListVerb(topic, dependencies, {
    name: 'list',
    operation: operations.listTopics,
    description: 'All topics, by name.',
    rows: 'topics',
    page: async (client, query, options) => {
      const { topics, continue: next } = await client.listTopics(query, options);
      return { rows: topics, continue: next };
    },
    columns: topicColumns,
    none: 'There is no topic.',
  });
  addDescribe(topic, dependencies);
  addAddPartitions(topic, dependencies);
  addVerb(topic, dependencies, {
    name: 'delete',
    operation: operations.deleteTopic,
    positional: ['topic'],
    explanations,
    description: 'Delete a topic with all its partitions.',
    call: (client, input, options) => client.deleteTopic(input, options),
    text: ({ name, topicId }, view) =>
      outcome(
        view,
        `Topic ${name} was deleted; its id was ${topicId}.`,
        `Topic ${name} could be deleted; its id is ${topicId}.`,
      ),
  });
}

function addCreate(topic: Command, dependencies: CliDependencies): void {
  addVerb(topic, dependencies, {
    name: 'create',
    operation: operations.createTopic,
    positional: ['name'],
    explanations,
    description: 'Create a topic; its replicas are spread over racks and brokers unless they are given.',
    example: 'topic create orders --partitions 6 --replication-factor 3',
    call: (client, input, options) => client.createTopic(input, options),
    text: ({ name, partitions, replicationFactor, topicId }, view) => {
      const what = `${counted(partitions, 'partition')} with ${counted(replicationFactor, 'replica')} each`;
      return outcome(
        view,
        `Topic ${name} was created: ${what}, id ${topicId}.`,
        `Topic ${name} could be created: ${what}.`,
      );
    },
  });
}

function addAddPartitions(topic: Command, dependencies: CliDependencies): void {
  addVerb(topic, dependencies, {
    name: 'add-partitions',
    operation: operations.addPartitions,
    positional: ['topic'],
    explanations,
    description: 'Raise the number of a topic’s partitions; it never goes down.',
    example: 'topic add-partitions orders --count 12',
    call: (client, input, options) => client.addPartitions(input, options),
    text: ({ partitions, added }, view, { topic: name }) =>
      outcome(
        view,
        `Topic ${name} has ${counted(partitions, 'partition')} now, ${added} of them new.`,
        `${counted(added, 'partition')} could be added to topic ${name}.`,
      ),
  });
}

/** Two operations in one verb: whoever asks for a topic wants to see its partitions, too. */
function addDescribe(topic: Command, { terminal, environment }: CliDependencies): void {
  const operation = operations.describeTopic;
  const command = withAtOffset(withListOptions(withClusterOptions(topic.command('describe'), environment)));
  addFieldOptions(command, operation, ['topic'], explanations)
    .description('One topic with the leader, the replicas and the in-sync set of each partition.')
    .action(async (name: string, options: ClusterOptions & ListOptions & PastOption) => {
      readFields(operation, ['topic'], [name], {});
      const { view, partitions } = await withClient(options, endpointsOf(options), (client) =>
        orSuggestTopic(client, name, () => readTopic(client, name, options)),
      );
      const { rows } = partitions;
      await show(
        terminal,
        options.output,
        { ...view, partitions: rows },
        (isWide) =>
          `${topicText(view)}\n${tableText({ terminal, isWide }, partitionColumns, rows, 'It has no partition.')}`,
      );
      sayIfMore(partitions, terminal);
    });
}

async function readTopic(
  client: Client,
  topic: string,
  options: ListOptions & PastOption,
): Promise<{ readonly view: TopicView; readonly partitions: Listing<PartitionView> }> {
  const callOptions = callOptionsOf(options);
  const view = await client.describeTopic({ topic }, callOptions);
  const partitions = await listAll(options, async (page) => {
    const { partitions: rows, continue: next } = await client.listPartitions({ topic, ...page }, callOptions);
    return { rows, continue: next };
  });
  return { view, partitions };
}

const topicColumns: readonly Column<TopicView>[] = [
  { heading: 'TOPIC', cell: (row) => row.name },
  { heading: 'PARTITIONS', cell: (row) => row.partitionCount, align: 'right' },
  { heading: 'REPLICATION FACTOR', cell: (row) => row.replicationFactor, align: 'right' },
  { heading: 'TOPIC ID', cell: (row) => row.topicId },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

function topicText(topic: TopicView): string {
  return renderFields([
    ['Topic', topic.name],
    ['Id', topic.topicId],
    ['Partitions', topic.partitionCount],
    ['Replication factor', topic.replicationFactor],
    ['Last modified at', topic.lastModified],
  ]);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
