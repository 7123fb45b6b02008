import type { Offset } from '../../base/brands.ts';
import { createImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import type { Clock } from '../../ports/clock.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import { runtimeLimits } from '../limits.ts';
import type { RaftLog } from '../log/raft-log.ts';
import { nextStretch } from '../log/transaction-index.ts';
import { batchBaseAt } from '../read-log.ts';
import { runSequence, type Sequence, wait } from '../sequence.ts';
import { recordsOf } from '../watch/batch-records.ts';
import { SlicedLoop } from '../work-slices.ts';

export type PastImagesOptions = {
  readonly clock: Clock;
  readonly log: Pick<RaftLog, 'read' | 'chainCrcAt' | 'transactions'>;
  readonly image: () => MetadataImage;
  readonly logStartOffset: () => Offset;
};

/** The state at an offset, or why there is none. */
export type PastState =
  | { readonly kind: 'there'; readonly image: MetadataImage }
  | { readonly kind: 'gone'; readonly oldest: Offset; readonly newest: Offset }
  /** A batch, or a transaction, is seen whole or not at all: the state stood at its base and at its end alone. */
  | { readonly kind: 'within'; readonly baseOffset: Offset; readonly endOffset: Offset }
  | { readonly kind: 'busy' }
  /** The disk gives something else than was written: another node's may not. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

type Kept = { readonly image: MetadataImage; readonly keptMs: number };
type Complete = (state: PastState) => void;

/**
 * The recent states of one node (design 12, 21): some images, and between them the log, which is replayed from the
 * image before up to the offset that is asked for. The state at an offset is the same however a node came to it, so
 * that any node which holds it may answer.
 *
 * Invariants
 * 1. The images are `pastImageRecords` records apart at least, in the order of their offsets, and the log holds all
 *    that stands behind the first of them.
 * 2. The first is given up once the second covers `pastRecordsMax` records, or stands for longer than `pastAgeMs`: so
 *    there are at most `pastRecordsMax / pastImageRecords + 2`, and each costs the pages that changed up to the next.
 * 3. One state is made at a time, in slices; those who ask for the same one share it, and the last one is kept.
 */
export class PastImages {
  readonly #options: PastImagesOptions;
  readonly #kept: Kept[] = [];
  readonly #waiting = new Map<Offset, Complete[]>();
  #waitingCount = 0;
  #made: MetadataImage | null = null;
  #isMaking = false;

  constructor(options: PastImagesOptions) {
    this.#options = options;
    this.applied();
  }

  /** Whoever waits for a state that is made. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  get keptCount(): number {
    return this.#kept.length;
  }

  /** The committed state has gone on. */
  applied(): void {
    const { clock, image } = this.#options;
    const newest = image();
    const last = this.#kept.at(-1)?.image.endOffset;
    if (last === undefined || newest.endOffset >= last + runtimeLimits.pastImageRecords) {
      this.#kept.push({ image: newest, keptMs: clock.monotonicMs() });
    }
    this.#forget();
  }

  /** Completes once, perhaps from within this call. */
  find(at: Offset, complete: Complete): void {
    const { image, log, logStartOffset } = this.#options;
    this.#forget();
    const newest = image();
    const exact = this.#imageAt(at);
    if (exact !== null) {
      complete({ kind: 'there', image: exact });
      return;
    }
    const oldest = this.#kept[0]?.image.endOffset ?? newest.endOffset;
    if (at < oldest || at > newest.endOffset) {
      complete({ kind: 'gone', oldest, newest: newest.endOffset });
      return;
    }
    const around = log.transactions.around(at);
    if (around !== null && around.endOffset !== null) {
      complete({ kind: 'within', baseOffset: around.baseOffset, endOffset: around.endOffset });
      return;
    }
    if (log.chainCrcAt(at) === null) {
      complete(this.#within(at, batchBaseAt(log, at, logStartOffset()) ?? oldest));
      return;
    }
    this.#await(at, complete);
  }

  close(): void {
    this.#kept.length = 0;
    this.#made = null;
  }

  #imageAt(at: Offset): MetadataImage | null {
    const newest = this.#options.image();
    if (newest.endOffset === at) return newest;
    if (this.#made?.endOffset === at) return this.#made;
    return this.#kept.find(({ image }) => image.endOffset === at)?.image ?? null;
  }

  #forget(): void {
    const { clock, image, logStartOffset } = this.#options;
    const newest = image().endOffset;
    const agedMs = clock.monotonicMs() - runtimeLimits.pastAgeMs;
    for (let first = this.#kept[0]; first !== undefined; first = this.#kept[0]) {
      const second = this.#kept[1];
      const isReplaced =
        second !== undefined &&
        (second.image.endOffset + runtimeLimits.pastRecordsMax <= newest || second.keptMs <= agedMs);
      if (!isReplaced && first.image.endOffset >= logStartOffset()) break;
      this.#kept.shift();
    }
    const oldest = this.#kept[0]?.image.endOffset ?? newest;
    if (this.#made !== null && this.#made.endOffset < oldest) this.#made = null;
  }

  /** Where the log has neither end of such a batch, a snapshot has replaced it, and the rest of the node follows. */
  #within(at: Offset, baseOffset: Offset): PastState {
    const { log } = this.#options;
    const newest = this.#options.image().endOffset;
    const gone = { kind: 'gone', oldest: newest, newest } as const;
    if (log.chainCrcAt(baseOffset) === null) return gone;
    let endOffset = at;
    while (log.chainCrcAt(endOffset) === null) {
      if (endOffset >= newest) return gone;
      endOffset = (endOffset + 1) as Offset;
    }
    return { kind: 'within', baseOffset, endOffset };
  }

  #await(at: Offset, complete: Complete): void {
    if (this.#waitingCount >= runtimeLimits.pastReadsWaitingMax) {
      complete({ kind: 'busy' });
      return;
    }
    this.#waitingCount++;
    const others = this.#waiting.get(at);
    if (others === undefined) this.#waiting.set(at, [complete]);
    else others.push(complete);
    if (!this.#isMaking) this.#makeNext();
  }

  #makeNext(): void {
    for (const at of this.#waiting.keys()) {
      this.#isMaking = true;
      runSequence(this.#make(at), (state) => {
        const waiting = this.#waiting.get(at) ?? [];
        this.#waiting.delete(at);
        this.#waitingCount -= waiting.length;
        this.#isMaking = false;
        if (state.kind === 'there') this.#made = state.image;
        for (const complete of waiting) complete(state);
        if (!this.#isMaking) this.#makeNext();
      });
      return;
    }
  }

  *#make(at: Offset): Sequence<PastState> {
    const { log, clock, image: newest } = this.#options;
    const base = this.#kept.findLast(({ image }) => image.endOffset <= at);
    const gone = (): PastState => {
      const oldest = this.#kept[0]?.image.endOffset ?? newest().endOffset;
      return { kind: 'gone', oldest, newest: newest().endOffset };
    };
    if (base === undefined) return gone();
    let { image } = base;
    while (image.endOffset < at) {
      const { from, to } = nextStretch(log.transactions, image.endOffset, at);
      const read = yield* wait<Parameters<Parameters<RaftLog['read']>[3]>[0]>((done) =>
        log.read(from, to, runtimeLimits.pastSliceBytes, done),
      );
      if (!read.ok) {
        const isGone = read.error.code === 'BELOW_LOG_START' || read.error.code === 'CANCELLED';
        return isGone ? gone() : { kind: 'unreadable', reason: read.error.message };
      }
      try {
        image = yield* replay(image, read.value, new SlicedLoop(clock));
      } catch (error) {
        return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
      }
    }
    return { kind: 'there', image };
  }
}

function* replay(
  base: MetadataImage,
  batches: readonly LogBatch[],
  slices: SlicedLoop,
): Sequence<MetadataImage> {
  const builder = createImageBuilder(base);
  let end = base.endOffset;
  let { epoch } = base;
  for (const batch of batches) {
    const { appendTimestampMs: timestampMs } = batch;
    epoch = batch.epoch;
    let offset = batch.baseOffset;
    for (const record of recordsOf(base.registry, batch)) {
      builder.replay(record, { offset, epoch, timestampMs });
      offset = (offset + 1) as Offset;
      if (slices.isOver) yield* slices.pause();
    }
    end = batchEndOffset(batch);
  }
  return builder.freeze(end, epoch);
}
