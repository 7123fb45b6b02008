import { failed, ok, type Result } from '../../base/result.ts';
import { type CheckpointManifest, encodeCheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import { crcOf } from '../../codec/crc.ts';
import { checkpointPages } from '../../codec/image-pages.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { CheckpointStore, StoreEntry, StoreError, StoreResults } from '../../ports/checkpoint-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { runtimeLimits } from '../limits.ts';
import { type Sequence, wait } from '../sequence.ts';
import { SlicedLoop } from '../work-slices.ts';
import { goneValue, manifestKey, pageValue, versionedPageKey } from './page-keys.ts';

export type CheckpointWrite = {
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly image: MetadataImage;
  /** The image of the checkpoint in force; null writes every page. */
  readonly since: MetadataImage | null;
  /** The manifest without what only the pages tell. */
  readonly manifest: Omit<CheckpointManifest, 'root' | 'pageCount'>;
  /** The manifest in force; null where there is none yet. */
  readonly inForce: CheckpointManifest | null;
  /**
   * Keys of pages that belong to no checkpoint: they are deleted durably first. One that was written for a
   * checkpoint which was never published would otherwise pass for a page of this one.
   */
  readonly abandoned: readonly Uint8Array[];
  /** They are deleted. */
  readonly onForgotten: () => void;
  /** Takes each key before it is written, so that the caller can abandon them when this fails. */
  readonly attempted: Uint8Array[];
};

export type WrittenCheckpoint = {
  readonly manifest: CheckpointManifest;
  readonly bytesWritten: number;
  /** Pages that this checkpoint wrote anew, and pages that it says are gone. */
  readonly writtenPages: readonly Uint8Array[];
  readonly gonePages: readonly Uint8Array[];
  /** False when it is in force but could not be compacted and read back, for want of space. */
  readonly isVerified: boolean;
};

type Written = Result<WrittenCheckpoint, StoreError>;
type StoreResult<Kind extends keyof StoreResults> = Result<StoreResults[Kind], StoreError>;

/**
 * Writes a checkpoint (design 18).
 * 0. What belongs to no checkpoint is deleted. The manifest in force is written once more before: the attempt
 *    that has left those pages behind may have published its own, though that write was reported as failed.
 * 1. Changed pages go under new keys, in synced batches of bounded size: what is in force stays untouched.
 *    Each batch is synced by itself, because syncing the store's newest log file does not sync older ones.
 * 2. One small synced write publishes the manifest. From here on this checkpoint is in force.
 * 3. The store is compacted, so that the pages lie in its sorted files, and the changed pages are read back
 *    and compared. Only then may the caller clean the log.
 */
export function* writeCheckpoint(write: CheckpointWrite): Sequence<Written> {
  const cleaned = yield* forgetAbandoned(write);
  if (!cleaned.ok) return cleaned;
  write.onForgotten();
  const pages = checkpointPages(write.image, write.since);
  const { endOffset } = write.manifest.snapshotId;
  const checks: PageCheck[] = [];
  const gonePages: Uint8Array[] = [];
  const writtenPages: Uint8Array[] = [];
  let batch: StoreEntry[] = [];
  let batchBytes = 0;
  let bytesWritten = 0;
  const slices = new SlicedLoop(write.clock);
  for (const change of pages.steps()) {
    yield* slices.pause();
    if (change === null) continue;
    const { key: pageKey, value: page } = change;
    const key = versionedPageKey(pageKey, endOffset);
    const value = page === null ? goneValue : pageValue(page);
    if (page === null) gonePages.push(pageKey);
    else writtenPages.push(pageKey);
    checks.push({ key, crc: crcOf(value) });
    write.attempted.push(key);
    batch.push({ key, value });
    batchBytes += key.length + value.length;
    if (batchBytes < runtimeLimits.checkpointWriteBytesMax) continue;
    const put = yield* putSynced(write, batch);
    if (!put.ok) return put;
    bytesWritten += batchBytes;
    batch = [];
    batchBytes = 0;
  }
  const manifest: CheckpointManifest = { ...write.manifest, ...pages.summary() };
  if (batch.length > 0) {
    const put = yield* putSynced(write, batch);
    if (!put.ok) return put;
  }
  const published = yield* putSynced(write, [
    { key: manifestKey, value: encodeCheckpointManifest(manifest) },
  ]);
  if (!published.ok) return published;
  const verified = yield* verify(write, checks);
  // Without room to compact, the checkpoint is in force all the same, but nothing may be cleaned behind it.
  if (!verified.ok && verified.error.code !== 'NO_SPACE') return verified;
  bytesWritten += batchBytes;
  return ok({ manifest, bytesWritten, writtenPages, gonePages, isVerified: verified.ok });
}

function* forgetAbandoned({ store, inForce, abandoned }: CheckpointWrite): Sequence<StoreResult<'write'>> {
  if (abandoned.length === 0) return ok(null);
  const puts = inForce === null ? [] : [{ key: manifestKey, value: encodeCheckpointManifest(inForce) }];
  const deletes = inForce === null ? [manifestKey] : [];
  const restored = yield* wait<StoreResult<'write'>>((done) =>
    store.submit({ kind: 'write', puts, deletes, sync: true }, done),
  );
  return restored.ok ? yield* deleteKeys(store, abandoned, true) : restored;
}

type PageCheck = { readonly key: Uint8Array; readonly crc: number };

function* putSynced(
  { store, clock }: CheckpointWrite,
  puts: readonly StoreEntry[],
): Sequence<StoreResult<'write'>> {
  const result = yield* wait<StoreResult<'write'>>((done) =>
    store.submit({ kind: 'write', puts, deletes: [], sync: true }, done),
  );
  // Encoding the next pages is a slice of work of its own.
  yield* wait<void>((done) => clock.afterPendingEvents(done));
  return result;
}

const readBackMax = 64;

function* verify(
  { store, clock }: CheckpointWrite,
  checks: readonly PageCheck[],
): Sequence<StoreResult<'write'>> {
  const compacted = yield* wait<StoreResult<'compact'>>((done) => store.submit({ kind: 'compact' }, done));
  if (!compacted.ok) return compacted;
  for (let at = 0; at < checks.length; at += readBackMax) {
    const slice = checks.slice(at, at + readBackMax);
    const keys = slice.map((check) => check.key);
    const read = yield* wait<StoreResult<'get'>>((done) => store.submit({ kind: 'get', keys }, done));
    if (!read.ok) return read;
    for (const [index, check] of slice.entries()) {
      const value = read.value[index] ?? null;
      if (value !== null && crcOf(value) === check.crc) continue;
      return failed({
        code: 'CORRUPT',
        message: 'a page of the checkpoint does not read back as it was written',
      });
    }
    yield* wait<void>((done) => clock.afterPendingEvents(done));
  }
  return ok(null);
}

/** Deletes stored versions that belong to no checkpoint any more, in batches. */
export function* deleteKeys(
  store: CheckpointStore,
  keys: readonly Uint8Array[],
  sync: boolean,
): Sequence<StoreResult<'write'>> {
  const batchMax = 4096;
  for (let at = 0; at < keys.length; at += batchMax) {
    const deletes = keys.slice(at, at + batchMax);
    const result = yield* wait<StoreResult<'write'>>((done) =>
      store.submit({ kind: 'write', puts: [], deletes, sync }, done),
    );
    if (!result.ok) return result;
  }
  return ok(null);
}
