import { assert } from '../base/assert.ts';
import type { OperationDescription } from './protocol/description.ts';
import { propertiesOf } from './protocol/text-fields.ts';

/** Where each field of a flat input belongs. */
export type FieldPlan = {
  readonly params: ReadonlySet<string>;
  readonly query: ReadonlySet<string>;
};

/**
 * Callers give one flat object; path, query and body are found by the field's name. A name that stood in
 * two of them would make that impossible, so such a definition stops the program.
 */
export function planFields(operation: OperationDescription): FieldPlan {
  const params = new Set(Object.keys(propertiesOf(operation.params)));
  const query = new Set(Object.keys(propertiesOf(operation.query)));
  const body = new Set(Object.keys(propertiesOf(operation.body)));
  for (const name of [...params, ...query]) {
    const places = [params, query, body].filter((place) => place.has(name)).length;
    assert(places === 1, `${operation.operationId} has the field ${name} in more than one place`);
  }
  return { params, query };
}

/** Path and query fields as the texts that a URL carries. */
export type PlacedInput = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** As JSON; null when it has no field. */
  readonly body: string | null;
};

export function placeInput(
  operation: OperationDescription,
  plan: FieldPlan,
  input: Readonly<Record<string, unknown>>,
): PlacedInput {
  const params: Record<string, string> = {};
  const query: Record<string, string> = {};
  const body: Record<string, unknown> = {};
  let hasBody = false;
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (plan.params.has(name)) params[name] = textOf(value);
    // An unknown name goes where the server refuses it by that name.
    else if (plan.query.has(name) || operation.method === 'GET') query[name] = textOf(value);
    else {
      body[name] = value;
      hasBody = true;
    }
  }
  for (const name of plan.params) {
    if (params[name] === undefined) throw new TypeError(`${operation.operationId} needs the field ${name}.`);
  }
  return { params, query, body: hasBody ? JSON.stringify(body) : null };
}

/** The operation's path with its fields in their places. */
export function fillPath(operation: OperationDescription, params: PlacedInput['params']): string {
  let { path } = operation;
  for (const [name, text] of Object.entries(params))
    path = path.replace(`{${name}}`, encodeURIComponent(text));
  return path;
}

/** A value as path and query carry it; a list as `1,2,3`. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
