import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  decodeRecords,
  encodeRecords,
  recordFromWire,
  recordToWire,
  writableVersion,
} from '../../src/codec/record-value.ts';
import { builtInRegistry, fieldsOf, type MetadataRecord } from '../../src/metadata/registry.ts';
import { defineRecord, int32, string } from '../../src/metadata/schema.ts';
import { recordSizeMax } from '../../src/metadata/execute.ts';
import { structSizeMax } from '../../src/metadata/schema-values.ts';
import { arbitraryRecord } from './samples.ts';
import { newestMetadataVersion } from './cluster.ts';

const { recordsByName } = builtInRegistry;

const schemas = [...recordsByName.values()].map(({ schema }) => schema);
const packer = new Packr({ useRecords: false, variableMapSize: true });

function asRecord(value: { type: string }): MetadataRecord {
  return value as MetadataRecord;
}

/** One record's payload around msgpack bytes of any kind. */
function payloadOf(value: unknown): Uint8Array {
  return framed(packer.pack(value));
}

function framed(bytes: Uint8Array): Uint8Array {
  const payload = new Uint8Array(4 + bytes.length);
  new DataView(payload.buffer).setUint32(0, bytes.length);
  payload.set(bytes, 4);
  return payload;
}

function fault(payload: Uint8Array, count = 1): string {
  const result = decodeRecords(builtInRegistry, payload, count);
  return result.ok ? 'accepted' : `${result.error.code}: ${result.error.message}`;
}

