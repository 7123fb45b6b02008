import { Hasher } from '../../base/digest.ts';
import type { ControllerRequest } from '../controller-api.ts';

const hasher = new Hasher();

/** What kind of value follows, so that no two values of different kinds are taken alike. */
const kinds = { null: 1, false: 2, true: 3, integer: 4, number: 5, string: 6, array: 7, object: 8 } as const;

/**
 * 8 bytes over what a request asks for, however its fields were ordered: another request under the same key
 * is refused (design 14). It tells requests apart that differ by mistake. Whoever made two that are alike on
 * purpose could deceive nobody, since a key is of one principal's own.
 */
export function requestHashOf({ operationId, input, ifMatch }: ControllerRequest): Uint8Array {
  hasher.reset();
  hasher.string(operationId);
  take(input);
  take(ifMatch);
  const { high, low } = hasher.finish();
  const bytes = new Uint8Array(8);
  for (let at = 0; at < 4; at++) {
    bytes[at] = high >>> (24 - 8 * at);
    bytes[4 + at] = low >>> (24 - 8 * at);
  }
  return bytes;
}

/** Values as JSON has them. */
function take(value: unknown): void {
  switch (typeof value) {
    case 'string':
      hasher.int32(kinds.string);
      return hasher.string(value);
    case 'number':
      return takeNumber(value);
    case 'boolean':
      return hasher.int32(value ? kinds.true : kinds.false);
    case 'object':
      if (value === null) return hasher.int32(kinds.null);
      return Array.isArray(value) ? takeArray(value) : takeObject({ ...value });
    default:
      return hasher.int32(kinds.null);
  }
}

function takeNumber(value: number): void {
  if (Number.isSafeInteger(value)) {
    hasher.int32(kinds.integer);
    hasher.integer(value);
  } else {
    hasher.int32(kinds.number);
    hasher.string(String(value));
  }
}

function takeArray(values: readonly unknown[]): void {
  hasher.int32(kinds.array);
  hasher.int32(values.length);
  for (const value of values) take(value);
}

/** In the order of the names, by UTF-16 code units; what is undefined is absent. */
function takeObject(members: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(members).filter((name) => members[name] !== undefined);
  hasher.int32(kinds.object);
  hasher.int32(names.length);
  if (names.length > 1) names.sort();
  for (const name of names) {
    hasher.string(name);
    take(members[name]);
  }
}
