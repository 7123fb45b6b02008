import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb } from '../verbs.ts';

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
}

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
    ['Leader epoch', partition.leaderEpoch],
    ['Partition epoch', partition.partitionEpoch],
    ['Recovery', recoveryOf(partition)],
    ['Last modified at', partition.lastModified],
  ]);
}
