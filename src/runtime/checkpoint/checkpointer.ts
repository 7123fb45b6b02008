import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { ok, type Result } from '../../base/result.ts';
import type { CheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import { encodeCheckpointManifest } from '../../codec/checkpoint-manifest.ts';
import { checkpointPages } from '../../codec/image-pages.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { CheckpointStore, StoreEntry, StoreError } from '../../ports/checkpoint-store.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import { runtimeLimits } from '../limits.ts';
import { runSequence, type Sequence } from '../sequence.ts';
import { SlicedLoop } from '../work-slices.ts';
import { manifestKey, pageValue, versionedPageKey } from './page-keys.ts';
import type { PageVersions } from './page-versions.ts';
import {
  type CheckpointWrite,
  deleteKeys,
  type WrittenCheckpoint,
  writeCheckpoint,
} from './write-checkpoint.ts';

type WrittenAndReplaced = Result<
  { readonly written: WrittenCheckpoint; readonly replaced: readonly Uint8Array[] },
  StoreError
>;

/** The checkpoint in force, and its image, which a snapshot for a follower is streamed from. */
export type Checkpoint = { readonly manifest: CheckpointManifest; readonly image: MetadataImage };

export type CheckpointerOptions = {
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly current: Checkpoint | null;
  readonly versions: PageVersions;
  /** Keys in the store that belong to no checkpoint. */
  readonly abandoned: readonly Uint8Array[];
  readonly bytesBetween: number;
  readonly intervalMs: number;
  /** What a manifest says of the log at the end of a committed image; null when it cannot be known now. */
  readonly describe: (image: MetadataImage) => Omit<CheckpointManifest, 'root' | 'pageCount'> | null;
  /** It is in force, verified, and the log behind it may be cleaned. */
  readonly onCreated: (checkpoint: Checkpoint) => void;
  /** For want of room it was not written, or not verified; it is tried again later. */
  readonly onPostponed?: () => void;
  /** The store is damaged: the node stops (design 20). */
  readonly onFailed: (reason: string) => void;
};

/**
 * Writes a checkpoint after so many bytes of log, or after so long when there is anything new.
 *
 * Invariants
 * 1. One checkpoint is written at a time, and each from a later image than the one before.
 * 2. Log is cleaned only behind a checkpoint that was read back after it was written (design 18).
 * 3. A full disk postpones a checkpoint; nothing in force is touched, and it is tried again until there is
 *    room (design 20).
 * 4. While it is paused it writes nothing: the store is about to be replaced.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #store: CheckpointStore;
  #versions: PageVersions;
  #abandoned: readonly Uint8Array[];
  #current: Checkpoint | null;
  #isWriting = false;
  #isClosed = false;
  #isPaused = false;
  #whenIdle: (() => void) | null = null;
  /** What the next checkpoint that is due by time will hold. */
  #latest: MetadataImage | null = null;
  #timer: Timer | null = null;
  /** Runs while a checkpoint waits for room on the disk. */
  #retryTimer: Timer | null = null;
  /** Set when a received snapshot replaces store and state: what is being written then is thrown away. */
  #generation = 0;
  #bytesSince = 0;
  #lastWrittenMs: number;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#versions = options.versions;
    this.#abandoned = options.abandoned;
    this.#current = options.current;
    this.#lastWrittenMs = options.clock.monotonicMs();
  }

  get current(): Checkpoint | null {
    return this.#current;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** `bytes` of log were applied, up to `image`: writes a checkpoint when it is time. */
  applied(image: MetadataImage, bytes: number): void {
    this.#bytesSince += bytes;
    this.#latest = image;
    const { bytesBetween, intervalMs, clock } = this.#options;
    const waitMs = this.#lastWrittenMs + intervalMs - clock.monotonicMs();
    if (this.#bytesSince >= bytesBetween || waitMs <= 0) this.write(image);
    else this.#writeAfter(waitMs);
  }

  /** Nothing new is begun until `resume` or `replaceBy`; `idle` is told once nothing is being written. */
  pause(idle: () => void): void {
    this.#isPaused = true;
    if (!this.#isWriting) {
      idle();
      return;
    }
    coverageMark('checkpoint: a snapshot waits for the one being written');
    this.#whenIdle = idle;
  }

  resume(): void {
    this.#isPaused = false;
    this.#lookAgain();
  }

  /** Begins to write a checkpoint of `image` unless one is being written or nothing is new. */
  write(image: MetadataImage): void {
    if (this.#isWriting || this.#isPaused || this.#isClosed) return;
    if (image.endOffset <= (this.#current?.image.endOffset ?? 0)) return;
    const manifest = this.#options.describe(image);
    if (manifest === null) return;
    this.#isWriting = true;
    this.#latest ??= image;
    this.#bytesSince = 0;
    this.#lastWrittenMs = this.#options.clock.monotonicMs();
    const generation = this.#generation;
    const { clock } = this.#options;
    const since = this.#current?.image ?? null;
    const attempted: Uint8Array[] = [];
    const write = {
      store: this.#store,
      clock,
      image,
      since,
      manifest,
      inForce: this.#current?.manifest ?? null,
      abandoned: this.#abandoned,
      onForgotten: () => this.#forgotten(generation),
      attempted,
    };
    runSequence(this.#steps(write, this.#versions), (written) => {
      if (generation !== this.#generation || this.#isClosed) return;
      this.#isWriting = false;
      if (written.ok) this.#created(image, written.value.written, written.value.replaced);
      else if (written.error.code === 'NO_SPACE') this.#postpone(attempted, written.error.message);
      else this.#options.onFailed(`the checkpoint at offset ${image.endOffset}: ${written.error.message}`);
      this.#tellIdle();
    });
  }

  /** A received snapshot is in force now. */
  replaceBy(store: CheckpointStore, checkpoint: Checkpoint, versions: PageVersions): void {
    this.#generation++;
    this.#isWriting = false;
    this.#isPaused = false;
    this.#store = store;
    this.#versions = versions;
    this.#abandoned = [];
    this.#current = checkpoint;
    this.#latest = checkpoint.image;
    this.#bytesSince = 0;
    this.#lastWrittenMs = this.#options.clock.monotonicMs();
  }

  /** The entries of a snapshot on its way to a follower, its manifest last; null when it is not the one in force. */
  entriesOf(snapshotId: SnapshotId): Iterable<StoreEntry> | null {
    const current = this.#current;
    if (current === null) return null;
    const { snapshotId: own } = current.manifest;
    if (own.endOffset !== snapshotId.endOffset || own.epoch !== snapshotId.epoch) return null;
    return snapshotEntries(current);
  }

  close(): void {
    this.#isClosed = true;
    this.#generation++;
    this.#timer?.cancel();
    this.#retryTimer?.cancel();
  }

  /** The log may fall silent, and what is new falls due all the same. */
  #writeAfter(waitMs: number): void {
    this.#timer ??= this.#options.clock.setTimer(waitMs, () => {
      this.#timer = null;
      this.#lookAgain();
    });
  }

  /** Whether one is due that could not begin when it fell due. */
  #lookAgain(): void {
    if (this.#latest !== null) this.applied(this.#latest, 0);
  }

  #tellIdle(): void {
    const idle = this.#whenIdle;
    this.#whenIdle = null;
    idle?.();
  }

  /** Writes it, and then notes where each page stands now; gives the keys that this makes superfluous. */
  *#steps(write: CheckpointWrite, versions: PageVersions): Sequence<WrittenAndReplaced> {
    const written = yield* writeCheckpoint(write);
    if (!written.ok) return written;
    const { manifest, writtenPages, gonePages } = written.value;
    const { endOffset } = manifest.snapshotId;
    const slices = new SlicedLoop(write.clock);
    const replaced: Uint8Array[] = [];
    for (const pageKey of writtenPages) {
      const before = versions.replace(pageKey, endOffset);
      if (before !== null) replaced.push(before);
      yield* slices.pause();
    }
    for (const pageKey of gonePages) {
      const before = versions.remove(pageKey);
      if (before !== null) replaced.push(before);
      replaced.push(versionedPageKey(pageKey, endOffset));
      yield* slices.pause();
    }
    return ok({ written: written.value, replaced });
  }

  #created(image: MetadataImage, written: WrittenCheckpoint, replaced: readonly Uint8Array[]): void {
    const { manifest } = written;
    this.#current = { manifest, image };
    this.#options.logger.info('checkpoint-written', {
      endOffset: manifest.snapshotId.endOffset,
      epoch: manifest.snapshotId.epoch,
      pages: written.writtenPages.length,
      bytes: written.bytesWritten,
    });
    if (!written.isVerified) {
      coverageMark('checkpoint: not verified for want of room');
      this.#abandoned = replaced;
      this.#options.logger.warn('checkpoint-not-verified', { reason: 'no space to compact the store' });
      this.#options.onPostponed?.();
      this.#retryLater();
      return;
    }
    this.#abandoned = [];
    this.#options.onCreated(this.#current);
    // What cannot be deleted now is found and deleted at the next start.
    runSequence(deleteKeys(this.#store, replaced, false), () => {});
    this.#lookAgain();
  }

  #forgotten(generation: number): void {
    if (generation === this.#generation) this.#abandoned = [];
  }

  #postpone(attempted: readonly Uint8Array[], message: string): void {
    coverageMark('checkpoint: postponed by a full disk');
    this.#abandoned = [...this.#abandoned, ...attempted];
    this.#options.logger.warn('checkpoint-postponed', { reason: message });
    this.#options.onPostponed?.();
    this.#retryLater();
  }

  /** Whether there is room again is seen by trying: what a checkpoint needs is known only when it is written. */
  #retryLater(): void {
    this.#retryTimer ??= this.#options.clock.setTimer(runtimeLimits.checkpointRetryMs, () => {
      this.#retryTimer = null;
      const latest = this.#latest;
      if (latest === null) return;
      this.write(latest);
      // It could not begin, while a snapshot is put in force perhaps.
      const isDue = latest.endOffset > (this.#current?.image.endOffset ?? 0);
      if (isDue && !this.#isWriting) this.#retryLater();
    });
  }
}

/** Every page of a checkpoint under the key that a receiver stores it by, and the manifest last. */
function* snapshotEntries({ manifest, image }: Checkpoint): Generator<StoreEntry, void, undefined> {
  for (const { key, value } of checkpointPages(image, null)) {
    assert(value !== null, 'a whole checkpoint has no page that is gone');
    yield { key: versionedPageKey(key, manifest.snapshotId.endOffset), value: pageValue(value) };
  }
  yield { key: manifestKey, value: encodeCheckpointManifest(manifest) };
}
