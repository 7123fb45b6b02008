import type { Uuid } from '../base/brands.ts';

/**
 * The language in which records and rows are described. A description gives the static type, the codec
 * (`src/codec/record-value.ts`), the digest and the size; nothing about a record is written twice.
 *
 * The ORDER of the fields of a struct is its wire format: values are positional arrays. A field is only
 * ever added at the end of a record, by `addedIn` with the record version that brings it.
 */
export type FieldType<Value = unknown> = FieldNode & { readonly [valueType]?: Value };

/** Only the compiler sees this property. */
declare const valueType: unique symbol;

export type FieldNode =
  | { readonly kind: 'int8' | 'int16' | 'uint16' | 'int32' | 'int64' | 'boolean' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'string'; readonly lengthMax: number }
  | { readonly kind: 'bytes'; readonly lengthMax: number }
  | { readonly kind: 'nullable'; readonly of: FieldType }
  | { readonly kind: 'array'; readonly of: FieldType; readonly lengthMax: number }
  | { readonly kind: 'struct'; readonly fields: Fields };

export type Fields = Readonly<Record<string, FieldType>>;
export type ValueOf<Type> = Type extends FieldType<infer Value> ? Value : never;
export type StructOf<Members extends Fields> = { readonly [Name in keyof Members]: ValueOf<Members[Name]> };

export const int8: FieldType<number> = { kind: 'int8' };
export const int16: FieldType<number> = { kind: 'int16' };
export const uint16: FieldType<number> = { kind: 'uint16' };
export const int32: FieldType<number> = { kind: 'int32' };
/** A safe integer in memory (design 4); the wire has room for 64 bits. */
export const int64: FieldType<number> = { kind: 'int64' };
export const boolean: FieldType<boolean> = { kind: 'boolean' };
export const uuidType: FieldType<Uuid> = { kind: 'uuid' };

/** `lengthMax` counts UTF-16 code units. */
export function string(lengthMax = 32_767): FieldType<string> {
  return { kind: 'string', lengthMax };
}

export function bytes(lengthMax: number): FieldType<Uint8Array> {
  return { kind: 'bytes', lengthMax };
}

export function nullable<Value>(of: FieldType<Value>): FieldType<Value | null> {
  return { kind: 'nullable', of };
}

export function array<Value>(of: FieldType<Value>, lengthMax = 10_000): FieldType<readonly Value[]> {
  return { kind: 'array', of, lengthMax };
}

export function struct<const Members extends Fields>(fields: Members): FieldType<StructOf<Members>> {
  return { kind: 'struct', fields };
}

/**
 * One record type. `id` is Kafka's apiKey where Kafka has the record; ours begin at 1000, a range that
 * Kafka does not use. Golden files pin ids and bytes.
 */
export type RecordSchema<Name extends string = string, Members extends Fields = Fields> = {
  readonly name: Name;
  readonly id: number;
  /** Versions that this software reads; another one is refused by name. */
  readonly versions: { readonly min: number; readonly max: number };
  /** `metadataVersions[version]`: the `metadata.version` from which on that version may be written. */
  readonly metadataVersions: readonly number[];
  readonly fields: Members;
  /** Fields that later versions brought, by name: the version, and the value that earlier ones imply. */
  readonly added: Readonly<Record<string, AddedField>>;
};

export type AddedField = { readonly version: number; readonly missing: unknown };

export type RecordOf<Schema> =
  Schema extends RecordSchema<infer Name, infer Members>
    ? { readonly type: Name } & StructOf<Members>
    : never;

/** The first of our own record ids. */
export const extensionIdMin = 1000;

export function defineRecord<const Name extends string, const Members extends Fields>(definition: {
  readonly name: Name;
  readonly id: number;
  readonly versions?: { readonly min: number; readonly max: number };
  readonly metadataVersions?: readonly number[];
  readonly fields: Members;
  readonly added?: { readonly [Field in keyof Members]?: AddedField };
}): RecordSchema<Name, Members> {
  const added: Record<string, AddedField> = {};
  for (const name of Object.keys(definition.fields)) {
    const field = definition.added?.[name];
    if (field !== undefined) added[name] = field;
  }
  return Object.freeze({
    name: definition.name,
    id: definition.id,
    versions: definition.versions ?? { min: 0, max: 0 },
    metadataVersions: definition.metadataVersions ?? [1],
    fields: definition.fields,
    added,
  });
}
