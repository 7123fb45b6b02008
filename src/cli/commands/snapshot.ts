import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { nodeOperations as operations } from '../../client/protocol/node-operations.ts';
import type { CliDependencies } from '../context.ts';
import type { Column } from '../output/table.ts';
import { addVerb, tableText } from '../verbs.ts';

type SnapshotView = Awaited<ReturnType<Client['listSnapshots']>>['snapshots'][number];

export function addSnapshotCommands(program: Command, dependencies: CliDependencies): void {
  const snapshot = program
    .command('snapshot')
    .description('Snapshots of one controller, the first of --endpoints that answers.');
  addVerb(snapshot, dependencies, {
    name: 'list',
    operation: operations.listSnapshots,
    description: 'Snapshots that the controller holds, and where its log begins.',
    call: (client) => client.listSnapshots(),
    text: ({ snapshots, logStartOffset }, view) =>
      `The log begins at ${logStartOffset}.\n\n${tableText(view, columns, snapshots, 'There is no snapshot.')}`,
  });
  addVerb(snapshot, dependencies, {
    name: 'create',
    operation: operations.createSnapshot,
    description: 'Take a snapshot of what the controller has applied, unless the newest one holds it.',
    noDryRun: 'A snapshot changes nothing that anybody could see.',
    call: (client, _input, options) => client.createSnapshot({}, options),
    text: ({ endOffset, epoch, pageCount }) =>
      `There is a snapshot that ends at ${endOffset}, epoch ${epoch}, in ${pageCount} pages.\n`,
  });
}

const columns: readonly Column<SnapshotView>[] = [
  { heading: 'END OFFSET', cell: (row) => row.endOffset, align: 'right' },
  { heading: 'EPOCH', cell: (row) => row.epoch, align: 'right' },
  { heading: 'TAKEN', cell: (row) => new Date(row.timestampMs).toISOString() },
  { heading: 'PAGES', cell: (row) => row.pageCount, align: 'right' },
];
