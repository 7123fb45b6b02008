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

/**
 * The kinds of metadata that one node or client knows, as a value: an image carries it, and so does whatever makes an
 * image of bytes.
 */
export type Registry = {
  /** In the order in which their states become records again. */
  readonly resources: readonly AnyResource[];
  readonly recordsByName: ReadonlyMap<string, RegisteredRecord>;
  readonly recordsById: ReadonlyMap<number, RegisteredRecord>;
  /** Every table of every resource, by the id that begins the keys of its pages. */
  readonly tables: readonly RegisteredTable[];
};

/** The registry of these resources, which must not claim each other's names and ids. */
export function createRegistry(resources: readonly AnyResource[]): Registry {
  const registry: Registry = Object.freeze({
    resources,
    recordsByName: indexRecords(resources, (schema) => schema.name),
    recordsById: indexRecords(resources, (schema) => schema.id),
    tables: resources
      .flatMap((resource) => resource.tables.map((definition) => ({ resource, definition })))
      .sort((left, right) => left.definition.id - right.definition.id),
  });
  checkRegistry(registry);
  return registry;
}

/** Every resource of this software, in the order of `kinds.ts`. */
export const builtInResources: readonly AnyResource[] = Object.freeze(
  Object.values(kinds).map((kind): AnyResource => kind.resource),
);

checkBuiltIn();
export const builtInRegistry: Registry = createRegistry(builtInResources);

function indexRecords<Key>(
  resources: readonly AnyResource[],
  keyOf: (schema: RecordSchema) => Key,
): ReadonlyMap<Key, RegisteredRecord> {
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

function checkBuiltIn(): void {
  assertLimits();
  for (const [name, kind] of Object.entries(kinds)) {
    assert(kind.resource.name === name, `the kind ${name} calls itself ${kind.resource.name}`);
    for (const { id, name: record } of kind.resource.records) {
      assert(id >= 0 && id < extensionIdMin * 2, `${record} has an id out of range`);
    }
  }
}

function checkRegistry({ recordsByName, tables }: Registry): void {
  for (const { schema } of recordsByName.values()) {
    const { min, max } = schema.versions;
    assert(min >= 0 && min <= max, `${schema.name} has no legal versions`);
    assert(schema.metadataVersions.length === max + 1, `${schema.name} says since when for each version`);
  }
  const ids = new Set(tables.map((table) => table.definition.id));
  assert(ids.size === tables.length, 'two tables have the same id');
  assert(!ids.has(0), 'table id 0 is the header of a checkpoint');
}
