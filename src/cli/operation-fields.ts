import type { Command } from 'commander';
import { planFields } from '../client/input.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import { propertiesOf, requiredNamesOf, textToFields } from '../client/protocol/text-fields.ts';
import { compileCheck } from '../client/protocol/validation.ts';
import type { TSchema } from 'typebox';
import { CliFailure } from './failures.ts';
import { isRecord } from './records.ts';

/**
 * The fields of an operation as options of a command (design 16): `replicationFactor` becomes
 * `--replication-factor <number>`, a boolean becomes a switch. `positional` fields are arguments instead.
 */
export function addFieldOptions(
  command: Command,
  operation: OperationDescription,
  positional: readonly string[],
  explanations: Readonly<Record<string, string>> = {},
  hidden: readonly string[] = [],
): Command {
  const explain = (name: string): string => explanations[name] ?? describe(fieldOf(operation, name));
  for (const name of positional) command.argument(`<${kebab(name)}>`, explain(name));
  for (const [name, schema] of Object.entries(optionFields(operation, [...positional, ...hidden]))) {
    const flag = `--${kebab(name)}`;
    const isRequired = isRequiredField(operation, name);
    const form = isSwitch(schema) ? flag : `${flag} <${valueWord(schema)}>`;
    if (isRequired) command.requiredOption(form, explain(name));
    else command.option(form, explain(name));
  }
  return command;
}

/** The flat input from what was typed, checked against the operation before anything is sent. */
export function readFields(
  operation: OperationDescription,
  positional: readonly string[],
  values: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const texts: Record<string, unknown> = {};
  for (const [index, name] of positional.entries()) texts[name] = values[index];
  for (const name of Object.keys(optionFields(operation, positional))) {
    if (options[name] !== undefined) texts[name] = options[name];
  }
  const input: Record<string, unknown> = {};
  const shownAs = (name: string): string =>
    positional.includes(name) ? `<${kebab(name)}>` : `--${kebab(name)}`;
  for (const [name, value] of Object.entries(texts)) {
    input[name] = read(fieldOf(operation, name), name, value, shownAs(name));
  }
  check(operation, input, shownAs);
  return input;
}

function optionFields(
  operation: OperationDescription,
  positional: readonly string[],
): Readonly<Record<string, TSchema>> {
  const all = {
    ...propertiesOf(operation.params),
    ...propertiesOf(operation.query),
    ...propertiesOf(operation.body),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !positional.includes(name)));
}

function fieldOf(operation: OperationDescription, name: string): TSchema {
  const { params, query, body } = operation;
  const schema = propertiesOf(params)[name] ?? propertiesOf(query)[name] ?? propertiesOf(body)[name];
  if (schema !== undefined) return schema;
  throw new TypeError(`${operation.operationId} has no field ${name}.`);
}

function isRequiredField({ params, query, body }: OperationDescription, name: string): boolean {
  return [params, query, body].some((part) => requiredNamesOf(part).includes(name));
}

/** Texts, numbers and lists of them as they are typed; anything with more structure as JSON. */
function read(schema: TSchema, name: string, value: unknown, shown: string): unknown {
  if (typeof value !== 'string') return value;
  if (!isStructured(schema)) {
    const converted = textToFields(wrap(name, schema), { [name]: value })[name];
    const isMisread = keywords(schema).type === 'integer' && typeof converted === 'string';
    if (!isMisread) return converted;
    throw new CliFailure(
      'usage',
      `${shown} ${value} is not a whole number.`,
      `Give one, as in ${shown.startsWith('<') ? '3' : `${shown} 3`}.`,
    );
  }
  try {
    return JSON.parse(value);
  } catch {
    throw new CliFailure('usage', `${shown} is not JSON.`, `Write it as in ${shown} '[[1,2],[2,3]]'.`);
  }
}

function wrap(name: string, schema: TSchema): TSchema {
  return { type: 'object', properties: { [name]: schema } };
}

/** Where the ids that a field may hold are to be seen. */
const listedBy: Readonly<Record<string, string>> = {
  tokenId: 'ottla token list',
  directoryId: 'ottla quorum describe',
  topicId: 'ottla topic list -o wide',
};

/** A complaint names a field as it is typed here, and not as the operation has it. */
function inFlags(complaint: string, names: readonly string[], shownAs: (name: string) => string): string {
  return complaint.replaceAll(/'([A-Za-z]+)((?:\.\w+)*)'/g, (text, name: string, rest: string) =>
    names.includes(name) ? shownAs(name) + rest : text,
  );
}

function check(
  operation: OperationDescription,
  input: Readonly<Record<string, unknown>>,
  shownAs: (name: string) => string,
): void {
  const plan = planFields(operation);
  const parts = { params: {}, query: {}, body: {} } as Record<
    'params' | 'query' | 'body',
    Record<string, unknown>
  >;
  for (const [name, value] of Object.entries(input)) {
    const part = plan.params.has(name) ? 'params' : plan.query.has(name) ? 'query' : 'body';
    parts[part][name] = value;
  }
  for (const part of ['params', 'query', 'body'] as const) {
    const complaint = compileCheck(operation[part], 'command')(parts[part]);
    if (complaint === null) continue;
    const names = Object.keys(input);
    const list = names.map((name) => complaint.includes(`'${name}'`) && listedBy[name]).find(Boolean);
    const advice = list === undefined ? 'Correct it, or see --help.' : `See which there are with: ${list}`;
    throw new CliFailure('usage', inFlags(complaint, names, shownAs), advice);
  }
}

type Keywords = { readonly type?: unknown; readonly items?: unknown; readonly description?: unknown };

function keywords(schema: TSchema): Keywords {
  return schema as Keywords;
}

function isSwitch(schema: TSchema): boolean {
  return keywords(schema).type === 'boolean';
}

function isStructured(schema: TSchema): boolean {
  const { type, items } = keywords(schema);
  // What a schema leaves open may be anything that JSON can say.
  if (type === 'object' || isOpen(schema)) return true;
  const itemType = isRecord(items) ? items['type'] : undefined;
  return type === 'array' && (itemType === 'array' || itemType === 'object');
}

function isOpen(schema: TSchema): boolean {
  return Object.keys(schema).every((keyword) => keyword === 'description');
}

function valueWord(schema: TSchema): string {
  if (isStructured(schema)) return 'json';
  const { type } = keywords(schema);
  if (type === 'integer' || type === 'number') return 'number';
  return type === 'array' ? 'list' : 'text';
}

function describe(schema: TSchema): string {
  const { description } = keywords(schema);
  return typeof description === 'string' ? description : '';
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
