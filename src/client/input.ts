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

export type PlacedInput = {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string | null;
};

export function placeInput(
  operation: OperationDescription,
  plan: FieldPlan,
  input: Readonly<Record<string, unknown>>,
): PlacedInput {
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  let path = operation.path;
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (plan.params.has(name)) path = path.replace(`{${name}}`, encodeURIComponent(textOf(value)));
    else if (plan.query.has(name)) query.set(name, textOf(value));
    // An unknown name goes into the body, where the server refuses it by that name.
    else body[name] = value;
  }
  const missing = /\{(\w+)\}/.exec(path)?.[1];
  if (missing !== undefined) throw new TypeError(`${operation.operationId} needs the field ${missing}.`);
  const hasBody = operation.method !== 'GET' && Object.keys(body).length > 0;
  if (operation.method === 'GET') {
    for (const [name, value] of Object.entries(body)) query.set(name, textOf(value));
  }
  return { path, query, body: hasBody ? JSON.stringify(body) : null };
}

/** A value as path and query carry it; a list as `1,2,3`. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
