import { offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { type CheckpointManifest, decodeCheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import { createImageLoader, type ImageLoader } from '../../codec/image-loader.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { Registry } from '../../metadata/registry.ts';
import type { CodecError } from '../../codec/codec-error.ts';
import type { CheckpointStore, StoreEntry, StoreError, StoreResults } from '../../ports/checkpoint-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Sequence, wait } from '../sequence.ts';
import { SlicedLoop } from '../work-slices.ts';
import { PageVersions } from './page-versions.ts';
import { manifestKey, pageKeysFrom, pageKeysTo, parsePageValue, parseVersionedPageKey } from './page-keys.ts';

/** A checkpoint that was verified by its root, and which stored version of each page belongs to it. */
export type LoadedCheckpoint = {
  readonly manifest: CheckpointManifest;
  readonly image: MetadataImage;
  /** At which checkpoint each page was written last. */
  readonly versions: PageVersions;
  /** Keys that do not belong to it: left over from before it, or from a later one that was never published. */
  readonly leftOver: readonly Uint8Array[];
};

export type LoadCheckpointError = {
  /**
   * `DAMAGED`: the content does not verify, or the store cannot read it. `UNSUPPORTED_VERSION`: a newer Ottla
   * wrote it, and it is refused by name and left alone. `NO_SPACE` and `STORE`: the store could not do it.
   */
  readonly code: 'DAMAGED' | 'UNSUPPORTED_VERSION' | 'NO_SPACE' | 'STORE';
  readonly message: string;
};

type Loaded = Result<LoadedCheckpoint | null, LoadCheckpointError>;

const scanEntriesMax = 256;

/** Reads and verifies the checkpoint in force; null when the store holds none. */
export function* loadCheckpoint(registry: Registry, store: CheckpointStore, clock: Clock): Sequence<Loaded> {
  const found = yield* wait<StoreResult<'get'>>((done) =>
    store.submit({ kind: 'get', keys: [manifestKey] }, done),
  );
  if (!found.ok) return failed(fromStore(found.error));
  const bytes = found.value[0] ?? null;
  if (bytes === null) return ok(null);
  const manifest = decodeCheckpointManifest(bytes);
  if (!manifest.ok) return failed(fromCodec(manifest.error));
  return yield* loadPages(registry, store, clock, manifest.value);
}

/** Empties a store that holds no checkpoint: pages of one that was never published may be in it. */
export function* wipeStore(store: CheckpointStore): Sequence<Result<null, LoadCheckpointError>> {
  for (;;) {
    const page = yield* wait<StoreResult<'scan'>>((done) =>
      store.submit({ kind: 'scan', from: manifestKey, to: pageKeysTo, limit: scanEntriesMax }, done),
    );
    if (!page.ok) return failed(fromStore(page.error));
    if (page.value.length === 0) return ok(null);
    const deletes = page.value.map((entry) => entry.key);
    const deleted = yield* wait<StoreResult<'write'>>((done) =>
      store.submit({ kind: 'write', puts: [], deletes, sync: true }, done),
    );
    if (!deleted.ok) return failed(fromStore(deleted.error));
  }
}

type StoreResult<Kind extends keyof StoreResults> = Result<StoreResults[Kind], StoreError>;

function fromStore({ code, message }: StoreError): LoadCheckpointError {
  if (code === 'CORRUPT') return { code: 'DAMAGED', message };
  return { code: code === 'NO_SPACE' ? code : 'STORE', message };
}

function fromCodec({ code, message }: CodecError): LoadCheckpointError {
  return { code: code === 'UNSUPPORTED_VERSION' ? code : 'DAMAGED', message };
}

function* loadPages(
  registry: Registry,
  store: CheckpointStore,
  clock: Clock,
  manifest: CheckpointManifest,
): Sequence<Loaded> {
  const collector = new PageCollector(createImageLoader(registry), manifest.snapshotId.endOffset);
  const slices = new SlicedLoop(clock);
  let from: Uint8Array = pageKeysFrom;
  for (;;) {
    const page = yield* wait<StoreResult<'scan'>>((done) =>
      store.submit({ kind: 'scan', from, to: pageKeysTo, limit: scanEntriesMax }, done),
    );
    if (!page.ok) return failed(fromStore(page.error));
    for (const entry of page.value) {
      const fault = collector.add(entry);
      if (fault !== null) return failed(fault);
      yield* slices.pause();
    }
    const last = page.value.at(-1);
    if (last === undefined || page.value.length < scanEntriesMax) break;
    from = successor(last.key);
  }
  const loaded = finish(collector, manifest);
  if (!loaded.ok) return loaded;
  for (const _page of collector.loader.rememberDigests(loaded.value.image)) yield* slices.pause();
  return loaded;
}

function finish(
  collector: PageCollector,
  manifest: CheckpointManifest,
): Result<LoadedCheckpoint, LoadCheckpointError> {
  const fault = collector.finish();
  if (fault !== null) return failed(fault);
  const { snapshotId, timestampMs, root } = manifest;
  const header = { endOffset: snapshotId.endOffset, epoch: snapshotId.epoch, timestampMs };
  const image = collector.loader.finish(header, root);
  if (!image.ok) return failed(fromCodec(image.error));
  return ok({ manifest, image: image.value, versions: collector.versions, leftOver: collector.leftOver });
}

/** Picks of each page the newest version that is not newer than the checkpoint; versions come oldest first. */
class PageCollector {
  readonly loader: ImageLoader;
  readonly leftOver: Uint8Array[] = [];
  readonly versions = new PageVersions();
  readonly #checkpointOffset: number;
  #candidate: Candidate | null = null;

  constructor(loader: ImageLoader, checkpointOffset: number) {
    this.loader = loader;
    this.#checkpointOffset = checkpointOffset;
  }

  /** Null, or what is wrong with the checkpoint. */
  add(entry: StoreEntry): LoadCheckpointError | null {
    const parsed = parseVersionedPageKey(entry.key);
    if (parsed === null) return damaged('the checkpoint store holds a key of unknown form');
    if (parsed.checkpointOffset > this.#checkpointOffset) {
      coverageMark('checkpoint: pages of one that was never published');
      this.leftOver.push(entry.key);
      return null;
    }
    const candidate = this.#candidate;
    if (candidate !== null && sameBytes(candidate.pageKey, parsed.pageKey)) {
      this.leftOver.push(candidate.entry.key);
    } else {
      const fault = this.#take();
      if (fault !== null) return fault;
    }
    this.#candidate = { ...parsed, entry };
    return null;
  }

  finish(): LoadCheckpointError | null {
    return this.#take();
  }

  #take(): LoadCheckpointError | null {
    const candidate = this.#candidate;
    this.#candidate = null;
    if (candidate === null) return null;
    const value = parsePageValue(candidate.entry.value);
    if (value === undefined) return damaged('the checkpoint store holds a value of unknown form');
    if (value === null) {
      this.leftOver.push(candidate.entry.key);
      return null;
    }
    const added = this.loader.add({ key: candidate.pageKey, value });
    if (!added.ok) return fromCodec(added.error);
    this.versions.replace(candidate.pageKey, offset(candidate.checkpointOffset));
    return null;
  }
}

function damaged(message: string): LoadCheckpointError {
  return { code: 'DAMAGED', message };
}

type Candidate = {
  readonly pageKey: Uint8Array;
  readonly checkpointOffset: number;
  readonly entry: StoreEntry;
};

/** The least key above `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
