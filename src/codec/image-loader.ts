import { assert } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { rowsPerRowPage } from '../base/row-table.ts';
import {
  createEditor,
  emptyImage,
  emptyImageOf,
  type ImageEditor,
  type ImageHeader,
  type MetadataImage,
  stateOf,
} from '../metadata/image.ts';
import type { RegisteredTable, Registry } from '../metadata/registry.ts';
import {
  customIdOf,
  isCustomTableId,
  isFeatureOfKind,
  kindOfFeature,
} from '../metadata/resources/custom/kind.ts';
import type { ColumnTableDefinition, RowTableDefinition } from '../metadata/resource.ts';
import type { Digest } from '../base/digest.ts';
import { type CodecError, malformed } from './codec-error.ts';
import { structFromWire, WireFaults } from './field-values.ts';
import {
  isAfter,
  pageDigest,
  pageDigestBytes,
  type PageEntry,
  pageKeyBytes,
  RootHasher,
} from './image-pages.ts';
import { viewOf } from './int64.ts';
import { unpackPositional } from './msgpack.ts';

/**
 * Reads an image back from its pages, a page at a time, so that no step takes long. Each page is verified
 * by its own digest before it is read; the root verifies that no page is missing, stale or too many.
 *
 * After an error nothing of it can be used.
 */
export type ImageLoader = {
  /** The next page, in order of keys. */
  add(entry: PageEntry): Result<null, CodecError>;
  /** All pages were added. `root` is the manifest's. */
  finish(header: ImageHeader, root: string): Result<MetadataImage, CodecError>;
  /**
   * The pages as loaded are the pages as stored: once this has run to its end the next checkpoint encodes none
   * of them again. A step for each page, so that nobody has to stay away long.
   */
  rememberDigests(image: MetadataImage): Iterable<null>;
};

/** A page index beyond this is no image's: 2^31 slots of 64 rows. */
const pageIndexMax = 33_554_431;

export function createImageLoader(registry: Registry): ImageLoader {
  const editor = createEditor(emptyImageOf(registry));
  const root = new RootHasher();
  const digests: LoadedPage[] = [];
  let lastKey: Uint8Array | null = null;
  return {
    add(entry) {
      const opened = openPage(registry, entry);
      if (!opened.ok) return namingKinds(editor, entry, opened);
      if (!isAfter(entry.key, lastKey)) return malformed('a page is out of order');
      lastKey = entry.key.slice();
      const { table, index, digest, content } = opened.value;
      root.add(table.definition.id, index, digest);
      digests.push({ table, index, digest });
      return loadPage(editor, table, index, content);
    },
    finish(header, expectedRoot) {
      const { root: found } = root.finish();
      if (found !== expectedRoot) return malformed(`the pages have the root ${found}, not ${expectedRoot}`);
      return ok(editor.freeze(header));
    },
    *rememberDigests(image) {
      for (const page of digests) {
        rememberDigest(image, page);
        yield null;
      }
    },
  };
}

/** All at once, for tests and small images. */
export function imageFromPages(
  registry: Registry,
  entries: Iterable<PageEntry>,
  header: ImageHeader,
  root: string,
): Result<MetadataImage, CodecError> {
  const loader = createImageLoader(registry);
  for (const entry of entries) {
    const added = loader.add(entry);
    if (!added.ok) return added;
  }
  const image = loader.finish(header, root);
  if (image.ok) for (const _page of loader.rememberDigests(image.value));
  return image;
}

/** Says whether a page that was read back is whole; the runtime asks before it cleans the log. */
export function verifyPage(registry: Registry, entry: PageEntry): boolean {
  return openPage(registry, entry).ok;
}

/**
 * A page of a kind that this node was not given: what was finalized says its name, which was loaded before, since the
 * table of features has the lowest id.
 */
function namingKinds(
  editor: ImageEditor,
  { key }: PageEntry,
  fault: Result<never, CodecError>,
): Result<never, CodecError> {
  const tableId = key[0] ?? 0;
  if (fault.ok || fault.error.code !== 'UNSUPPORTED_VERSION' || !isCustomTableId(tableId)) return fault;
  const { feature, registry } = editor.peek(beginning);
  const names = [...feature.finalized.values()].map(({ name }) => name).filter(isFeatureOfKind);
  const unknown = names.filter((name) => !registry.kinds.has(kindOfFeature(name)));
  const what = unknown.length === 0 ? `a kind of id ${customIdOf(tableId)}` : unknown.join(', ');
  const message = `the checkpoint has ${what}, and this node supports none of it`;
  return failed({ code: 'UNSUPPORTED_VERSION', message });
}

