import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import {
  endpointsOf,
  withClient,
  withClusterOptions,
  type CliDependencies,
  type ClusterOptions,
} from '../context.ts';
import { CliFailure } from '../failures.ts';
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
  const { environment } = dependencies;
  const log = program.command('log').description('Look into the metadata log.');
  withClusterOptions(log.command('dump'), environment)
    .description('Show committed records, from a running controller or from a stopped one’s directory.')
    .option('--data-dir <directory>', 'read this directory instead of asking a controller')
    .option('--from <offset>', 'where to begin; where the log begins when absent')
    .option('--limit <records>', 'how many records to show at most', '1000')
    .addHelpText('after', fieldsHelp)
    .action(async (options: DumpOptions) => {
      const records = wholeNumber(options.limit, '--limit');
      const from = options.from === undefined ? null : wholeNumber(options.from, '--from');
      if (options.dataDir !== undefined) {
        const { dataDir } = options;
        await dump(dependencies, options.output, from, records, (start, count) =>
          readDirectory(dependencies, dataDir, start, count),
        );
        return;
      }
      await withClient(options, endpointsOf(options), (client) =>
        dump(dependencies, options.output, from, records, (start, limit) =>
          client.readLog({ limit, ...(start === null ? {} : { from: start }) }),
        ),
      );
    });
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

/** Page by page, so that a long log is shown as it is read; JSON has one record a line, YAML one a document. */
async function dump(
  dependencies: CliDependencies,
  form: OutputForm,
  from: number | null,
  recordsMax: number,
  read: (from: number | null, limit: number) => Promise<LogPage>,
): Promise<void> {
  const { terminal } = dependencies;
  const emphasise = (heading: string): string => style(terminal, 'bold', heading);
  let next = from;
  let remaining = recordsMax;
  for (let isFirst = true; ; isFirst = false) {
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
    if (next >= page.endOffset || page.batches.length === 0) return;
    if (remaining <= 0) break;
  }
  terminal.err(`There is more: go on with --from ${next}.\n`);
}

function rowsOf(batch: LogBatch): readonly RecordRow[] {
  const { epoch, appendTimestampMs: timestampMs } = batch;
  return batch.records.map(({ offset, type, value }) => ({ offset, epoch, timestampMs, type, value }));
}
