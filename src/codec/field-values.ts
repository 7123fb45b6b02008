import { assertNever } from '../base/assert.ts';
import { isUuid } from '../base/brands.ts';
import { uuidFromBytes, uuidToBytes } from '../base/uuid.ts';
import type { Fields, FieldType } from '../metadata/schema.ts';
import { findFault, membersOf } from '../metadata/schema-values.ts';

/**
 * Values of fields as msgpack knows them: a uuid is 16 bytes, a struct an array of its members in order,
 * everything else itself.
 */

/** `value` is legal for `type`. */
export function toWire(type: FieldType, value: unknown): unknown {
  if (isPlain(type)) return value;
  switch (type.kind) {
    case 'uuid':
      return isUuid(value) ? uuidToBytes(value) : value;
    case 'nullable':
      return value === null ? null : toWire(type.of, value);
    case 'array':
      return isPlain(type.of) || !Array.isArray(value)
        ? value
        : value.map((member: unknown) => toWire(type.of, member));
    case 'struct':
      return structToWire(type.fields, value);
    default:
      return assertNever(type);
  }
}

/** Those whose values go on the wire as they are. */
type PlainType = Exclude<FieldType, { readonly kind: 'uuid' | 'nullable' | 'array' | 'struct' }>;

function isPlain(type: FieldType): type is PlainType {
  return type.kind !== 'uuid' && type.kind !== 'nullable' && type.kind !== 'array' && type.kind !== 'struct';
}

export function structToWire(fields: Fields, value: unknown): unknown[] {
  const wire: unknown[] = [];
  const members = membersOf(value);
  for (const name in fields) {
    const type = fields[name];
    if (type !== undefined) wire.push(toWire(type, members[name]));
  }
  return wire;
}

/** What was found wrong while values were read; the first fault counts. */
export class WireFaults {
  #first: string | null = null;

  get first(): string | null {
    return this.#first;
  }

  /** Notes the fault, and gives null in place of a value. */
  note(fault: string): null {
    this.#first ??= fault;
    return null;
  }

  /** The fault was found inside of something that has a name. */
  within(name: string): null {
    if (this.#first !== null) this.#first = name + this.#first;
    return null;
  }
}

/**
 * The value that `wire` stands for, checked; null, and a fault noted, when it stands for none. Byte arrays
 * are copies, since a view would keep all the bytes alive that were decoded with it. Values are not wrapped,
 * since this reads every field of every record.
 */
export function fromWire(type: FieldType, wire: unknown, faults: WireFaults): unknown {
  if (isPlain(type)) return plainFromWire(type, wire, faults);
  switch (type.kind) {
    case 'uuid':
      return wire instanceof Uint8Array && wire.length === 16
        ? uuidFromBytes(wire)
        : faults.note(' is no uuid');
    case 'nullable':
      return wire === null ? null : fromWire(type.of, wire, faults);
    case 'array':
      return arrayFromWire(type.of, type.lengthMax, wire, faults);
    case 'struct':
      return structFromWire(type.fields, wire, 0, faults);
    default:
      return assertNever(type);
  }
}

function plainFromWire(type: PlainType, wire: unknown, faults: WireFaults): unknown {
  const fault = findFault(type, wire);
  if (fault !== null) return faults.note(fault);
  // Adding 0 turns the float -0, which no encoder writes, into 0.
  if (typeof wire === 'number') return wire + 0;
  return wire instanceof Uint8Array ? Uint8Array.from(wire) : wire;
}

function arrayFromWire(of: FieldType, lengthMax: number, wire: unknown, faults: WireFaults): unknown {
  if (!Array.isArray(wire)) return faults.note(' is no array');
  if (wire.length > lengthMax) return faults.note(` has more than ${lengthMax} members`);
  const values: unknown[] = [];
  for (let at = 0; at < wire.length; at++) {
    values.push(fromWire(of, wire[at], faults));
    if (faults.first !== null) return faults.within(`[${at}]`);
  }
  return values;
}

/** All members, from `first` on, none missing and none too many. */
export function structFromWire(
  fields: Fields,
  wire: unknown,
  first: number,
  faults: WireFaults,
): Record<string, unknown> | null {
  if (!Array.isArray(wire)) return faults.note(' is no struct');
  const members: Record<string, unknown> = {};
  let at = first;
  for (const name in fields) {
    const type = fields[name];
    if (type === undefined) continue;
    if (at >= wire.length) return faults.note(`.${name} is missing`);
    members[name] = fromWire(type, wire[at++], faults);
    if (faults.first !== null) return faults.within(`.${name}`);
  }
  return at === wire.length ? members : faults.note(` has ${wire.length - at} members too many`);
}
