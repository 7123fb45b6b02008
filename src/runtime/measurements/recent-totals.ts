/** As Kafka's metrics: what happened in the last half minute. */
const windowMs = 30_000;
const slotMs = 1_000;
const slots = windowMs / slotMs;

/** How often something happened in the last 30 s and what it came to, in slots of one second. */
export class RecentTotals {
  readonly #counts = new Float64Array(slots);
  readonly #sums = new Float64Array(slots);
  /** The second that was written to last, counted from the beginning of the clock. */
  #newest = 0;
  #startedMs: number;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#newest = Math.floor(nowMs / slotMs);
  }

  add(value: number, nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#newest % slots;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sums[at] = (this.#sums[at] ?? 0) + value;
  }

  perSecond(nowMs: number): number {
    this.#advance(nowMs);
    // Shortly after the start there is less than a window to go by, and in the first second nearly nothing.
    const seconds = Math.min(windowMs, Math.max(slotMs, nowMs - this.#startedMs)) / 1_000;
    return total(this.#sums) / seconds;
  }

  /** Null when nothing happened. */
  average(nowMs: number): number | null {
    this.#advance(nowMs);
    const count = total(this.#counts);
    return count === 0 ? null : total(this.#sums) / count;
  }

  /** Slots between then and now hold nothing of this window. */
  #advance(nowMs: number): void {
    const now = Math.floor(nowMs / slotMs);
    for (let second = Math.max(this.#newest + 1, now - slots + 1); second <= now; second++) {
      this.#counts[second % slots] = 0;
      this.#sums[second % slots] = 0;
    }
    this.#newest = Math.max(this.#newest, now);
  }
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
