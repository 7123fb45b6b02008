/** Counts of what was observed, as it is read: plain values, that may go to another thread. */
export type HistogramSnapshot = {
  /** Upper bounds, ascending, each inclusive. */
  readonly bounds: readonly number[];
  /** For each bound what was observed at or below it and above the one before; then what was above all. */
  readonly counts: readonly number[];
  readonly sum: number;
};

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.#bounds.length : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  snapshot(): HistogramSnapshot {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
