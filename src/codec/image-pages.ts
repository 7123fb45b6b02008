import { assert } from '../base/assert.ts';
import { compareBytes } from '../base/compare.ts';
import type { ColumnPage, Columns } from '../base/columns.ts';
import { type Digest, digestText, Hasher } from '../base/digest.ts';
import { type RowPage, rowsPerRowPage } from '../base/row-table.ts';
import { type MetadataImage, stateOf } from '../metadata/image.ts';
import type { RegisteredTable } from '../metadata/registry.ts';
import type { Fields } from '../metadata/schema.ts';
import { structToWire } from './field-values.ts';
import { viewOf } from './int64.ts';
import { packPositional } from './msgpack.ts';

/**
 * The image as pages for the checkpoint (design 18).
 *
 * A page's key is its table's id (uint8) and its index (uint32); its value is a digest of 8 bytes over key
 * and content, and the content: for ordinary kinds the rows as msgpack `[[place, …fields], …]`, for columns
 * the ints of `Columns.exportPage`, little-endian.
 *
 * The root is a digest over the keys and digests of all pages, in order of keys. Pages that did not change
 * keep their digest, so that a root costs one step for each page, and a checkpoint the pages that changed.
 */
export const pageKeyBytes = 5;
export const pageDigestBytes = 8;

export type PageEntry = { readonly key: Uint8Array; readonly value: Uint8Array };

/** One step of writing a checkpoint: `value` null says that the page is gone. */
export type PageChange = { readonly key: Uint8Array; readonly value: Uint8Array | null };

export type CheckpointPages = Iterable<PageChange> & {
  /** The same with a null where many pages were looked at and none had changed, for whoever may not stay away long. */
  steps(): Iterable<PageChange | null>;
  /** After the last change was taken: the root over all pages of the image, and how many they are. */
  summary(): { readonly root: string; readonly pageCount: number };
};

/** Pages that did not change are looked at so many at a time. */
const sharedPagesPerStep = 512;

/**
 * The pages in which `image` differs from `since` (all of them when `since` is null), in order of keys.
 * A step costs at most the encoding of one page and a look at so many that are shared.
 */
export function checkpointPages(image: MetadataImage, since: MetadataImage | null): CheckpointPages {
  let finished: { readonly root: string; readonly pageCount: number } | null = null;
  function* steps(): Generator<PageChange | null, void, undefined> {
    const root = new RootHasher();
    const { tables } = image.registry;
    for (const table of tables) yield* tablePages(image, since, table, root);
    finished = root.finish();
  }
  return {
    steps,
    *[Symbol.iterator]() {
      for (const change of steps()) if (change !== null) yield change;
    },
    summary() {
      assert(finished !== null, 'the root is known once every page was taken');
      return finished;
    },
  };
}

/** Takes the pages in order of their keys. */
export class RootHasher {
  readonly #hasher = new Hasher();
  #pageCount = 0;

  add(tableId: number, index: number, digest: Digest): void {
    this.#hasher.int32(tableId);
    this.#hasher.int32(index);
    this.#hasher.digest(digest);
    this.#pageCount++;
  }

  finish(): { readonly root: string; readonly pageCount: number } {
    this.#hasher.int32(this.#pageCount);
    return { root: digestText(this.#hasher.finish()), pageCount: this.#pageCount };
  }
}

function* tablePages(
  image: MetadataImage,
  since: MetadataImage | null,
  table: RegisteredTable,
  root: RootHasher,
): Generator<PageChange | null, void, undefined> {
  const pages = pagesOf(image, table);
  const before = since === null ? null : pagesOf(since, table);
  const count = Math.max(pages.count, before?.count ?? 0);
  const { id } = table.definition;
  for (let index = 0; index < count; index++) {
    const page = pages.page(index);
    const earlier = before?.page(index) ?? null;
    if (page === null) {
      if (earlier !== null) yield { key: pageKey(id, index), value: null };
      continue;
    }
    if (page === earlier && page.encodedDigest !== null) {
      root.add(id, index, page.encodedDigest);
      if (index % sharedPagesPerStep === 0) yield null;
      continue;
    }
    const key = pageKey(id, index);
    const content = pages.encode(index);
    const digest = pageDigest(key, content);
    page.encodedDigest = digest;
    root.add(id, index, digest);
    if (page !== earlier) yield { key, value: withDigest(digest, content) };
  }
}

type Pages = {
  readonly count: number;
  page(index: number): { encodedDigest: Digest | null } | null;
  encode(index: number): Uint8Array;
};

function pagesOf(image: MetadataImage, { resource, definition }: RegisteredTable): Pages {
  const state = stateOf(image, resource);
  if (definition.kind === 'rows') {
    const table = definition.table(state);
    return {
      count: table.pageCount,
      page: (index) => table.page(index),
      encode: (index) => encodeRowPage(table.page(index), definition.fields),
    };
  }
  const columns = definition.table(state);
  return {
    count: columns.pageCount,
    page: (index): ColumnPage | null => columns.page(index),
    encode: (index) => encodeColumnPage(columns, index),
  };
}

export function pageKey(tableId: number, index: number): Uint8Array {
  const key = new Uint8Array(pageKeyBytes);
  const view = viewOf(key);
  view.setUint8(0, tableId);
  view.setUint32(1, index);
  return key;
}

/** Over key and content, so that a page in another's place is found as well. */
export function pageDigest(key: Uint8Array, content: Uint8Array): Digest {
  const hasher = new Hasher();
  hasher.bytes(key);
  hasher.bytes(content);
  return hasher.finish();
}

function withDigest(digest: Digest, content: Uint8Array): Uint8Array {
  const value = new Uint8Array(pageDigestBytes + content.length);
  const view = viewOf(value);
  view.setUint32(0, digest.high);
  view.setUint32(4, digest.low);
  value.set(content, pageDigestBytes);
  return value;
}

function encodeRowPage(page: RowPage<object> | null, fields: Fields): Uint8Array {
  const rows: unknown[] = [];
  for (let place = 0; place < rowsPerRowPage; place++) {
    const row = page?.rows[place] ?? null;
    if (row !== null) rows.push([place, ...structToWire(fields, row)]);
  }
  return packPositional(rows);
}

function encodeColumnPage(columns: Columns, index: number): Uint8Array {
  const ints = columns.exportPage(index) ?? new Int32Array(0);
  const bytes = new Uint8Array(ints.length * 4);
  const view = viewOf(bytes);
  for (let at = 0; at < ints.length; at++) view.setInt32(at * 4, ints[at] ?? 0, true);
  return bytes;
}

/** Keys ascend from page to page, so each page comes once. */
export function isAfter(key: Uint8Array, before: Uint8Array | null): boolean {
  return before === null || compareBytes(before, key) < 0;
}
