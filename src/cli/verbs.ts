import type { Command } from 'commander';
import type { Client } from '../client/create-client.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { CallOptions, InputOf, ResponseOf } from '../client/typed.ts';
import {
  callOptionsOf,
  endpointsOf,
  withAtOffset,
  withClient,
  withClusterOptions,
  withDryRun,
  type CliDependencies,
  type ClusterOptions,
  type DryRunOption,
  type PastOption,
} from './context.ts';
import { operationsByName } from '../metadata/operations.ts';
import { listAll, sayIfMore, withListOptions, type ListOptions, type Page } from './listing.ts';
import { addFieldOptions, readFields } from './operation-fields.ts';
import { show } from './output/forms.ts';
import { renderTable, type Column } from './output/table.ts';
import { style, type Terminal } from './output/terminal.ts';
import { orSuggestTopic } from './unknown-topic.ts';

/** What a text is written for: whoever looks, and how closely. */
export type View = { readonly terminal: Terminal; readonly isWide: boolean; readonly isDryRun: boolean };

type Fields = Readonly<Record<string, unknown>>;
type VerbOptions = ClusterOptions & DryRunOption & PastOption & Fields;

/** Which operation a verb is for, and how a person says what it needs (design 16). */
type Named<Operation extends OperationDescription> = {
  readonly name: string;
  readonly operation: Operation;
  /** Fields that are arguments, in their order; all others are options. */
  readonly positional?: readonly string[];
  readonly explanations?: Readonly<Record<string, string>>;
  /** The operation's own summary when absent. */
  readonly description?: string;
  /** A command line without `ottla`, to be copied. */
  readonly example?: string;
};

export type Verb<Operation extends OperationDescription> = Named<Operation> & {
  readonly call: (
    client: Client,
    input: InputOf<Operation>,
    options: CallOptions,
  ) => Promise<ResponseOf<Operation>>;
  readonly text: (answer: ResponseOf<Operation>, view: View, input: InputOf<Operation>) => string;
  /** Options that are no fields of the operation, and the fields that come of them. */
  readonly more?: {
    readonly add: (command: Command) => Command;
    readonly read: (options: Fields) => Fields;
    readonly hides: readonly string[];
  };
};

/** One verb from one operation: its fields are arguments and options, its answer is shown as asked. */
export function addVerb<Operation extends OperationDescription>(
  parent: Command,
  { terminal, environment }: CliDependencies,
  verb: Verb<Operation>,
): Command {
  const { operation, more } = verb;
  const positional = verb.positional ?? [];
  const command = withClusterOptions(parent.command(verb.name), environment);
  if (operation.kind !== 'read') withDryRun(command);
  if (showsMetadata(operation)) withAtOffset(command);
  more?.add(command);
  describe(command, verb, more?.hides ?? []);
  return command.action(async (...given: unknown[]) => {
    const { values, options } = parse(given, positional.length);
    const typed = more === undefined ? options : { ...options, ...more.read(options) };
    const input = readFields(operation, positional, values, typed) as InputOf<Operation>;
    const answer = await withClient(options, endpointsOf(options), (client) =>
      orSuggestTopic(client, topicOf(input), () => verb.call(client, input, callOptionsOf(options))),
    );
    const view = { terminal, isDryRun: options.dryRun === true };
    await show(terminal, options.output, answer, (isWide) => verb.text(answer, { ...view, isWide }, input));
  });
}

export type ListVerb<Operation extends OperationDescription, Row> = Named<Operation> & {
  /** What the rows are called in JSON and YAML. */
  readonly rows: string;
  readonly page: (client: Client, input: InputOf<Operation>, options: CallOptions) => Promise<Page<Row>>;
  readonly columns: readonly Column<Row>[];
  /** Said where there is no row. */
  readonly none: string;
};

/** A verb that lists, page by page, as much as was asked for. */
export function addListVerb<Operation extends OperationDescription, Row>(
  parent: Command,
  { terminal, environment }: CliDependencies,
  verb: ListVerb<Operation, Row>,
): Command {
  const { operation } = verb;
  const positional = verb.positional ?? [];
  const command = withListOptions(withClusterOptions(parent.command(verb.name), environment));
  if (showsMetadata(operation)) withAtOffset(command);
  describe(command, verb, ['limit', 'continue']);
  return command.action(async (...given: unknown[]) => {
    const { values, options } = parse<VerbOptions & ListOptions>(given, positional.length);
    const { limit: _limit, ...fields } = options;
    const callOptions = callOptionsOf(options);
    const input = readFields(operation, positional, values, fields);
    const fetchPage = (client: Client, query: Fields): Promise<Page<Row>> => {
      const asked: Fields = { ...input, ...query };
      return verb.page(client, asked as InputOf<Operation>, callOptions);
    };
    const listing = await withClient(options, endpointsOf(options), (client) =>
      orSuggestTopic(client, topicOf(input), () => listAll(options, (query) => fetchPage(client, query))),
    );
    const { rows } = listing;
    await show(terminal, options.output, { [verb.rows]: rows }, (isWide) =>
      tableText({ terminal, isWide }, verb.columns, rows, verb.none),
    );
    sayIfMore(listing, terminal);
  });
}

/** What a node knows of itself alone has no past. */
function showsMetadata({ kind, operationId }: OperationDescription): boolean {
  return kind === 'read' && Object.hasOwn(operationsByName, operationId);
}

/** Rows below bold headings, or a sentence where there is none. */
export function tableText<Row>(
  { terminal, isWide }: Pick<View, 'terminal' | 'isWide'>,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
): string {
  if (rows.length === 0) return `${none}\n`;
  const shown = columns.filter((column) => isWide || column.isWide !== true);
  return renderTable(shown, rows, (heading) => style(terminal, 'bold', heading));
}

/** What was done, or what would be. */
export function outcome({ isDryRun }: Pick<View, 'isDryRun'>, done: string, possible: string): string {
  return isDryRun ? `${possible} Nothing was changed.\n` : `${done}\n`;
}

function describe<Operation extends OperationDescription>(
  command: Command,
  verb: Named<Operation>,
  hidden: readonly string[],
): void {
  const { operation, positional = [], explanations = {}, example } = verb;
  addFieldOptions(command, operation, positional, explanations, hidden);
  command.description(verb.description ?? operation.summary);
  if (example !== undefined) command.addHelpText('after', `\nExample:\n  ottla ${example}`);
}

/** The topic that an operation is about, wherever it is named; undefined when it is about none. */
function topicOf(input: unknown): unknown {
  const { topic, resourceType, resourceName } = Object(input) as Fields;
  return resourceType === 'topic' ? resourceName : topic;
}

/** commander gives the arguments one by one, then the options, then the command. */
function parse<Options = VerbOptions>(
  given: readonly unknown[],
  positionalCount: number,
): { readonly values: readonly string[]; readonly options: Options } {
  return {
    values: given.slice(0, positionalCount).map(String),
    options: given[positionalCount] as Options,
  };
}
