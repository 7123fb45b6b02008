import { assertNever } from '../base/assert.ts';
import { isUuid } from '../base/brands.ts';
import type { Hasher } from '../base/digest.ts';
import type { Fields, FieldType } from './schema.ts';

/** What one may ask of a value by its schema: is it legal, what is its digest, how large can it get. */

const integerRanges = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;

/** Half a character: UTF-8 has no bytes for it, so it would not come back as it was. */
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Null when `value` is legal, otherwise where and why it is not, to be put behind the value's name. The
 * path is made only when there is a fault, since this is asked of every field of every record.
 */
export function findFault(type: FieldType, value: unknown): string | null {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'int64':
      return isIntegerOf(type.kind, value) ? null : ` is no ${type.kind}`;
    case 'boolean':
      return typeof value === 'boolean' ? null : ' is no boolean';
    case 'uuid':
      return isUuid(value) ? null : ' is no uuid';
    case 'string':
      if (typeof value !== 'string') return ' is no string';
      if (value.length > type.lengthMax) return ` is longer than ${type.lengthMax}`;
      return loneSurrogate.test(value) ? ' is no well-formed text' : null;
    case 'bytes':
      if (!(value instanceof Uint8Array)) return ' is no byte array';
      return value.length <= type.lengthMax ? null : ` is longer than ${type.lengthMax} bytes`;
    case 'nullable':
      return value === null ? null : findFault(type.of, value);
    case 'array':
      return findArrayFault(type.of, type.lengthMax, value);
    case 'struct':
      return findStructFault(type.fields, value);
    default:
      return assertNever(type);
  }
}

function isIntegerOf(kind: keyof typeof integerRanges, value: unknown): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  const range = integerRanges[kind];
  return value >= range[0] && value <= range[1];
}

function findArrayFault(of: FieldType, lengthMax: number, value: unknown): string | null {
  if (!Array.isArray(value)) return ' is no array';
  if (value.length > lengthMax) return ` has more than ${lengthMax} members`;
  for (let at = 0; at < value.length; at++) {
    const member: unknown = value[at];
    const fault = findFault(of, member);
    if (fault !== null) return `[${at}]${fault}`;
  }
  return null;
}

/** Also refuses fields that the schema does not know, but for the record's own `type`. */
export function findStructFault(fields: Fields, value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return ' is no struct';
  const members = membersOf(value);
  for (const name in fields) {
    const type = fields[name];
    const fault = type === undefined ? null : findFault(type, members[name]);
    if (fault !== null) return `.${name}${fault}`;
  }
  for (const name in members) {
    if (name !== 'type' && fields[name] === undefined) return ` has an unknown field ${name}`;
  }
  return null;
}

/** Takes a legal value into `hasher`, field by field in the schema's order. */
export function hashValue(hasher: Hasher, type: FieldType, value: unknown): void {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'int64':
      hasher.integer(Number(value));
      return;
    case 'boolean':
      hasher.boolean(value === true);
      return;
    case 'uuid':
    case 'string':
      hasher.string(typeof value === 'string' ? value : '');
      return;
    case 'bytes':
      hasher.bytes(value instanceof Uint8Array ? value : new Uint8Array(0));
      return;
    case 'nullable':
      hasher.boolean(value !== null);
      if (value !== null) hashValue(hasher, type.of, value);
      return;
    case 'array':
      if (!Array.isArray(value)) return;
      hasher.int32(value.length);
      for (const member of membersInOrder(value)) hashValue(hasher, type.of, member);
      return;
    case 'struct':
      hashStruct(hasher, type.fields, value);
      return;
    default:
      assertNever(type);
  }
}

export function hashStruct(hasher: Hasher, fields: Fields, value: unknown): void {
  const members = membersOf(value);
  for (const name in fields) {
    const type = fields[name];
    if (type !== undefined) hashValue(hasher, type, members[name]);
  }
}

/**
 * An upper bound of the bytes that a legal value takes on the wire (msgpack: a header of at most 5 bytes,
 * 3 bytes per UTF-16 code unit, 9 bytes per number).
 */
export function encodedSizeMax(type: FieldType, value: unknown): number {
  switch (type.kind) {
    case 'int8':
      return 2;
    case 'int16':
    case 'uint16':
      return 3;
    case 'int32':
      return 5;
    case 'int64':
      return 9;
    case 'boolean':
      return 1;
    case 'uuid':
      return 18;
    case 'string':
      return 5 + 3 * (typeof value === 'string' ? value.length : 0);
    case 'bytes':
      return 5 + (value instanceof Uint8Array ? value.length : 0);
    case 'nullable':
      return value === null ? 1 : encodedSizeMax(type.of, value);
    case 'array': {
      let size = 5;
      if (Array.isArray(value))
        for (const member of membersInOrder(value)) size += encodedSizeMax(type.of, member);
      return size;
    }
    case 'struct':
      return structSizeMax(type.fields, value);
    default:
      return assertNever(type);
  }
}

export function structSizeMax(fields: Fields, value: unknown): number {
  const members = membersOf(value);
  let size = 5;
  for (const name in fields) {
    const type = fields[name];
    if (type !== undefined) size += encodedSizeMax(type, members[name]);
  }
  return size;
}

/** An array's members as unknown: the compiler takes a checked array's for `any`. */
function membersInOrder(value: readonly unknown[]): readonly unknown[] {
  return value;
}

const noMembers: Readonly<Record<string, unknown>> = Object.freeze({});

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The members of a struct's value, without copying it. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMembers(value) ? value : noMembers;
}
