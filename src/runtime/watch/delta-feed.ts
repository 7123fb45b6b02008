import { offset, type Offset } from '../../base/brands.ts';
import type { Result } from '../../base/result.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogBatch } from '../../raft/batch.ts';
import { runtimeLimits } from '../limits.ts';
import type { LogReadError, RaftLog } from '../log/raft-log.ts';
import type { BatchRecords } from './batch-records.ts';
import { nextStretch, type Stretch } from '../log/transaction-index.ts';
import { deltasOf } from './delta-of.ts';
import { RecentDeltas } from './recent-deltas.ts';

export type DeltaFeedOptions = {
  readonly clock: Clock;
  readonly log: Pick<RaftLog, 'read' | 'transactions'>;
  readonly records: BatchRecords;
  readonly recentBytesMax: number;
  readonly appliedOffset: () => Offset;
  readonly onGrown: () => void;
};

/**
 * Keeps the recent deltas up to what is applied: committed batches are read from the log, where the newest are
 * in memory, and decoded once for all who watch, a slice of them in each turn of the event loop.
 */
export class DeltaFeed {
  readonly recent: RecentDeltas;
  readonly #options: DeltaFeedOptions;
  /** Grows whenever what is under way is of no use any more. */
  #generation = 0;
  #isFilling = false;

  constructor(options: DeltaFeedOptions) {
    this.#options = options;
    this.recent = new RecentDeltas(offset(0), options.recentBytesMax);
  }

  /** Somebody watches: from here on deltas are kept. */
  beginAt(at: Offset): void {
    this.stop();
    this.recent.reset(at);
  }

  stop(): void {
    this.#generation++;
    this.#isFilling = false;
    this.recent.reset(this.recent.end);
  }

  fill(): void {
    const to = this.#options.appliedOffset();
    if (this.#isFilling || this.recent.end >= to) return;
    this.#isFilling = true;
    const generation = this.#generation;
    const { log } = this.#options;
    const stretch = nextStretch(log.transactions, this.recent.end, to);
    log.read(stretch.from, stretch.to, runtimeLimits.watchSliceBytesMax, (read) => {
      if (generation !== this.#generation) return;
      this.#isFilling = false;
      this.#take(read, stretch);
      this.#options.onGrown();
      if (this.recent.end < this.#options.appliedOffset()) this.#fillLater(generation);
    });
  }

  #fillLater(generation: number): void {
    this.#options.clock.afterPendingEvents(() => {
      if (generation === this.#generation) this.fill();
    });
  }

  /**
   * Where the log does not hold what comes next, a snapshot has taken its place: the deltas begin again where
   * the state stands now. Nobody skips anything by that, because whoever stands before looks into the log.
   */
  #take(read: Result<readonly LogBatch[], LogReadError>, stretch: Stretch): void {
    if (!read.ok || !this.#addAll(read.value, stretch)) this.recent.reset(this.#options.appliedOffset());
  }

  /** False when a batch cannot be read. */
  #addAll(batches: readonly LogBatch[], stretch: Stretch): boolean {
    const { log, records } = this.#options;
    try {
      for (const { delta, bytes } of deltasOf(batches, stretch, log.transactions, records)) {
        this.recent.add(delta, bytes);
      }
      return true;
    } catch {
      // Whoever stands there reads it from the log, and is told why it cannot be read.
      return false;
    }
  }
}
