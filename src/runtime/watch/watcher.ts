import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { LogBatch } from '../../raft/batch.ts';
import { runtimeLimits } from '../limits.ts';
import type { LogReadError, RaftLog } from '../log/raft-log.ts';
import { batchBaseAt } from '../read-log.ts';
import type { BatchRecords } from './batch-records.ts';
import { nextStretch, type Stretch, stableOffset } from '../log/transaction-index.ts';
import { deltasOf } from './delta-of.ts';
import type { KindFilter } from './kind-filter.ts';
import type { RecentDeltas } from './recent-deltas.ts';
import type { WatchDelta, WatchEnd, WatchEvent, WatchListener } from './watch-api.ts';

export type WatcherOptions = {
  readonly listener: WatchListener;
  readonly filter: KindFilter | null;
  /** Where its deltas begin. */
  readonly position: Offset;
  /** What comes before them; null when the state is known. */
  readonly state: Iterator<readonly WatchEvent[], void> | null;
  readonly log: Pick<RaftLog, 'read' | 'chainCrcAt' | 'transactions'>;
  readonly records: BatchRecords;
  readonly recent: RecentDeltas;
  readonly logStartOffset: () => Offset;
  /** It has something to do that takes a turn of its own. */
  readonly onReady: (watcher: Watcher) => void;
  readonly onEnded: (watcher: Watcher) => void;
};

