import * as fc from 'fast-check';
import { assertNever } from '../../src/base/assert.ts';
import { seededRandom } from '../../src/base/random.ts';
import { randomUuid } from '../../src/base/uuid.ts';
import type { Fields, FieldType, RecordSchema } from '../../src/metadata/schema.ts';

/** Any legal value of a type. */
export function arbitraryOf(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'uint16':
      return fc.integer({ min: 0, max: 65_535 });
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(2 ** 31, 2 ** 32, -(2 ** 32) - 1));
    case 'boolean':
      return fc.boolean();
    case 'uuid':
      return fc.nat().map((seed) => randomUuid(seededRandom(seed)));
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: Math.min(12, Math.floor(type.lengthMax / 11)) });
    case 'bytes':
      return fc.uint8Array({ maxLength: Math.min(40, type.lengthMax) });
    case 'nullable':
      return fc.option(arbitraryOf(type.of), { nil: null });
    case 'array':
      return fc.array(arbitraryOf(type.of), { maxLength: Math.min(5, type.lengthMax) });
    case 'struct':
      return arbitraryStruct(type.fields);
    default:
      return assertNever(type);
  }
}

function arbitraryStruct(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, arbitraryOf(type)])),
  );
}

export function arbitraryRecord(schema: RecordSchema): fc.Arbitrary<{ type: string }> {
  return arbitraryStruct(schema.fields).map((fields) => ({ type: schema.name, ...fields }));
}

/** One value of a type, always the same: golden files are made of these. */
export function sampleOf(type: FieldType, seed: number): unknown {
  switch (type.kind) {
    case 'int8':
      return -1;
    case 'int16':
      return 300 + seed;
    case 'uint16':
      return 40_000 + seed;
    case 'int32':
      return 70_000 + seed;
    case 'int64':
      return 2 ** 40 + seed;
    case 'boolean':
      return seed % 2 === 0;
    case 'uuid':
      return randomUuid(seededRandom(seed));
    case 'string':
      return `text ${seed} é`;
    case 'bytes':
      return Uint8Array.of(seed, 0, 255);
    case 'nullable':
      return seed % 3 === 0 ? null : sampleOf(type.of, seed);
    case 'array':
      return [sampleOf(type.of, seed + 1), sampleOf(type.of, seed + 2)];
    case 'struct':
      return sampleStruct(type.fields, seed);
    default:
      return assertNever(type);
  }
}

export function sampleStruct(fields: Fields, seed: number): Record<string, unknown> {
  const names = Object.entries(fields);
  return Object.fromEntries(names.map(([name, type], at) => [name, sampleOf(type, seed + at)]));
}
