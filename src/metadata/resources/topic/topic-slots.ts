import type { EditToken } from '../../../base/edit-token.ts';

/**
 * Which slot each partition of one topic has, as runs of `[first partition, first slot, length]`. Slots are
 * mostly consecutive, so a topic mostly has one run.
 *
 * Invariants: runs ascend by partition and do not overlap; changed in place only under its own token.
 */
export class TopicSlots {
  readonly owner: EditToken | null;
  #runs: number[];
  #size: number;

  private constructor(owner: EditToken | null, runs: number[], size: number) {
    this.owner = owner;
    this.#runs = runs;
    this.#size = size;
  }

  static empty(owner: EditToken): TopicSlots {
    return new TopicSlots(owner, [], 0);
  }

  get size(): number {
    return this.#size;
  }

  copy(owner: EditToken): TopicSlots {
    return new TopicSlots(owner, this.#runs.slice(), this.#size);
  }

  slotOf(partition: number): number | null {
    const run = this.#runAt(partition);
    if (run < 0) return null;
    const distance = partition - (this.#runs[run] ?? 0);
    return distance < (this.#runs[run + 2] ?? 0) ? (this.#runs[run + 1] ?? 0) + distance : null;
  }

  /** `[partition, slot]` in order of partitions, from the first that is at least `from`. */
  *entriesFrom(from: number): Generator<readonly [number, number], void, undefined> {
    for (let run = Math.max(0, this.#runAt(from)); run < this.#runs.length; run += 3) {
      const first = this.#runs[run] ?? 0;
      const slot = this.#runs[run + 1] ?? 0;
      const length = this.#runs[run + 2] ?? 0;
      for (let at = Math.max(0, from - first); at < length; at++) yield [first + at, slot + at];
    }
  }

  /** The partition must not be there yet. */
  add(partition: number, slot: number): void {
    const runs = this.#runs;
    this.#size++;
    if (runs.length === 0) {
      // Not by `splice`, which leaves room for many more runs than most topics ever have.
      this.#runs = [partition, slot, 1];
      return;
    }
    const before = this.#runAt(partition);
    if (before >= 0) {
      const length = runs[before + 2] ?? 0;
      if ((runs[before] ?? 0) + length === partition && (runs[before + 1] ?? 0) + length === slot) {
        runs[before + 2] = length + 1;
        return;
      }
    }
    runs.splice(before < 0 ? 0 : before + 3, 0, partition, slot, 1);
  }

  /** Those from `from` on are there no more. */
  removeFrom(from: number): void {
    const runs = this.#runs;
    for (let last = runs.length - 3; last >= 0; last -= 3) {
      const length = runs[last + 2] ?? 0;
      const kept = Math.min(length, Math.max(0, from - (runs[last] ?? 0)));
      this.#size -= length - kept;
      if (kept > 0) {
        runs[last + 2] = kept;
        return;
      }
      runs.length = last;
    }
  }

  /** Index of the last run that begins at or before `partition`; negative when there is none. */
  #runAt(partition: number): number {
    let low = -1;
    let high = this.#runs.length / 3 - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#runs[middle * 3] ?? 0) <= partition) low = middle;
      else high = middle - 1;
    }
    return low * 3;
  }
}
