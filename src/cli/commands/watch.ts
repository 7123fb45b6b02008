import type { Command } from 'commander';
import { compareStrings } from '../../base/compare.ts';
import type { Client } from '../../client/create-client.ts';
import { kindNames as namesOfKinds } from '../../metadata/registry.ts';
import type { WatchEvent } from '../../client/watch/watch.ts';
import type { WatchedKind } from '../../metadata/registry.ts';
import { printableFields } from '../../runtime/printable.ts';
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
import { didYouMean } from '../output/suggest.ts';
import { renderTable } from '../output/table.ts';
import { style } from '../output/terminal.ts';
import { fieldsHelp, wholeNumber } from './log.ts';
import { isFeatureOfKind } from '../../metadata/resources/custom/kind.ts';

/** By name: the order of the registry is not the same for every loader of modules. */
const kindNames = [...namesOfKinds].sort(compareStrings);

type WatchCommandOptions = ClusterOptions & {
  readonly since?: string;
  readonly state?: boolean;
  readonly kinds?: string;
  readonly limit?: string;
};

export function addWatchCommand(program: Command, dependencies: CliDependencies): void {
  withClusterOptions(program.command('watch'), dependencies.environment)
    .description('Show what changes, record by record, as it is committed; until Ctrl-C.')
    .option(
      '--since <offset>',
      'begin with the batch that holds this offset; with what comes next when absent',
    )
    .option('--state', 'show the state first, as records')
    .option('--kinds <kinds>', `only these, separated by commas: ${kindNames.join(', ')}`)
    .option('--limit <records>', 'end after so many records')
    .addHelpText('after', fieldsHelp)
    .action((options: WatchCommandOptions) => watchCluster(options, dependencies));
}

async function watchCluster(options: WatchCommandOptions, dependencies: CliDependencies): Promise<void> {
  const kinds = kindsOf(options.kinds);
  const limit = options.limit === undefined ? null : wholeNumber(options.limit, '--limit');
  if (options.state === true && options.since !== undefined) {
    throw new CliFailure('usage', '--state and --since exclude each other.', 'Give one of them.');
  }
  await withClient(options, endpointsOf(options), async (client) => {
    const since = await beginning(client, options, dependencies);
    const events = client.watch({
      ...(since === null ? {} : { since }),
      ...(kinds === null ? {} : { kinds }),
    });
    await print(events, dependencies, options.output, limit);
  });
}

/** Asked for first, so that whoever reaches nobody is told, where a watch would try on without a word. */
async function beginning(
  client: Client,
  options: WatchCommandOptions,
  { terminal }: CliDependencies,
): Promise<number | null> {
  const { highWatermark } = await client.describeQuorum();
  if (options.state === true) return null;
  if (options.since === undefined) return highWatermark;
  const since = wholeNumber(options.since, '--since');
  if (since > highWatermark) {
    terminal.err(`The log stands at ${highWatermark}: nothing is shown until it has reached ${since}.\n`);
  }
  return since;
}

function kindsOf(text: string | undefined): readonly WatchedKind[] | null {
  if (text === undefined) return null;
  return text.split(',').map((name) => {
    const kind = kindNames.find((each) => each === name.trim());
    if (kind !== undefined) return kind;
    const own = name.trim();
    if (isFeatureOfKind(own)) return own;
    throw new CliFailure(
      'usage',
      `There is no kind '${name}'${didYouMean(name, kindNames) || '.'}`,
      `There are: ${kindNames.join(', ')}.`,
    );
  });
}

/** JSON has one record a line, YAML one a document. */
async function print(
  events: AsyncIterable<WatchEvent>,
  { terminal }: CliDependencies,
  form: OutputForm,
  limit: number | null,
): Promise<void> {
  let heading: ((text: string) => string) | null = (text) => style(terminal, 'bold', text);
  let remaining = limit ?? Number.POSITIVE_INFINITY;
  for await (const event of events) {
    const shown = rowsOf(event).slice(0, remaining);
    if (shown.length === 0) continue;
    const emphasise = heading;
    await showEach(terminal, form, shown, () => renderTable(recordColumns, shown, emphasise));
    heading = null;
    remaining -= shown.length;
    if (remaining <= 0) return;
  }
}

function rowsOf(event: WatchEvent): readonly RecordRow[] {
  if (event.kind === 'state') {
    return event.records.map(({ value, ...record }) => ({
      ...record,
      epoch: null,
      value: printableFields(value),
    }));
  }
  if (event.kind !== 'delta') return [];
  const { epoch, timestampMs } = event;
  return event.records.map(({ offset, type, value }) => {
    return { offset, epoch, timestampMs, type, value: printableFields(value) };
  });
}
