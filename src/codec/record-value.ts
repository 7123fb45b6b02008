import { assert, violated } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { MetadataRecord, RegisteredRecord, Registry } from '../metadata/registry.ts';
import { customIdMin } from '../metadata/resources/custom/kind.ts';
import type { RecordSchema } from '../metadata/schema.ts';
import { findStructFault } from '../metadata/schema-values.ts';
import { type CodecError, malformed } from './codec-error.ts';
import { fromWire, toWire, WireFaults } from './field-values.ts';
import { viewOf } from './int64.ts';
import { codecLimits } from './limits.ts';
import { packPositional, unpackRange } from './msgpack.ts';

/**
 * Metadata records as bytes (design 4). A record is one msgpack array `[id, version, field, field, …]` in
 * the schema's order; a batch's payload is its records, each after its length (uint32, big-endian).
 */
const lengthBytes = 4;

/** `metadata.version` of a cluster before any other was finalized. */
const firstMetadataVersion = 1;

/**
 * The payload of a data batch. Each record is written in the newest version that `metadataVersion`, the
 * finalized level, allows. A record that is not what its schema says is a programmer's error.
 */
export function encodeRecords(
  registry: Registry,
  records: readonly MetadataRecord[],
  metadataVersion: number = firstMetadataVersion,
): Uint8Array {
  const encoded = records.map((record) => encodeRecord(registry, record, metadataVersion));
  let size = 0;
  for (const bytes of encoded) size += lengthBytes + bytes.length;
  const payload = new Uint8Array(size);
  const view = viewOf(payload);
  let at = 0;
  for (const bytes of encoded) {
    view.setUint32(at, bytes.length);
    payload.set(bytes, at + lengthBytes);
    at += lengthBytes + bytes.length;
  }
  return payload;
}

/**
 * The `count` records of a data batch's payload. Refuses, by value and never by exception, what no encoder
 * writes: an unknown id, a version outside the range that this software reads, a field that is missing, too
 * many or of another type, bytes that are left over.
 */
export function decodeRecords(
  registry: Registry,
  payload: Uint8Array,
  count: number,
): Result<readonly MetadataRecord[], CodecError> {
  if (count > codecLimits.batchRecordsMax) return malformed(`a batch of ${count} records`);
  // A plain view, because a Buffer's own `slice` would not copy.
  const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  const view = viewOf(payload);
  const records: MetadataRecord[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + lengthBytes > payload.length) return malformed(`record ${index} of ${count} is cut short`);
    const start = at + lengthBytes;
    const end = start + view.getUint32(at);
    if (end > payload.length) return malformed(`record ${index} of ${count} is cut short`);
    const record = decodeRecord(registry, bytes, start, end);
    if (!record.ok) return record;
    records.push(record.value);
    at = end;
  }
  if (at !== payload.length) return malformed(`${payload.length - at} bytes follow the last record`);
  return ok(records);
}

function encodeRecord(
  { recordsByName }: Registry,
  record: MetadataRecord,
  metadataVersion: number,
): Uint8Array {
  const registered = recordsByName.get(record.type);
  assert(registered !== undefined, `no kind of metadata has the record ${record.type}`);
  const { schema, fields } = registered;
  const fault = findStructFault(schema.fields, record);
  if (fault !== null) violated(`${schema.name}${fault}`);
  return packPositional(recordToWire({ schema, fields }, record, writableVersion(schema, metadataVersion)));
}

/** The newest version of a record that a cluster at `metadataVersion` may write. */
export function writableVersion(schema: RecordSchema, metadataVersion: number): number {
  for (let version = schema.versions.max; version >= schema.versions.min; version--) {
    if ((schema.metadataVersions[version] ?? Number.MAX_SAFE_INTEGER) <= metadataVersion) return version;
  }
  assert(false, `${schema.name} cannot be written at metadata.version ${metadataVersion}`);
}

export type RecordLayout = Pick<RegisteredRecord, 'schema' | 'fields'>;

/** `[id, version, …fields]`: the fields that `version` has, in the schema's order. */
export function recordToWire(
  { schema, fields }: RecordLayout,
  record: Readonly<Record<string, unknown>>,
  version: number,
): readonly unknown[] {
  const wire: unknown[] = [schema.id, version];
  for (const { name, type, added } of fields) {
    if (added === null || added.version <= version) wire.push(toWire(type, record[name]));
  }
  return wire;
}

function decodeRecord(
  { recordsById }: Registry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<MetadataRecord, CodecError> {
  const unpacked = unpackRange(bytes, start, end);
  if (!unpacked.ok) return unpacked;
  const wire = unpacked.value;
  if (!Array.isArray(wire)) return malformed('a record is an array');
  const id: unknown = wire[0];
  const registered = typeof id === 'number' ? recordsById.get(id) : undefined;
  if (registered === undefined) {
    return typeof id === 'number' && id >= customIdMin
      ? failed({
          code: 'UNSUPPORTED_VERSION',
          message: `it has the kind of id ${id}, which is not known here`,
        })
      : malformed(`no record has the id ${String(id)}`);
  }
  const record = recordFromWire(registered, wire);
  if (!record.ok) return record;
  // The schema by which the value was checked belongs to one of the record types.
  return ok(record.value as MetadataRecord);
}

/** A checked record, with `type`; by the version that the array names. */
export function recordFromWire(
  { schema, fields }: RecordLayout,
  wire: readonly unknown[],
): Result<Readonly<Record<string, unknown>>, CodecError> {
  const version = wire[1];
  const { min, max } = schema.versions;
  if (typeof version !== 'number') return malformed(`${schema.name} without a version`);
  if (!Number.isInteger(version) || version < min || version > max) {
    return {
      ok: false,
      error: {
        code: 'UNSUPPORTED_VERSION',
        message: `${schema.name} has version ${version}; this Ottla understands ${min} to ${max}`,
      },
    };
  }
  const record: Record<string, unknown> = { type: schema.name };
  const faults = new WireFaults();
  let at = 2;
  for (const { name, type, added } of fields) {
    if (added !== null && added.version > version) {
      record[name] = added.missing;
      continue;
    }
    if (at >= wire.length) return malformed(`${schema.name}.${name} is missing`);
    record[name] = fromWire(type, wire[at++], faults);
    if (faults.first !== null) return malformed(`${schema.name}.${name}${faults.first}`);
  }
  if (at !== wire.length) return malformed(`${schema.name} has ${wire.length - at} fields too many`);
  return ok(record);
}
