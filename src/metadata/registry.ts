import { assert } from '../base/assert.ts';
import * as kinds from './kinds.ts';
import { assertLimits } from './limits.ts';
import type { AnyResource, ResourceDefinition, TableDefinition } from './resource.ts';
import {
  type AddedField,
  extensionIdMin,
  type FieldType,
  type RecordOf,
  type RecordSchema,
} from './schema.ts';

export type Kinds = typeof kinds;
export type ResourceName = keyof Kinds;

type Resource<Name extends ResourceName> = Kinds[Name]['resource'];

export type StateOf<Name extends ResourceName> =
  Resource<Name> extends ResourceDefinition<string, readonly RecordSchema[], infer State, infer _Draft>
    ? State
    : never;

type RecordsOf<Definition> =
  Definition extends ResourceDefinition<string, infer Records, infer _State, infer _Draft>
    ? Records[number]
    : never;

type SchemaOf<Name extends ResourceName> = Name extends ResourceName ? RecordsOf<Resource<Name>> : never;

/** Any record of any kind, told apart by `type`. */
export type MetadataRecord = DistributeRecords<SchemaOf<ResourceName>>;
type DistributeRecords<Schema> = Schema extends RecordSchema ? RecordOf<Schema> : never;

export type RegisteredRecord = {
  readonly schema: RecordSchema;
  readonly resource: AnyResource;
  /** The fields in the schema's order, for whoever walks over them for every record. */
  readonly fields: readonly RegisteredField[];
};

export type RegisteredField = {
  readonly name: string;
  readonly type: FieldType;
  /** Null for a field of the first version. */
  readonly added: AddedField | null;
};

export type RegisteredTable = {
  readonly resource: AnyResource;
  readonly definition: TableDefinition<unknown, unknown>;
};

/** Every resource, in the order of `kinds.ts`. */
export const resources: readonly AnyResource[] = Object.freeze(
  Object.values(kinds).map((kind): AnyResource => kind.resource),
);

export const recordsByName: ReadonlyMap<string, RegisteredRecord> = indexRecords((schema) => schema.name);
export const recordsById: ReadonlyMap<number, RegisteredRecord> = indexRecords((schema) => schema.id);

/** Every table of every resource, by the id that begins the keys of its pages. */
export const tables: readonly RegisteredTable[] = Object.freeze(
  resources
    .flatMap((resource) => resource.tables.map((definition) => ({ resource, definition })))
    .sort((left, right) => left.definition.id - right.definition.id),
);

checkRegistry();

function indexRecords<Key>(keyOf: (schema: RecordSchema) => Key): ReadonlyMap<Key, RegisteredRecord> {
  const index = new Map<Key, RegisteredRecord>();
  for (const resource of resources) {
    for (const schema of resource.records) {
      const key = keyOf(schema);
      assert(!index.has(key), `two records have the name or id ${String(key)}`);
      index.set(key, { schema, resource, fields: fieldsOf(schema) });
    }
  }
  return index;
}

/** The fields of a schema as a list. */
export function fieldsOf(schema: RecordSchema): readonly RegisteredField[] {
  return Object.entries(schema.fields).map(([name, type]) => ({
    name,
    type,
    added: schema.added[name] ?? null,
  }));
}

function checkRegistry(): void {
  assertLimits();
  for (const [name, kind] of Object.entries(kinds)) {
    assert(kind.resource.name === name, `the kind ${name} calls itself ${kind.resource.name}`);
  }
  for (const { schema } of recordsByName.values()) {
    const { min, max } = schema.versions;
    assert(min >= 0 && min <= max, `${schema.name} has no legal versions`);
    assert(schema.metadataVersions.length === max + 1, `${schema.name} says since when for each version`);
    assert(schema.id >= 0 && schema.id < extensionIdMin * 2, `${schema.name} has an id out of range`);
  }
  const ids = new Set(tables.map((table) => table.definition.id));
  assert(ids.size === tables.length, 'two tables have the same id');
  assert(!ids.has(0), 'table id 0 is the header of a checkpoint');
}
