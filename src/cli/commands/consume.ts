import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { OttlaError } from '../../client/errors.ts';
import {
  type CliDependencies,
  type ClusterOptions,
  endpointsOf,
  withClient,
  withClusterOptions,
} from '../context.ts';
import { PartitionLeaders } from '../data/partition-leaders.ts';
import { CliFailure } from '../failures.ts';
import { showEach } from '../output/forms.ts';
import { isRecord } from '../records.ts';
import { wholeNumber } from './log.ts';

type ConsumeOptions = ClusterOptions & {
  readonly topic: string;
  readonly partition?: string;
  readonly fromBeginning?: boolean;
  readonly offset?: string;
  readonly follow?: boolean;
  readonly limit?: string;
};

const followWaitMs = 5_000;

const formsHelp = `
A line is a record's value; with -o wide its partition, offset and key stand before it. JSON has one record a line.`;

export function addConsumeCommand(program: Command, dependencies: CliDependencies): void {
  withClusterOptions(program.command('consume'), dependencies.environment)
    .description('Show the records of a topic that are committed; with --follow, also those to come.')
    .requiredOption('--topic <topic>', 'the topic’s name')
    .option('--partition <partition>', 'this one alone; all of them when absent')
    .option('--from-beginning', 'begin with the oldest record that is kept; with the next one when absent')
    .option('--offset <offset>', 'begin there, in each partition')
    .option('--follow', 'go on as records come, until Ctrl-C')
    .option('--limit <records>', 'end after so many records')
    .addHelpText('after', formsHelp)
    .action(async (options: ConsumeOptions) => {
      if (options.fromBeginning === true && options.offset !== undefined) {
        throw new CliFailure(
          'usage',
          '--from-beginning and --offset exclude each other.',
          'Give one of them.',
        );
      }
      await withClient(options, endpointsOf(options), (client) => consume(client, options, dependencies));
    });
}

type Shared = {
  readonly leaders: PartitionLeaders;
  readonly options: ConsumeOptions;
  readonly dependencies: CliDependencies;
  /** Over all partitions; what is shown counts when it is shown. */
  remaining: number;
};

async function consume(
  client: Client,
  options: ConsumeOptions,
  dependencies: CliDependencies,
): Promise<void> {
  const leaders = new PartitionLeaders(client, options.topic, options.requestTimeoutMs);
  const remaining =
    options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(options.limit, '--limit');
  const shared: Shared = { leaders, options, dependencies, remaining };
  try {
    const count = await leaders.partitionCount();
    const all = Array.from({ length: count }, (_, partition) => partition);
    const wanted = options.partition === undefined ? all : [wholeNumber(options.partition, '--partition')];
    await Promise.all(wanted.map((partition) => consumePartition(partition, shared)));
  } finally {
    await leaders.close();
  }
}

async function consumePartition(partition: number, shared: Shared): Promise<void> {
  const { leaders, options } = shared;
  const asked = { operationId: 'listOffsets', partition, method: 'GET', path: '/offsets' } as const;
  const offsets = await leaders.ask(asked);
  const end = Number(offsets['highWatermark']);
  let next = beginning(options, Number(offsets['logStartOffset']), end);
  while (shared.remaining > 0 && (options.follow === true || next < end)) {
    const page = await fetchPage(partition, next, shared);
    await shown(page.records, shared);
    next = page.nextOffset;
  }
}

function beginning({ fromBeginning, offset }: ConsumeOptions, start: number, end: number): number {
  if (offset !== undefined) return wholeNumber(offset, '--offset');
  return fromBeginning === true ? start : end;
}

type ShownRow = Readonly<Record<string, unknown>> & { readonly partition: number };
type Page = { readonly records: readonly ShownRow[]; readonly nextOffset: number };

async function fetchPage(partition: number, offset: number, { leaders, options }: Shared): Promise<Page> {
  const waitMs = options.follow === true ? followWaitMs : 0;
  const path = `/records?offset=${offset}&max_wait_ms=${waitMs}`;
  try {
    const page = await leaders.ask({ operationId: 'fetch', partition, method: 'GET', path }, waitMs);
    const records = Array.isArray(page['records']) ? page['records'].filter(isRecord) : [];
    return {
      records: records.map((record) => ({ partition, ...record })),
      nextOffset: Number(page['nextOffset']),
    };
  } catch (error) {
    const start = error instanceof OttlaError ? error.details?.['logStartOffset'] : undefined;
    // Retention has overtaken the reader, who goes on with what is left.
    if (options.offset === undefined && typeof start === 'number' && start > offset) {
      return { records: [], nextOffset: start };
    }
    throw error;
  }
}

async function shown(records: readonly ShownRow[], shared: Shared): Promise<void> {
  const rows = records.slice(0, shared.remaining);
  shared.remaining -= rows.length;
  const { dependencies, options } = shared;
  await showEach(dependencies.terminal, options.output, rows, (isWide) =>
    rows.map((row) => `${isWide ? placeOf(row) : ''}${textOf(row, 'value')}\n`).join(''),
  );
}

function placeOf(row: ShownRow): string {
  return `${row.partition}\t${String(row['offset'])}\t${textOf(row, 'key')}\t`;
}

/** Bytes that are no text stand as their base64. */
function textOf(row: ShownRow, name: 'key' | 'value'): string {
  const text = row[name] ?? row[`${name}Base64`];
  return typeof text === 'string' ? text : '';
}
