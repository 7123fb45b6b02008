import type { Clock, Timer } from '../../ports/clock.ts';

/** Deadlines within one such span are looked at together, so that a request costs no timer of its own. */
const bucketMs = 50;

/**
 * Many deadlines over one timer. An entry's `expire` runs at its deadline or up to one bucket later,
 * unless it was removed before.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Expiring>>();
  #timer: Timer | null = null;
  #timerBucket = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns what removes the entry again. */
  add(delayMs: number, entry: Expiring): () => void {
    if (this.#isClosed) return () => {};
    const bucket = Math.ceil((this.#clock.monotonicMs() + delayMs) / bucketMs);
    let entries = this.#buckets.get(bucket);
    if (entries === undefined) {
      entries = new Set();
      this.#buckets.set(bucket, entries);
      if (bucket < this.#timerBucket) this.#schedule(bucket);
    }
    entries.add(entry);
    return () => {
      entries.delete(entry);
      // Almost every request is answered in time: nobody is to be woken for a bucket that has become empty.
      if (entries.size === 0 && this.#buckets.get(bucket) === entries) this.#buckets.delete(bucket);
    };
  }

  /** The node stops and has answered whatever waits: no deadline counts any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#buckets.clear();
  }

  #schedule(bucket: number): void {
    this.#timer?.cancel();
    this.#timerBucket = bucket;
    const delayMs = Math.max(0, bucket * bucketMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.setTimer(delayMs, () => this.#expireDue());
  }

  #expireDue(): void {
    this.#timer = null;
    const nowBucket = this.#clock.monotonicMs() / bucketMs;
    for (const [bucket, entries] of this.#buckets) {
      if (bucket > nowBucket) continue;
      this.#buckets.delete(bucket);
      for (const entry of entries) entry.expire();
    }
    // Looked for only now, since whoever expires may have added another.
    this.#timerBucket = Number.POSITIVE_INFINITY;
    const next = Math.min(...this.#buckets.keys());
    if (next !== Number.POSITIVE_INFINITY) this.#schedule(next);
  }
}

export type Expiring = { expire(): void };