describe('records as bytes', () => {
  it.each(schemas.map((schema) => [schema.name, schema] as const))(
    '%s comes back as it was',
    (_name, schema) => {
      fc.assert(
        fc.property(fc.array(arbitraryRecord(schema), { maxLength: 4 }), (values) => {
          const records = values.map(asRecord);
          const payload = encodeRecords(builtInRegistry, records, newestMetadataVersion);
          const decoded = decodeRecords(builtInRegistry, payload, records.length);
          expect(decoded.ok ? decoded.value : decoded.error).toEqual(records);
          expect(payload.length).toBeLessThanOrEqual(
            records.reduce((sum, record) => sum + recordSizeMax(builtInRegistry, record), 0),
          );
        }),
        { numRuns: 60 },
      );
    },
  );

  it('stay below the bound by which operations are refused, whatever is in them', () => {
    const fields = { name: string() };
    expect(structSizeMax(fields, { name: '€'.repeat(100) })).toBeGreaterThanOrEqual(
      packer.pack(['€'.repeat(100)]).length,
    );
  });

  it('never make the decoder throw, whatever bytes arrive', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 5 }), (bytes, count) => {
        expect(typeof decodeRecords(builtInRegistry, bytes, count).ok).toBe('boolean');
        expect(typeof decodeRecords(builtInRegistry, framed(bytes), 1).ok).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never pass for others when a byte of them is changed: they are refused or decode to legal records', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas).chain(arbitraryRecord),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (value, place, flip) => {
          const payload = encodeRecords(builtInRegistry, [asRecord(value)], newestMetadataVersion);
          const at = place % payload.length;
          payload[at] = (payload[at] ?? 0) ^ flip;
          const decoded = decodeRecords(builtInRegistry, payload, 1);
          // What is accepted is a legal record, so encoding it again works.
          const legal = decoded.ok ? decoded.value : [];
          expect(() => encodeRecords(builtInRegistry, legal, newestMetadataVersion)).not.toThrow();
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('are refused when they are cut short, too few, or followed by something', () => {
    const payload = encodeRecords(builtInRegistry, [{ type: 'NoOpRecord' }, { type: 'NoOpRecord' }]);
    expect(fault(payload, 2)).toBe('accepted');
    expect(fault(payload, 1)).toMatch(/^MALFORMED: .* bytes follow/);
    expect(fault(payload, 3)).toMatch(/^MALFORMED: record 2 of 3 is cut short/);
    expect(fault(payload.subarray(0, -1), 2)).toMatch(/cut short/);
    expect(fault(payload, 10_001)).toMatch(/^MALFORMED: a batch of 10001/);
  });

  it('are refused with an unknown id, and with an unknown version by name', () => {
    expect(fault(payloadOf([999, 0]))).toBe('MALFORMED: no record has the id 999');
    expect(fault(payloadOf([20, 1]))).toBe(
      'UNSUPPORTED_VERSION: NoOpRecord has version 1; this Ottla understands 0 to 0',
    );
    expect(fault(payloadOf([20, -1]))).toMatch(/^UNSUPPORTED_VERSION: NoOpRecord has version -1/);
    expect(fault(payloadOf([20]))).toMatch(/without a version/);
  });

  it('are refused with a field that is missing, too many or of another type, and the field is named', () => {
    expect(fault(payloadOf([12, 0, 'name']))).toMatch(/FeatureLevelRecord.featureLevel is missing/);
    expect(fault(payloadOf([12, 0, 'name', 1, 2]))).toMatch(/1 fields too many/);
    expect(fault(payloadOf([12, 0, 7, 1]))).toMatch(/FeatureLevelRecord.name is no string/);
    expect(fault(payloadOf([12, 0, 'name', 40_000]))).toMatch(/featureLevel is no int16/);
    expect(fault(payloadOf([12, 0, 'name', 1.5]))).toMatch(/featureLevel is no int16/);
    expect(fault(payloadOf([12, 0, 'x'.repeat(250), 1]))).toMatch(/longer than 249/);
    expect(fault(payloadOf([9, 0, new Uint8Array(15)]))).toMatch(/topicId is no uuid/);
    expect(fault(payloadOf([1004, 0, [1, 'x']]))).toMatch(/offsets\[1\] is no int64/);
  });

  it('are refused with maps, extensions and nesting that no record has', () => {
    expect(fault(payloadOf({ a: 1 }))).toMatch(/^MALFORMED/);
    expect(fault(payloadOf([20, 0, { a: 1 }]))).toMatch(/^MALFORMED/);
    expect(fault(payloadOf([12, 0, new Date(), 1]))).toMatch(/^MALFORMED/);
    let deep: unknown = 1;
    for (let depth = 0; depth < 1_000; depth++) deep = [deep];
    expect(fault(payloadOf([20, 0, deep]))).toMatch(/^MALFORMED: nested deeper/);
    expect(fault(framed(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)))).toMatch(/^MALFORMED/);
  });

  it('are not made of what their schema does not know', () => {
    const wrong = { type: 'FeatureLevelRecord', name: 'a', featureLevel: 1, extra: 1 };
    expect(() => encodeRecords(builtInRegistry, [asRecord(wrong)])).toThrow(/unknown field extra/);
    expect(() => encodeRecords(builtInRegistry, [asRecord({ type: 'FeatureLevelRecord' })])).toThrow(
      /name is no string/,
    );
    expect(() => encodeRecords(builtInRegistry, [asRecord({ type: 'NoSuchRecord' })])).toThrow(
      /NoSuchRecord/,
    );
    const half = { type: 'FeatureLevelRecord', name: '\ud800', featureLevel: 1 };
    expect(() => encodeRecords(builtInRegistry, [asRecord(half)])).toThrow(/well-formed/);
  });
});

describe('versions of a record', () => {
  const schema = defineRecord({
    name: 'ExampleRecord',
    id: 1999,
    versions: { min: 0, max: 1 },
    metadataVersions: [1, 3],
    fields: { first: int32, second: int32 },
    added: { second: { version: 1, missing: 7 } },
  });

  it('are the newest that the finalized metadata.version allows', () => {
    expect([1, 2, 3, 4].map((level) => writableVersion(schema, level))).toEqual([0, 0, 1, 1]);
    expect(() => writableVersion(schema, 0)).toThrow(/metadata.version 0/);
  });

  it('leave out, and fill in, what a version does not have', () => {
    const record = { type: 'ExampleRecord', first: 1, second: 2 };
    const layout = { schema, fields: fieldsOf(schema) };
    expect(recordToWire(layout, record, 0)).toEqual([1999, 0, 1]);
    expect(recordToWire(layout, record, 1)).toEqual([1999, 1, 1, 2]);
    const read = recordFromWire(layout, [1999, 0, 1]);
    expect(read.ok ? read.value : null).toEqual({ type: 'ExampleRecord', first: 1, second: 7 });
    expect(recordFromWire(layout, [1999, 2, 1]).ok).toBe(false);
    expect(recordFromWire(layout, [1999, 1, 1]).ok).toBe(false);
  });
});
