import type { KeyedTable } from '../../../base/keyed-table.ts';
import { failed, type Result } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { featureOfKind, type ResourceKind } from './kind.ts';
import type { CustomState, ResourceRow } from './state.ts';

/** A resource as whoever has its kind reads it. */
export type Resource<Value = unknown> = {
  readonly key: string;
  readonly value: Value;
  /** The version of the kind in which the value was written; `value` is in that of whoever reads. */
  readonly version: number;
  /** The offset that wrote it: its `ETag`. */
  readonly lastModified: number;
};

export type ResourcesOfKind<Value> = {
  readonly size: number;
  /** Null when nothing stands under the key. Throws where the value cannot be read by this version of the kind. */
  get(key: string): Resource<Value> | null;
  /** In the order of their keys. */
  values(): IterableIterator<Resource<Value>>;
};

/** The resources of a kind as an image has them; nothing to an image that does not know the kind. */
export function resourcesOf<Value>(image: MetadataImage, kind: ResourceKind<Value>): ResourcesOfKind<Value> {
  const rows = rowsOf(image, kind.name);
  return {
    size: rows?.size ?? 0,
    get: (key) => {
      const row = rows?.get(key) ?? null;
      return row === null ? null : resourceOf(kind, row);
    },
    *values() {
      for (const row of rows?.values() ?? []) yield resourceOf(kind, row);
    },
  };
}

/** The rows of a kind by its name; null when the image knows no such kind. */
export function rowsOf(image: MetadataImage, name: string): KeyedTable<string, ResourceRow> | null {
  if (!image.registry.kinds.has(name)) return null;
  const states: Readonly<Record<string, unknown>> = image;
  // Every kind's state was made by `resourceOfKind`.
  return (states[featureOfKind(name)] as CustomState).rows;
}

/** A row's value in the form of this version of the kind. */
export function readRow<Value>(kind: ResourceKind<Value>, row: ResourceRow): Result<Value, string> {
  try {
    return kind.read(JSON.parse(row.value), row.version);
  } catch (error) {
    return failed(`cannot be upgraded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function resourceOf<Value>(kind: ResourceKind<Value>, row: ResourceRow): Resource<Value> {
  const { key, version, lastModified } = row;
  const value = readRow(kind, row);
  if (!value.ok) throw new TypeError(`The ${kind.name} ${key} ${value.error}.`);
  return { key, value: value.value, version, lastModified };
}
