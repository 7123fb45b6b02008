import { epoch, offset } from '../../src/base/brands.ts';
import { imageFromPages } from '../../src/codec/image-loader.ts';
import { checkpointPages, type PageEntry } from '../../src/codec/image-pages.ts';
import {
  createImageBuilder,
  emptyImageOf,
  imageDigest,
  type MetadataImage,
} from '../../src/metadata/image.ts';
import type { PositionedRecord } from '../../src/metadata/resource.ts';
import { builtInRegistry, type MetadataRecord, type Registry } from '../../src/metadata/registry.ts';
import { TestCluster } from './cluster.ts';
import { type Event, happen } from './history.ts';

export function play(history: readonly Event[]): TestCluster {
  const cluster = new TestCluster();
  // Three brokers are there from the start, so that most events find something to do.
  cluster.start(1, 2, 3);
  for (const event of history) happen(cluster, event);
  return cluster;
}

export function replayAll(
  records: Iterable<PositionedRecord<MetadataRecord>>,
  batch: number,
  registry: Registry = builtInRegistry,
): MetadataImage {
  let image = emptyImageOf(registry);
  let builder = createImageBuilder(image);
  let end = 0;
  let count = 0;
  for (const { record, position } of records) {
    builder.replay(record, position);
    end = Math.max(end, position.offset + 1);
    count++;
    if (count % batch !== 0) continue;
    image = builder.freeze(offset(end), epoch(1));
    builder = createImageBuilder(image);
  }
  return builder.freeze(offset(end), epoch(1));
}

export function headerOf({ endOffset, epoch: imageEpoch, timestampMs }: MetadataImage) {
  return { endOffset, epoch: imageEpoch, timestampMs };
}

/** A page store as the runtime keeps it, by the text of the key. */
export class PageStore {
  readonly #pages = new Map<string, PageEntry>();

  write(
    image: MetadataImage,
    since: MetadataImage | null,
  ): { root: string; pageCount: number; changed: number } {
    const pages = checkpointPages(image, since);
    let changed = 0;
    for (const { key, value } of pages) {
      changed++;
      const name = Buffer.from(key).toString('hex');
      if (value === null) this.#pages.delete(name);
      else this.#pages.set(name, { key, value });
    }
    return { ...pages.summary(), changed };
  }

  entries(): PageEntry[] {
    const names = [...this.#pages.keys()].sort();
    return names.flatMap((name) => this.#pages.get(name) ?? []);
  }
}

export function replayOne(
  image: MetadataImage,
  { record, position }: PositionedRecord<MetadataRecord>,
): MetadataImage {
  const builder = createImageBuilder(image);
  builder.replay(record, position);
  return builder.freeze(offset(position.offset + 1), position.epoch);
}

export function fullPages(image: MetadataImage): PageEntry[] {
  const entries: PageEntry[] = [];
  for (const { key, value } of checkpointPages(image, null)) if (value !== null) entries.push({ key, value });
  return entries;
}

export function rootOf(image: MetadataImage): string {
  const store = new PageStore();
  return store.write(image, null).root;
}

/** A digest kept in a page would hide a page changed in place, so the pages are encoded anew. */
export function digestAnew(image: MetadataImage): string {
  return imageDigest(loadedFromPages(image));
}

export function loadedFromPages(image: MetadataImage): MetadataImage {
  const copy = imageFromPages(image.registry, fullPages(image), headerOf(image), rootOf(image));
  if (!copy.ok) throw new Error(copy.error.message);
  return copy.value;
}