/**
 * One stream: an offset into the committed log, and whether its reader has taken what it was given.
 *
 * Invariants
 * 1. Everything below `position` that was asked for was given to the listener, in the order of the log; nothing
 *    at or above it was, but for the rest of the batch, or of the transaction, that holds the offset where the stream
 *    began. While it is within a transaction its reader is told of no place to resume from but that one's beginning.
 * 2. At most one array of events is with the listener that it has not asked beyond.
 * 3. Nothing is kept for a reader that does not read, but the image of a state that it has not taken whole.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  #position: Offset;
  #state: Iterator<readonly WatchEvent[], void> | null;
  #isWanting = false;
  #isReading = false;
  #isEnded = false;
  /** Something was given since the last tick of the bookmarks' clock. */
  #wasBusy = true;
  #isBookmarkDue = false;
  /** Nothing of the log was given yet: the stream may begin in the middle of a transaction, which is given whole. */
  #isAtBeginning = true;
  /** What the reader was told last of where it stands. */
  #toldPosition: Offset | null;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#state = options.state;
    this.#toldPosition = options.state === null ? options.position : null;
  }

  /** Everything below was given to its reader, or was not asked for. */
  get position(): Offset {
    return this.#position;
  }

  /** Its reader has taken everything, and would take more. */
  get isWanting(): boolean {
    return this.#isWanting && !this.#isReading && !this.#isEnded;
  }

  want(): void {
    if (this.#isEnded) return;
    this.#isWanting = true;
    this.#options.onReady(this);
  }

  /** Once in a while: a reader to which nothing was given meanwhile is told where it stands. */
  tick(): void {
    this.#isBookmarkDue = !this.#wasBusy;
    this.#wasBusy = false;
    if (this.#isBookmarkDue && this.isWanting) this.#options.onReady(this);
  }

  /** Gives the next events, if there are any and they are wanted. */
  pump(): void {
    if (!this.isWanting) return;
    if (this.#state === null) this.#align();
    if (this.#state !== null) this.#giveState(this.#state);
    else if (this.#position < this.#options.recent.start) this.#giveFromLog();
    else this.#giveRecent();
  }

  end(code: WatchEnd['code'], message: string, mayResume = true): void {
    if (this.#isEnded) return;
    const stable = stableOffset(this.#options.log.transactions, this.#position);
    const position = mayResume && this.#state === null ? stable : null;
    this.close();
    const logStartOffset = this.#options.logStartOffset();
    this.#options.listener.ended({ code, message, position, logStartOffset });
  }

  /** Once what holds its place is applied here, so that the log knows where that begins. */
  #align(): void {
    const { log, recent } = this.#options;
    if (!this.#isAtBeginning || this.#position > recent.end) return;
    this.#position = stableOffset(log.transactions, this.#position);
  }

  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#state = null;
    this.#options.onEnded(this);
  }

  #giveState(state: Iterator<readonly WatchEvent[], void>): void {
    const next = state.next();
    if (next.done !== true) {
      if (next.value.length > 0) this.#give(next.value);
      else this.#options.onReady(this);
      return;
    }
    this.#state = null;
    this.#toldPosition = this.#position;
    this.pump();
  }

  #giveRecent(): void {
    const { recent, filter } = this.#options;
    while (this.#position < recent.end) {
      const deltas = recent.take(this.#position, runtimeLimits.watchSliceBytesMax);
      if (this.#advance(deltas, filter)) return;
    }
    if (this.#isBookmarkDue) this.#giveBookmark();
  }

  /** False when nothing that was asked for is among them. */
  #advance(deltas: readonly WatchDelta[], filter: KindFilter | null): boolean {
    const last = deltas.at(-1);
    assert(last !== undefined, 'at least one batch is read');
    assert(last.endOffset > this.#position, 'a stream never goes back');
    this.#position = last.endOffset;
    this.#isAtBeginning = false;
    const wanted = filter === null ? deltas : filter.apply(deltas);
    const lastWanted = wanted.at(-1);
    if (lastWanted === undefined) return false;
    this.#toldPosition = lastWanted.endOffset;
    this.#give(wanted);
    return true;
  }

  #giveBookmark(): void {
    // One that waits for an offset which this node has not reached stands nowhere yet.
    const isAhead = this.#position > this.#options.recent.end;
    const isWithin = this.#options.log.transactions.around(this.#position) !== null;
    const isNews = this.#toldPosition !== this.#position && !isAhead && !isWithin;
    if (isNews) this.#toldPosition = this.#position;
    this.#give([isNews ? { kind: 'bookmark', offset: this.#position } : { kind: 'heartbeat' }]);
  }

  #give(events: readonly WatchEvent[]): void {
    this.#isWanting = false;
    this.#isBookmarkDue = false;
    this.#wasBusy = true;
    this.#options.listener.events(events);
  }

  #giveFromLog(): void {
    const { log, recent, logStartOffset } = this.#options;
    if (this.#position < logStartOffset()) {
      this.#lose();
      return;
    }
    const base = batchBaseAt(log, this.#position, logStartOffset());
    // The log is being replaced: the state that takes its place wakes this one up.
    if (base === null) return;
    coverageMark('watch: catches up from the log');
    this.#isReading = true;
    const stretch = nextStretch(log.transactions, base, recent.start);
    log.read(stretch.from, stretch.to, runtimeLimits.watchSliceBytesMax, (read) => {
      this.#isReading = false;
      if (!this.#isEnded) this.#readFromLog(read, stretch);
    });
  }

  #readFromLog(read: Result<readonly LogBatch[], LogReadError>, stretch: Stretch): void {
    if (!read.ok) {
      if (read.error.code === 'BELOW_LOG_START') this.#lose();
      else if (read.error.code !== 'CANCELLED') this.end('UNKNOWN_SERVER_ERROR', read.error.message);
      return;
    }
    const deltas = this.#decode(read.value, stretch);
    if (!deltas.ok) this.end('UNKNOWN_SERVER_ERROR', deltas.error);
    else if (!this.#advance(deltas.value, this.#options.filter)) this.#options.onReady(this);
  }

  #decode(batches: readonly LogBatch[], stretch: Stretch): Result<readonly WatchDelta[], string> {
    const { log, records } = this.#options;
    try {
      return ok(Array.from(deltasOf(batches, stretch, log.transactions, records), ({ delta }) => delta));
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  #lose(): void {
    coverageMark('watch: its place in the log is gone');
    const begin = this.#options.logStartOffset();
    const message = `The log holds offset ${this.#position} no longer; it begins at ${begin}. Begin again with the state.`;
    this.end('OFFSET_OUT_OF_RANGE', message, false);
  }
}
