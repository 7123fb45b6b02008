import { assert } from '../../base/assert.ts';

/** What waits to travel in a batch. */
export type Batchable = {
  /** What it takes in the body of the batch. */
  readonly bytes: number;
};

/**
 * Invariants
 * 1. `operationsMax` and `bytesMax` are within what the server accepts in one request.
 * 2. `inFlightMax` is small: what comes while so many batches are under way gathers, and the busier the
 *    client is the more travels together.
 */
export type BatchLimits = {
  readonly operationsMax: number;
  readonly bytesMax: number;
  readonly inFlightMax: number;
};

/**
 * What waits for its journey to one endpoint, in order of arrival, and how many batches are under way.
 *
 * Invariants
 * 1. An entry leaves once: with a batch, or because it was withdrawn.
 * 2. A batch holds at least one entry; several only within both limits.
 * 3. At most `inFlightMax` batches are under way, and none waits while fewer are.
 */
export class BatchQueue<Entry extends Batchable> {
  readonly #limits: BatchLimits;
  /** In order of arrival, as sets keep it. */
  readonly #waiting = new Set<Entry>();
  #inFlight = 0;

  constructor(limits: BatchLimits) {
    assert(limits.operationsMax >= 1, 'a batch has room for an operation');
    assert(limits.inFlightMax >= 1, 'a batch may be under way');
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get inFlightCount(): number {
    return this.#inFlight;
  }

  offer(entry: Entry): void {
    assert(!this.#waiting.has(entry), 'an entry was offered while it waits already');
    this.#waiting.add(entry);
  }

  /** True when it had not left: it never will. */
  withdraw(entry: Entry): boolean {
    return this.#waiting.delete(entry);
  }

  /** The next batch, which is under way from here on; null while nothing may leave. */
  take(): readonly Entry[] | null {
    const { operationsMax, bytesMax, inFlightMax } = this.#limits;
    if (this.#waiting.size === 0 || this.#inFlight >= inFlightMax) return null;
    const batch: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#waiting) {
      const fits = batch.length < operationsMax && bytes + entry.bytes <= bytesMax;
      // One that is too large for any batch travels alone.
      if (!fits && batch.length > 0) break;
      batch.push(entry);
      bytes += entry.bytes;
      this.#waiting.delete(entry);
    }
    this.#inFlight += 1;
    return batch;
  }

  /** A batch has come to its end, whatever it was. */
  finished(): void {
    assert(this.#inFlight > 0, 'a batch has ended that was not under way');
    this.#inFlight -= 1;
  }
}
