import * as fc from 'fast-check';
import type { TSchema } from 'typebox';

/** The keywords that our schemas use. */
type Keywords = {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly TSchema[];
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
};

/** Values that a state may hold, so that requests now and then are about something that is there. */
export type Known = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** A legal value of the schema; a field of a name in `known` mostly has one of the known values. */
export function arbitraryOfSchema(schema: TSchema, known: Known): fc.Arbitrary<unknown> {
  const keywords: Keywords = schema;
  if (keywords.const !== undefined) return fc.constant(keywords.const);
  if (keywords.anyOf !== undefined) {
    return fc.oneof(...keywords.anyOf.map((alternative) => arbitraryOfSchema(alternative, known)));
  }
  switch (keywords.type) {
    case 'object':
      return arbitraryObject(keywords, known);
    case 'array':
      return arbitraryArray(keywords, known);
    case 'string':
      return arbitraryText(keywords);
    case 'integer':
      return arbitraryInteger(keywords);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
}

function arbitraryObject(keywords: Keywords, known: Known): fc.Arbitrary<unknown> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, property] of Object.entries(keywords.properties ?? {})) {
    const legal = arbitraryOfSchema(property, known);
    const familiar = known[name];
    fields[name] =
      familiar === undefined
        ? legal
        : fc.oneof({ weight: 4, arbitrary: familiar }, { weight: 1, arbitrary: legal });
  }
  return fc.record(fields, { requiredKeys: [...(keywords.required ?? [])] });
}

function arbitraryArray({ items, minItems, maxItems }: Keywords, known: Known): fc.Arbitrary<unknown> {
  const least = minItems ?? 0;
  return fc.array(items === undefined ? fc.jsonValue() : arbitraryOfSchema(items, known), {
    minLength: least,
    maxLength: Math.max(least, Math.min(4, maxItems ?? 4)),
  });
}

function arbitraryText({ pattern, minLength, maxLength }: Keywords): fc.Arbitrary<unknown> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const bounds = {
    minLength: minLength ?? 0,
    maxLength: Math.max(minLength ?? 0, Math.min(12, maxLength ?? 12)),
  };
  return fc.oneof(
    fc.string({ ...bounds, unit: 'grapheme-ascii' }),
    fc.string({ ...bounds, unit: 'grapheme' }).filter((text) => text.length <= (maxLength ?? 12)),
    fc.stringMatching(/^[a-z.][a-z0-9.-]{0,7}$/),
    fc.constant('x'.repeat(Math.min(300, maxLength ?? 300))),
  );
}

function arbitraryInteger({ minimum, maximum }: Keywords): fc.Arbitrary<unknown> {
  const min = minimum ?? Number.MIN_SAFE_INTEGER;
  const max = maximum ?? Number.MAX_SAFE_INTEGER;
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min, max: Math.min(max, min + 5) }) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
  );
}

/** What is done to a legal value: a place in it, and what becomes of it. */
export type Spoiling = {
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'add' | 'repeat';
  readonly value: unknown;
  readonly name: string;
};

const hostileNames = ['constructor', 'toString', 'hasOwnProperty', 'length', '', 'unknown', '$ref', 'a/b~c'];

const hostileTexts = [
  '',
  'x',
  '\u0000',
  '\ud800',
  '😀',
  '%',
  '..',
  '/',
  '9007199254740993',
  'é'.repeat(1_000),
];

const hostileNumbers = [0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e300, 5e-324];

const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  ...hostileNumbers,
  null,
  true,
  false,
  [],
  {},
  [[]],
  [null],
];

export const spoilings: fc.Arbitrary<readonly Spoiling[]> = fc.array(
  fc.record({
    at: fc.nat({ max: 200 }),
    how: fc.constantFrom('replace', 'remove', 'add', 'repeat'),
    value: fc.oneof(fc.constantFrom(...hostileValues), fc.jsonValue()),
    name: fc.oneof(fc.constantFrom(...hostileNames), fc.string({ maxLength: 6 })),
  }),
  { maxLength: 3, size: 'max' },
);

/** A copy of the value in which the places were changed. */
export function spoil(value: unknown, changes: readonly Spoiling[]): unknown {
  const holder = { value: structuredClone(value) };
  for (const change of changes) {
    const places: { readonly owner: object; readonly key: string }[] = [];
    collectPlaces(holder, places);
    const place = places[change.at % places.length];
    if (place !== undefined) spoilPlace(place, change);
  }
  return holder.value;
}

function collectPlaces(owner: object, places: { readonly owner: object; readonly key: string }[]): void {
  for (const [key, member] of Object.entries(owner)) {
    places.push({ owner, key });
    if (typeof member === 'object' && member !== null) collectPlaces(member, places);
  }
}

function spoilPlace(
  { owner, key }: { readonly owner: object; readonly key: string },
  change: Spoiling,
): void {
  const held: unknown = Reflect.get(owner, key);
  // A copy, since a later change may stand in what an earlier one has put in.
  const value: unknown = structuredClone(change.value);
  if (change.how === 'remove') Reflect.deleteProperty(owner, key);
  else if (change.how === 'repeat' && Array.isArray(held)) held.push(...structuredClone(held.slice(0, 100)));
  else if (change.how === 'add' && Array.isArray(held)) held.push(value);
  else if (change.how === 'add' && typeof held === 'object' && held !== null)
    Reflect.set(held, change.name, value);
  else Reflect.set(owner, key, value);
}
