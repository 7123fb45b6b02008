import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import {
  endpointsOf,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { OttlaError } from '../../client/errors.ts';
import { CliFailure } from '../failures.ts';
import { signalled } from '../signals.ts';
import { showEach, type OutputForm } from '../output/forms.ts';
import { recordColumns, type RecordRow } from '../output/record-rows.ts';
import { renderTable } from '../output/table.ts';
import { style } from '../output/terminal.ts';

type LogPage = Awaited<ReturnType<Client['readLog']>>;
type LogBatch = LogPage['batches'][number];

type DumpOptions = ClusterOptions & {
  readonly dataDir?: string;
  readonly from?: string;
  readonly limit: string;
};

const pageRecords = 500;

/** The fields are those of the log itself, Kafka's sentinels included. */
export const fieldsHelp = `
In a change record null says "as before", and so do leader=-2, leaderRecoveryState=-1, fenced=0 and
inControlledShutdown=0; leader=-1 is "nobody leads", fenced=-1 "unfenced". Bytes that are no text begin with 0x.`;

export function addLogCommands(program: Command, dependencies: CliDependencies): void {
  const log = program.command('log').description('Look into the metadata log.');
  addDump(log, dependencies);
  addTail(log, dependencies);
}

function addDump(log: Command, dependencies: CliDependencies): void {
  withClusterOptions(log.command('dump'), dependencies.environment)
    .description('Show committed records, from a running controller or from a stopped one’s directory.')
    .option('--data-dir <directory>', 'read this directory instead of asking a controller')
    .option('--from <offset>', 'where to begin; where the log begins when absent')
    .option('--limit <records>', 'how many records to show at most', '1000')
    .addHelpText('after', fieldsHelp)
    .action(async (options: DumpOptions) => {
      const limit = wholeNumber(options.limit, '--limit');
      const from = options.from === undefined ? null : wholeNumber(options.from, '--from');
      await withSource(dependencies, options, async (read) => {
        const end = await dump(dependencies, options.output, { from, limit }, read);
        if (end.hasMore) dependencies.terminal.err(`There is more: go on with --from ${end.next}.\n`);
      });
    });
}

type TailOptions = ClusterOptions & {
  readonly dataDir?: string;
  readonly records: string;
  readonly follow?: boolean;
};

function addTail(log: Command, dependencies: CliDependencies): void {
  withClusterOptions(log.command('tail'), dependencies.environment)
    .description('Show the last records, from a running controller or from a stopped one’s directory.')
    .option('--data-dir <directory>', 'read this directory instead of asking a controller')
    .option('-n, --records <records>', 'how many records to begin with', '10')
    .option('-f, --follow', 'go on with what is committed, until Ctrl-C')
    .addHelpText('after', fieldsHelp)
    .action(async (options: TailOptions) => {
      const records = wholeNumber(options.records, '--records');
      if (options.follow === true && options.dataDir !== undefined) {
        throw new CliFailure(
          'usage',
          '--follow and --data-dir exclude each other: the log of a stopped controller does not grow.',
          'Ask a running controller, with --endpoints.',
        );
      }
      await withSource(dependencies, options, async (read) => {
        const { logStartOffset, endOffset } = await read(null, 1);
        const from = Math.max(logStartOffset, endOffset - records);
        const range = { from, limit: endOffset - from };
        const { next } = await dump(dependencies, options.output, range, read);
        if (options.follow === true) await follow(dependencies, options.output, next, read);
      });
    });
}

/** Reads a page; throws what a command says. */
type ReadPage = (from: number | null, limit: number) => Promise<LogPage>;

/** A controller that is asked, or the directory of one that is stopped. */
async function withSource(
  dependencies: CliDependencies,
  options: ClusterOptions & { readonly dataDir?: string },
  use: (read: ReadPage) => Promise<void>,
): Promise<void> {
  const { dataDir } = options;
  if (dataDir !== undefined) {
    await use((from, limit) => readDirectory(dependencies, dataDir, from, limit));
    return;
  }
  await withClient(options, endpointsOf(options), (client) =>
    use((from, limit) => client.readLog({ limit, ...(from === null ? {} : { from }) })),
  );
}

const followEveryMs = 300;

/** What a controller has not committed yet it refuses to show; another one may be a moment behind. */
async function follow(
  dependencies: CliDependencies,
  form: OutputForm,
  begin: number,
  read: ReadPage,
): Promise<void> {
  const ended = signalled();
  for (let next = begin; ; ) {
    const word = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, followEveryMs))]);
    if (word !== undefined) return;
    const range = { from: next, limit: pageRecords };
    next = await dump(dependencies, form, range, read, false).then(
      (end) => end.next,
      (error: unknown) => {
        if (isAhead(error, next)) return next;
        throw error;
      },
    );
  }
}