const { endOffset, epoch, timestampMs } = emptyImage;
const beginning: ImageHeader = { endOffset, epoch, timestampMs };

type LoadedPage = { readonly table: RegisteredTable; readonly index: number; readonly digest: Digest };
type OpenedPage = LoadedPage & { readonly content: Uint8Array };

function openPage({ tables }: Registry, { key, value }: PageEntry): Result<OpenedPage, CodecError> {
  if (key.length !== pageKeyBytes) return malformed('a page key of another length');
  if (value.length < pageDigestBytes) return malformed('a page without its digest');
  const keyView = viewOf(key);
  const tableId = keyView.getUint8(0);
  const index = keyView.getUint32(1);
  const table = tables.find((candidate) => candidate.definition.id === tableId);
  if (table === undefined) {
    return failed({
      code: 'UNSUPPORTED_VERSION',
      message: `the checkpoint has a table ${tableId} that this Ottla does not know`,
    });
  }
  if (index > pageIndexMax) return malformed(`a page index of ${index}`);
  const content = value.subarray(pageDigestBytes);
  const digest = pageDigest(key, content);
  const view = viewOf(value);
  const whole = view.getUint32(0) === digest.high && view.getUint32(4) === digest.low;
  if (!whole) return malformed(`page ${index} of ${table.definition.name} is damaged`);
  return ok({ table, index, digest, content });
}

function rememberDigest(image: MetadataImage, { table, index, digest }: LoadedPage): void {
  const page = table.definition.table(stateOf(image, table.resource)).page(index);
  assert(page !== null, 'a loaded page holds rows');
  page.encodedDigest = digest;
}

function loadPage(
  editor: ImageEditor,
  table: RegisteredTable,
  index: number,
  content: Uint8Array,
): Result<null, CodecError> {
  const draft = editor.draftOf(table.resource);
  const { definition } = table;
  return definition.kind === 'rows'
    ? loadRows(draft, definition, index, content)
    : loadColumns(draft, definition, index, content);
}

function loadRows(
  draft: unknown,
  definition: RowTableDefinition<unknown, unknown>,
  index: number,
  content: Uint8Array,
): Result<null, CodecError> {
  const unpacked = unpackPositional(content);
  if (!unpacked.ok) return unpacked;
  if (!Array.isArray(unpacked.value)) return malformed(`a page of ${definition.name} is an array`);
  const wireRows: readonly unknown[] = unpacked.value;
  if (wireRows.length === 0) return malformed(`a page of ${definition.name} holds no row`);
  let last = -1;
  for (const wire of wireRows) {
    if (!Array.isArray(wire)) return malformed(`a row of ${definition.name} is an array`);
    const place: unknown = wire[0];
    if (!isPlace(place, last, rowsPerRowPage))
      return malformed(`a row of ${definition.name} is out of place`);
    last = place;
    const faults = new WireFaults();
    const row = structFromWire(definition.fields, wire, 1, faults);
    if (row === null) return malformed(`${definition.name}${faults.first ?? ''}`);
    definition.load(draft, index * rowsPerRowPage + place, row);
  }
  return ok(null);
}

function isPlace(value: unknown, last: number, count: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > last && value < count;
}

function loadColumns(
  draft: unknown,
  definition: ColumnTableDefinition<unknown, unknown>,
  index: number,
  content: Uint8Array,
): Result<null, CodecError> {
  if (content.length % 4 !== 0) return malformed(`a page of ${definition.name} is cut`);
  const view = viewOf(content);
  const ints = new Int32Array(content.length / 4);
  for (let at = 0; at < ints.length; at++) ints[at] = view.getInt32(4 * at, true);
  const isTaken = definition.loadPage(draft, index, ints);
  return isTaken ? ok(null) : malformed(`page ${index} of ${definition.name} is no page of it`);
}
