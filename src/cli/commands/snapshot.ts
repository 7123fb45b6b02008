import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { withClusterOptions, type CliDependencies, type ClusterOptions } from '../context.ts';
import {
  answersOf,
  askEach,
  briefly,
  nobodyAnswers,
  ownAnswerOptions,
  type EndpointAnswer,
} from '../each-endpoint.ts';
import { show } from '../output/forms.ts';
import type { Column } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { tableText } from '../verbs.ts';

type SnapshotView = Awaited<ReturnType<Client['createSnapshot']>>;

/** Snapshots are a node's own, so that each of --endpoints is asked by itself. */
export function addSnapshotCommands(program: Command, { terminal, environment }: CliDependencies): void {
  const snapshot = program.command('snapshot').description('Snapshots of the controllers.');
  withClusterOptions(snapshot.command('list'), environment)
    .description('Snapshots that each controller of --endpoints holds.')
    .action(async (options: ClusterOptions) => {
      const asked = await askEach(options, (client) => client.listSnapshots({}, ownAnswerOptions));
      await showEndpoints(options, terminal, asked, ({ snapshots }) => snapshots);
    });
  withClusterOptions(snapshot.command('create'), environment)
    .description(
      'Take a snapshot at each controller of --endpoints, unless its newest one holds all there is.',
    )
    .addHelpText('after', '\nThere is no --dry-run: a snapshot changes nothing that anybody could see.')
    .action(async (options: ClusterOptions) => {
      const asked = await askEach(options, (client) => client.createSnapshot({}, { attemptsMax: 1 }));
      await showEndpoints(options, terminal, asked, (taken) => [taken]);
    });
}

async function showEndpoints<Value>(
  options: ClusterOptions,
  terminal: Terminal,
  asked: readonly EndpointAnswer<Value>[],
  snapshotsOf: (answer: Value) => readonly SnapshotView[],
): Promise<void> {
  const controllers = asked.map((each) =>
    'answer' in each
      ? { endpoint: each.endpoint, snapshots: snapshotsOf(each.answer) }
      : { endpoint: each.endpoint, failure: each.failure.reason },
  );
  const rows = asked.flatMap((each) => rowsOf(each, snapshotsOf));
  await show(terminal, options.output, { controllers }, (isWide) =>
    tableText({ terminal, isWide }, columns, rows, 'There is no snapshot.'),
  );
  if (answersOf(asked).length === 0) throw nobodyAnswers(asked);
}

type Row = {
  readonly endpoint: string;
  readonly snapshot: SnapshotView | null;
  readonly remark: string | null;
};

function rowsOf<Value>(
  each: EndpointAnswer<Value>,
  snapshotsOf: (answer: Value) => readonly SnapshotView[],
): readonly Row[] {
  const { endpoint } = each;
  if ('failure' in each) return [{ endpoint, snapshot: null, remark: briefly(each) }];
  const snapshots = snapshotsOf(each.answer);
  if (snapshots.length === 0) return [{ endpoint, snapshot: null, remark: 'none' }];
  return snapshots.map((snapshot) => ({ endpoint, snapshot, remark: null }));
}

const columns: readonly Column<Row>[] = [
  { heading: 'ENDPOINT', cell: (row) => row.endpoint },
  { heading: 'END OFFSET', cell: (row) => row.snapshot?.endOffset ?? null, align: 'right' },
  { heading: 'EPOCH', cell: (row) => row.snapshot?.epoch ?? null, align: 'right' },
  { heading: 'PAGES', cell: (row) => row.snapshot?.pageCount ?? null, align: 'right' },
  { heading: 'NEWEST RECORD', cell: (row) => timeOf(row.snapshot) ?? row.remark },
];

/** One of a quorum that has only elected leaders so far holds no record with a time. */
function timeOf(snapshot: SnapshotView | null): string | null {
  if (snapshot === null) return null;
  return snapshot.timestampMs === 0 ? 'none yet' : new Date(snapshot.timestampMs).toISOString();
}
