import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../../base/assert.ts';
import { bodyNestingMax } from './limits.ts';

/** Checks a value; null when it fits, else a sentence that names the field and what is wrong with it. */
export type Check = (value: unknown) => string | null;

/** One violation as TypeBox reports it. */
type Violation = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
};

export function compileCheck(schema: TSchema, what: string): Check {
  const check = compileOuterCheck(schema, what);
  return (value) => {
    const complaint = check(value);
    if (complaint !== null) return complaint;
    return findStrain(value, what);
  };
}

/** For what holds values that are checked by themselves: of what the schema leaves open it says nothing. */
export function compileOuterCheck(schema: TSchema, what: string): Check {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? null : describe(validator.Errors(value), schema, what));
}

/**
 * JSON Schema takes any whole number for an integer; above 2^53 it is no longer the one that was sent. And what a
 * schema leaves open could be nested so deeply that whoever walks over it by recursion ends.
 */
function findStrain(value: unknown, what: string): string | null {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > bodyNestingMax) return `The ${what} is nested deeper than ${bodyNestingMax}.`;
    const next: unknown[] = [];
    for (const node of level) {
      if (typeof node === 'number' && Math.abs(node) > Number.MAX_SAFE_INTEGER) {
        return `The ${what} holds an integer beyond ${Number.MAX_SAFE_INTEGER}, which JSON here cannot carry exactly.`;
      }
      if (typeof node !== 'object' || node === null) continue;
      for (const child of Object.values(node)) next.push(child);
    }
    level = next;
  }
  return null;
}

const violationsShown = 3;

function describe(violations: readonly Violation[], schema: TSchema, what: string): string {
  const sentences = new Set<string>();
  const ambiguous = new Set<string>();
  for (const violation of violations) {
    // The generic "schema is false" repeats what additionalProperties says better.
    if (violation.keyword === 'boolean') continue;
    if (violation.keyword === 'const' || violation.keyword === 'anyOf') {
      ambiguous.add(violation.instancePath);
      continue;
    }
    sentences.add(sentence(violation, what));
  }
  for (const path of ambiguous) sentences.add(allowedValues(schema, path, what));
  const shown = [...sentences].slice(0, violationsShown);
  const more = sentences.size - shown.length;
  return more > 0 ? `${shown.join(' ')} (And ${more} more.)` : shown.join(' ');
}

function sentence(violation: Violation, what: string): string {
  const unknown = namesIn(violation.params, 'additionalProperties');
  const place = violation.instancePath === '' ? `The ${what}` : fieldName(violation.instancePath);
  if (unknown.length > 0) return `${place} has no ${fields(unknown)}.`;
  const missing = namesIn(violation.params, 'requiredProperties');
  if (missing.length > 0) return `${place} needs the ${fields(missing)}.`;
  const { pattern } = violation.params as { readonly pattern?: unknown };
  if (String(pattern) === uuidPattern) return `${place} must be an id of 22 characters.`;
  return `${place} ${withArticle(violation.message)}.`;
}

/** A uuid as 22 characters of base64url, which the regular expression says to nobody. */
const uuidPattern = '^[A-Za-z0-9_-]{21}[AQgw]$';

/**
 * A union of constants reports one violation for each constant, and TypeBox so many violations at most: the
 * reader wants all of them as one list, and the schema has it.
 */
function allowedValues(schema: TSchema, path: string, what: string): string {
  const place = path === '' ? `The ${what}` : fieldName(path);
  const allowed = constantsOf(schemaAt(schema, path.split('/').slice(1)));
  if (allowed.length === 0) return `${place} fits none of the forms that are allowed.`;
  return `${place} must be one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}.`;
}

type Keywords = {
  readonly const?: unknown;
  readonly anyOf?: readonly unknown[];
  readonly items?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
};

/** What is said of the value at this path: a name leads into an object, and an index into a list. */
function schemaAt(schema: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined || typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, properties, items } = schema as Keywords;
  if (anyOf !== undefined) return { anyOf: anyOf.map((branch) => schemaAt(branch, path)) };
  return schemaAt(properties?.[name] ?? items, rest);
}

function constantsOf(schema: unknown): readonly unknown[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { const: constant, anyOf } = schema as Keywords;
  return constant === undefined ? (anyOf ?? []).flatMap(constantsOf) : [constant];
}

/** TypeBox leaves the article out: "must be object". */
function withArticle(message: string): string {
  return message
    .replace(/^must be (?=(?:array|integer|object)\b)/, 'must be an ')
    .replace(/^must be (?=(?:boolean|number|string)\b)/, 'must be a ');
}

function fields(names: readonly string[]): string {
  return `${names.length === 1 ? 'field' : 'fields'} ${names.map(quoted).join(', ')}`;
}

function namesIn(params: object, key: 'additionalProperties' | 'requiredProperties'): readonly string[] {
  const names: unknown = (params as Readonly<Record<string, unknown>>)[key];
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

function fieldName(instancePath: string): string {
  return quoted(instancePath.slice(1).replaceAll('/', '.'));
}

function quoted(name: string): string {
  return `'${name}'`;
}

/**
 * Stops the program when an input schema would let unknown fields through: each object in it must say what
 * it does with them. A misspelt field is refused, never ignored.
 */
export function assertClosed(schema: TSchema, place: string): void {
  const pending: { readonly node: unknown; readonly at: string }[] = [{ node: schema, at: place }];
  for (let index = 0; index < pending.length; index++) {
    const entry = pending[index];
    if (entry === undefined || typeof entry.node !== 'object' || entry.node === null) continue;
    const node = entry.node as Readonly<Record<string, unknown>>;
    const isObject = node['type'] === 'object';
    const isMap = 'patternProperties' in node;
    const isClosed =
      node['additionalProperties'] !== undefined || node['unevaluatedProperties'] !== undefined;
    assert(
      !isObject || isMap || isClosed,
      `${entry.at} accepts unknown fields: close it with additionalProperties`,
    );
    for (const [key, child] of Object.entries(node)) pending.push({ node: child, at: `${entry.at}.${key}` });
  }
}
