import { assert } from '../base/assert.ts';
import * as builtInKinds from './kinds.ts';
import { assertLimits, limits } from './limits.ts';
import { customIdMax, customIdMin, type ResourceKind } from './resources/custom/kind.ts';
import { type CustomRecord, resourceOfKind } from './resources/custom/state.ts';
import type { AnyResource, ResourceDefinition, TableDefinition } from './resource.ts';
import {
  type AddedField,
  extensionIdMin,
  type FieldType,
  type RecordOf,
  type RecordSchema,
} from './schema.ts';

export type Kinds = typeof builtInKinds;
export type ResourceName = keyof Kinds;
/** A kind as whoever watches names it: one of this software's, or a user's by the name of its feature. */
export type WatchedKind = ResourceName | `kind.${string}`;

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
export type MetadataRecord = DistributeRecords<SchemaOf<ResourceName>> | CustomRecord;
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
  /** Kinds that users have defined, by their names. */
  readonly kinds: ReadonlyMap<string, RegisteredKind>;
};

export type RegisteredKind = { readonly kind: ResourceKind; readonly resource: AnyResource };

/** The registry of these resources, which must not claim each other's names and ids. */
function createRegistry(resources: readonly AnyResource[], kinds: readonly RegisteredKind[] = []): Registry {
  const registry: Registry = Object.freeze({
    resources,
    recordsByName: indexRecords(resources, (schema) => schema.name),
    recordsById: indexRecords(resources, (schema) => schema.id),
    tables: resources
      .flatMap((resource) => resource.tables.map((definition) => ({ resource, definition })))
      .sort((left, right) => left.definition.id - right.definition.id),
    kinds: new Map(kinds.map((registered) => [registered.kind.name, registered])),
  });
  checkRegistry(registry);
  return registry;
}

/** What a program knows that has defined these kinds: they come after those of this software. */
export function registryOf(own: readonly ResourceKind[]): Registry {
  assert(own.length <= limits.resourceKindsMax, `there are more than ${limits.resourceKindsMax} kinds`);
  const kinds = own.map((kind) => ({ kind, resource: resourceOfKind(kind) }));
  return createRegistry([...builtInResources, ...kinds.map(({ resource }) => resource)], kinds);
}

/** Every resource of this software, in the order of `kinds.ts`. */
export const builtInResources: readonly AnyResource[] = Object.freeze(
  Object.values(builtInKinds).map((kind): AnyResource => kind.resource),
);

checkBuiltIn();
export const builtInRegistry: Registry = createRegistry(builtInResources);

/** For whoever reads a log and was given no definition: the record of a kind has the id in the place of the name. */
export function registryOfEveryKind(): Registry {
  const ids = Array.from({ length: customIdMax - customIdMin + 1 }, (_, index) => customIdMin + index);
  return createRegistry([...builtInResources, ...ids.map((id) => resourceOfKind({ name: String(id), id }))]);
}

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
  for (const [name, kind] of Object.entries(builtInKinds)) {
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

/** The kinds of metadata of this software that have records. */
export const kindNames: readonly ResourceName[] = Object.freeze(
  Object.values(builtInKinds)
    .filter(({ resource }) => resource.records.length > 0)
    .map(({ resource }) => resource.name),
);
