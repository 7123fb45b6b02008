import { assertNever } from '../base/assert.ts';
import { ok, type Result } from '../base/result.ts';
import { isUuid } from '../base/brands.ts';
import { uuidFromBytes, uuidToBytes } from '../base/uuid.ts';
import type { Fields, FieldType } from '../metadata/schema.ts';
import { findFault, membersOf } from '../metadata/schema-values.ts';
import { type CodecError, malformed } from './codec-error.ts';

/**
 * Values of fields as msgpack knows them: a uuid is 16 bytes, a struct an array of its members in order,
 * everything else itself.
 */

/** `value` is legal for `type`. */
export function toWire(type: FieldType, value: unknown): unknown {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'int64':
    case 'boolean':
    case 'string':
    case 'bytes':
      return value;
    case 'uuid':
      return isUuid(value) ? uuidToBytes(value) : value;
    case 'nullable':
      return value === null ? null : toWire(type.of, value);
    case 'array':
      return Array.isArray(value) ? value.map((member: unknown) => toWire(type.of, member)) : value;
    case 'struct':
      return structToWire(type.fields, value);
    default:
      return assertNever(type);
  }
}

export function structToWire(fields: Fields, value: unknown): unknown[] {
  const members = membersOf(value);
  return Object.entries(fields).map(([name, type]) => toWire(type, members[name]));
}

/** A checked value, or why `wire` is none. Byte arrays in it are views into the bytes decoded. */
export function fromWire(type: FieldType, wire: unknown, path: string): Result<unknown, CodecError> {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'int64':
    case 'boolean':
    case 'string':
    case 'bytes': {
      const fault = findFault(type, wire, path);
      // Adding 0 turns the float -0, which no encoder writes, into 0.
      return fault === null ? ok(typeof wire === 'number' ? wire + 0 : wire) : malformed(fault);
    }
    case 'uuid': {
      const legal = wire instanceof Uint8Array && wire.length === 16;
      return legal ? ok(uuidFromBytes(wire)) : malformed(`${path} is no uuid`);
    }
    case 'nullable':
      return wire === null ? ok(null) : fromWire(type.of, wire, path);
    case 'array':
      return arrayFromWire(type.of, type.lengthMax, wire, path);
    case 'struct':
      return structFromWire(type.fields, wire, path);
    default:
      return assertNever(type);
  }
}

function arrayFromWire(
  of: FieldType,
  lengthMax: number,
  wire: unknown,
  path: string,
): Result<readonly unknown[], CodecError> {
  if (!Array.isArray(wire)) return malformed(`${path} is no array`);
  if (wire.length > lengthMax) return malformed(`${path} has more than ${lengthMax} members`);
  const values: unknown[] = [];
  for (let at = 0; at < wire.length; at++) {
    const value = fromWire(of, wire[at], `${path}[${at}]`);
    if (!value.ok) return value;
    values.push(value.value);
  }
  return ok(values);
}

/** All members, none missing and none too many. */
export function structFromWire(
  fields: Fields,
  wire: unknown,
  path: string,
): Result<Readonly<Record<string, unknown>>, CodecError> {
  if (!Array.isArray(wire)) return malformed(`${path} is no struct`);
  const names = Object.entries(fields);
  if (wire.length !== names.length)
    return malformed(`${path} has ${wire.length} members, not ${names.length}`);
  const members: Record<string, unknown> = {};
  for (const [at, [name, type]] of names.entries()) {
    const value = fromWire(type, wire[at], `${path}.${name}`);
    if (!value.ok) return value;
    members[name] = value.value;
  }
  return ok(members);
}