function isAhead(error: unknown, next: number): boolean {
  if (!(error instanceof OttlaError) || error.code !== 'OFFSET_OUT_OF_RANGE') return false;
  const start = error.details?.['logStartOffset'];
  return typeof start === 'number' && start <= next;
}

export function wholeNumber(text: string, option: string): number {
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new CliFailure('usage', `${option} ${text} is not a whole number.`, `Give one, as in ${option} 100.`);
}

async function readDirectory(
  dependencies: CliDependencies,
  dataDir: string,
  from: number | null,
  maxRecords: number,
): Promise<LogPage> {
  const read = await dependencies.readLogDirectory(dataDir, { from, maxRecords });
  if (read.ok) return toPage(read.value);
  if (read.error.isMissing === true) {
    const advice = 'Name what the controller was given as its --data-dir.';
    throw new CliFailure('notFound', read.error.message, advice);
  }
  throw new CliFailure(
    'failure',
    `The log in ${dataDir} cannot be read: ${read.error.message}`,
    'Name the data directory of one controller, and stop that controller first (or ask it with --endpoints).',
  );
}

type Slice = Extract<
  Awaited<ReturnType<CliDependencies['readLogDirectory']>>,
  { readonly ok: true }
>['value'];

function toPage(slice: Slice): LogPage {
  return {
    ...slice,
    batches: slice.batches.map((batch) => ({
      ...batch,
      records: batch.records.map((record) => ({ ...record, value: { ...record.value } })),
    })),
  };
}

type Range = { readonly from: number | null; readonly limit: number };

/**
 * Page by page, so that a long log is shown as it is read; JSON has one record a line, YAML one a document.
 * Gives where to go on, and whether there is anything there.
 */
async function dump(
  { terminal }: CliDependencies,
  form: OutputForm,
  range: Range,
  read: ReadPage,
  hasHeading = true,
): Promise<{ readonly next: number; readonly hasMore: boolean }> {
  const emphasise = (heading: string): string => style(terminal, 'bold', heading);
  let next = range.from;
  let remaining = range.limit;
  for (let isFirst = hasHeading; ; isFirst = false) {
    const start = next;
    const page = await read(start, Math.min(pageRecords, Math.max(1, remaining)));
    // A page holds whole batches, so it may begin before what was asked for and end behind it.
    const rows = page.batches.flatMap(rowsOf).filter((row) => start === null || row.offset >= start);
    const shown = rows.slice(0, remaining);
    await showEach(terminal, form, shown, () =>
      isFirst || shown.length > 0 ? renderTable(recordColumns, shown, isFirst ? emphasise : null) : '',
    );
    remaining -= shown.length;
    const last = shown.at(-1);
    next = last === undefined || shown.length === rows.length ? page.nextOffset : last.offset + 1;
    if (next >= page.endOffset || page.batches.length === 0) return { next, hasMore: false };
    if (remaining <= 0) return { next, hasMore: true };
  }
}

function rowsOf(batch: LogBatch): readonly RecordRow[] {
  const { epoch, appendTimestampMs: timestampMs } = batch;
  return batch.records.map(({ offset, type, value }) => ({ offset, epoch, timestampMs, type, value }));
}
