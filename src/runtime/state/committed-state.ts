import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Offset } from '../../base/brands.ts';
import { createImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import type { Clock } from '../../ports/clock.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import type { RaftLog } from '../log/raft-log.ts';
import { nextStretch, stableOffset, type Stretch } from '../log/transaction-index.ts';
import { runSequence, type Sequence } from '../sequence.ts';
import type { BatchRecords } from '../watch/batch-records.ts';
import { SlicedLoop } from '../work-slices.ts';

/** What is read at once; it is replayed in slices of a few milliseconds (design, "Running"). */
const sliceBytesMax = 256 * 1024;

export type CommittedStateOptions = {
  readonly image: MetadataImage;
  readonly log: Pick<RaftLog, 'read' | 'transactions'>;
  readonly records: Pick<BatchRecords, 'replayed'>;
  readonly clock: Clock;
  /** Everything below the image's end is applied, `bytes` of it since the last call; called after each advance. */
  readonly onApplied: (image: MetadataImage, bytes: number) => void;
  /** Why this node cannot read what stands behind such an image, or null; asked when features have changed. */
  readonly faultOf: (image: MetadataImage) => string | null;
  /** A committed record could not be read or replayed, or means nothing to this node: it stops (design 4, 9). */
  readonly onFailed: (reason: string) => void;
};

/** An image that the leader computed when it proposed; committing it moves a pointer. */
type ProposedImage = { readonly baseOffset: Offset; readonly image: MetadataImage; readonly bytes: number };

/**
 * The state that the log's committed prefix gives.
 *
 * Invariants
 * 1. `image` is the replay of exactly the records below `image.endOffset`, all of them committed.
 * 2. `image.endOffset` never decreases, other than by `replaceBy` with a snapshot further on.
 * 3. A batch is applied whole, and so is a transaction: `image` stands outside of every one, and what an aborted one
 *    holds is never read.
 * 4. No image is shown with a feature at a level that this node does not support.
 */
export class CommittedState {
  readonly #options: CommittedStateOptions;
  #image: MetadataImage;
  /** The replay goes on from here: behind `#image` while it is within a transaction, which has ended. */
  #tip: MetadataImage;
  /** Bytes of the log between the two. */
  #tipBytes = 0;
  #committed: Offset;
  /** Up to where the committed log gives a state that may be shown. */
  #target: Offset;
  #isReading = false;
  #isClosed = false;
  /** Grows when the image is replaced: a read that was under way then is thrown away. */
  #generation = 0;
  #proposed: ProposedImage[] = [];
  /** When something was applied last, or became committed when all was applied. */
  #progressMs: number;

  constructor(options: CommittedStateOptions) {
    this.#options = options;
    this.#image = options.image;
    this.#tip = options.image;
    this.#committed = options.image.endOffset;
    this.#target = options.image.endOffset;
    this.#progressMs = options.clock.monotonicMs();
  }

  get image(): MetadataImage {
    return this.#image;
  }

  /** For how long nothing was applied though something is committed; null when all of it is applied. */
  stuckMs(): number | null {
    if (this.#image.endOffset >= this.#target) return null;
    return Math.max(0, this.#options.clock.monotonicMs() - this.#progressMs);
  }

  get appliedOffset(): Offset {
    return this.#image.endOffset;
  }

  /** The leader has computed `image` by replaying what it proposes from `baseOffset` on. */
  remember(baseOffset: Offset, image: MetadataImage, bytes: number): void {
    const last = this.#proposed.at(-1);
    // Between two proposals may stand the core's own control records, which change no image.
    assert(
      last === undefined || last.image.endOffset <= baseOffset,
      'a proposed image begins before the end of the one before',
    );
    this.#proposed.push({ baseOffset, image, bytes });
  }

  /** Leadership is lost or a proposal was refused: what was proposed may never be committed (design 10). */
  forgetProposed(): void {
    this.#proposed = [];
  }

  /** Records below `to` are committed. */
  advance(to: Offset): void {
    assert(to >= this.#committed, `the committed offset went back from ${this.#committed} to ${to}`);
    if (this.#image.endOffset === this.#target) this.#progressMs = this.#options.clock.monotonicMs();
    this.#committed = to;
    this.#raiseTarget();
    if (!this.#isReading) this.#advance();
  }

  /** A snapshot takes the log's place: nothing more is read of it until `replaceBy`. */
  suspend(): void {
    this.#generation++;
    this.#isReading = true;
    this.#proposed = [];
  }

  /** A snapshot was installed. */
  replaceBy(image: MetadataImage): void {
    assert(image.endOffset >= this.#image.endOffset, 'a snapshot must not set the state back');
    if (!this.#accepts(image)) return;
    this.#generation++;
    this.#isReading = false;
    this.#show(image);
    if (image.endOffset > this.#committed) this.#committed = image.endOffset;
    this.#raiseTarget();
    this.#proposed = [];
    this.#options.onApplied(image, 0);
    if (!this.#isReading) this.#advance();
  }

  close(): void {
    this.#isClosed = true;
    this.#generation++;
  }

  /** An image that was loaded counts by itself: of a log that a snapshot has replaced nothing is known any more. */
  #raiseTarget(): void {
    const stable = stableOffset(this.#options.log.transactions, this.#committed);
    this.#target = stable > this.#image.endOffset ? stable : this.#image.endOffset;
  }

  #show(image: MetadataImage): void {
    this.#image = image;
    this.#tip = image;
    this.#tipBytes = 0;
  }

  #advance(): void {
    let bytes = 0;
    for (let taken = this.#takeProposed(); taken !== null; taken = this.#takeProposed()) bytes += taken.bytes;
    if (bytes > 0) {
      this.#progressMs = this.#options.clock.monotonicMs();
      this.#options.onApplied(this.#image, bytes);
    }
    if (this.#image.endOffset < this.#target && !this.#isClosed) this.#readNext();
  }

  /** Moves the pointer over one image that this node, as leader, made itself. */
  #takeProposed(): ProposedImage | null {
    const next = this.#proposed[0];
    if (next === undefined) return null;
    if (next.image.endOffset > this.#target) return null;
    if (next.baseOffset !== this.#image.endOffset || !this.#accepts(next.image)) return null;
    this.#show(next.image);
    this.#proposed.shift();
    return next;
  }

  /** What a finalized feature brings, a node that does not support it would misread: it stops (design 4). */
  #accepts(image: MetadataImage): boolean {
    if (this.#isClosed) return false;
    if (image.feature === this.#image.feature) return true;
    const fault = this.#options.faultOf(image);
    if (fault === null) return true;
    this.close();
    this.#options.onFailed(`the log has ${fault}`);
    return false;
  }

  #readNext(): void {
    this.#isReading = true;
    const generation = this.#generation;
    const { log, onFailed } = this.#options;
    // What this node proposed itself is not read again: only what stands before it.
    const nextProposed = this.#proposed[0]?.baseOffset ?? this.#target;
    const end =
      nextProposed > this.#image.endOffset && nextProposed < this.#target ? nextProposed : this.#target;
    const stretch = nextStretch(log.transactions, this.#tip.endOffset, end);
    log.read(stretch.from, stretch.to, sliceBytesMax, (result) => {
      if (generation !== this.#generation) return;
      if (!result.ok) {
        onFailed(`reading committed records at offset ${stretch.from}: ${result.error.message}`);
        return;
      }
      const batches = result.value;
      runSequence(this.#replay(batches, stretch, generation), (replayed) =>
        this.#replayed(batches, replayed),
      );
    });
  }

  #replayed(batches: readonly LogBatch[], replayed: Replayed): void {
    if (replayed.kind === 'superseded') return;
    const { clock, onFailed, onApplied } = this.#options;
    if (replayed.kind === 'failed') {
      onFailed(replayed.reason);
      return;
    }
    const bytes = batches.reduce((sum, batch) => sum + batch.sizeInBytes, this.#tipBytes);
    this.#progressMs = clock.monotonicMs();
    const generation = this.#generation;
    if (this.#options.log.transactions.around(replayed.image.endOffset) !== null) {
      coverageMark('transaction: replayed by several reads');
      this.#tip = replayed.image;
      this.#tipBytes = bytes;
    } else {
      if (!this.#accepts(replayed.image)) return;
      this.#show(replayed.image);
      onApplied(this.#image, bytes);
    }
    // Messages and timers get their turn between two reads.
    clock.afterPendingEvents(() => {
      if (generation !== this.#generation) return;
      this.#isReading = false;
      this.#advance();
    });
  }

  *#replay(batches: readonly LogBatch[], stretch: Stretch, generation: number): Sequence<Replayed> {
    try {
      return yield* this.#replayAll(batches, stretch, generation);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const reason = `replaying the committed records from offset ${stretch.from} failed: ${message}`;
      return { kind: 'failed', reason };
    }
  }

  /** Of a batch that cannot be read, what was finalized before it may say by name what this node does not know. */
  #recordsOf(batch: LogBatch, imageBefore: () => MetadataImage): readonly MetadataRecord[] {
    try {
      return this.#options.records.replayed(batch);
    } catch (error) {
      const fault = this.#options.faultOf(imageBefore());
      throw fault === null ? error : new Error(`the log has ${fault}`, { cause: error });
    }
  }

  /** Replays whole batches, of which one may hold ten thousand records; nothing is seen of it before its end. */
  *#replayAll(batches: readonly LogBatch[], stretch: Stretch, generation: number): Sequence<Replayed> {
    const slices = new SlicedLoop(this.#options.clock);
    assert(stretch.since === this.#tip.endOffset, 'the replay goes on where it was');
    const builder = createImageBuilder(this.#tip);
    let end = stretch.from;
    let epoch = this.#tip.epoch;
    for (const batch of batches) {
      assert(batch.baseOffset === end, `a gap in the log at offset ${end}`);
      let offset = batch.baseOffset;
      for (const record of this.#recordsOf(batch, () => builder.freeze(end, epoch))) {
        builder.replay(record, { offset, epoch: batch.epoch, timestampMs: batch.appendTimestampMs });
        offset = (offset + 1) as Offset;
        if (slices.isOver) yield* slices.pause();
        if (generation !== this.#generation) return { kind: 'superseded' };
      }
      end = batchEndOffset(batch);
      epoch = batch.epoch;
    }
    return { kind: 'replayed', image: builder.freeze(end, epoch) };
  }
}

type Replayed =
  | { readonly kind: 'replayed'; readonly image: MetadataImage }
  | { readonly kind: 'failed'; readonly reason: string }
  /** A snapshot took the place of what was being replayed, or the node has stopped. */
  | { readonly kind: 'superseded' };
