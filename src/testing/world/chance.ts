import { hashIntegers, hashPair } from '../../base/random.ts';

/**
 * Chance by hash: what happens to message 7 on a link depends on (seed, link, 7) alone, so taking one
 * event out of a run does not reshuffle all that follows (reference: simulation, "Method").
 */
export class HashedChance {
  #sequence = 0;
  readonly #stream: number;

  constructor(seed: number, ...stream: readonly number[]) {
    this.#stream = hashIntegers(seed, ...stream);
  }

  /** The next unsigned 32-bit value of this stream. */
  next(): number {
    return hashPair(this.#stream, this.#sequence++);
  }

  /** A whole number in [0, bound). The bias is below bound / 2^32, which no simulation can notice. */
  integer(bound: number): number {
    return this.next() % bound;
  }

  oneIn(count: number): boolean {
    return this.next() % count === 0;
  }

  /** True in `perMille` of 1,000 cases. */
  perMille(perMille: number): boolean {
    return this.next() % 1000 < perMille;
  }

  pick(table: readonly number[]): number {
    return table[this.next() % table.length] ?? 0;
  }
}

/**
 * An exponential distribution with mean 1,000 as 32 equally likely integers, because the results of
 * Math.log may differ between engines.
 */
export const exponentialPerMille: readonly number[] = [
  16, 48, 81, 116, 151, 188, 226, 265, 306, 348, 392, 438, 486, 536, 588, 643, 700, 761, 825, 893, 965, 1042,
  1124, 1214, 1311, 1418, 1537, 1670, 1823, 2004, 2260, 4158,
];

/**
 * A delay that is now and then far longer, so that what nobody orders happens in every order: a flush of one
 * file before that of another, the log before the store.
 */
export function spreadDelay(chance: HashedChance, delayUs: number, spread: number): number {
  if (spread === 0) return delayUs;
  return delayUs + Math.floor((delayUs * spread * chance.pick(exponentialPerMille)) / 1000);
}

/**
 * The longest that a slow disk takes for one operation. What is under way when everything is healed still takes
 * its time, and the heal phase must outlast it; a disk that answers nothing for longer is a stalled one.
 */
const slowedDelayMaxUs = 2_000_000;

/** A delay on a disk that is `slowness` times as slow as it should be. */
export function slowedDelay(delayUs: number, slowness: number): number {
  return Math.max(delayUs, Math.min(delayUs * slowness, slowedDelayMaxUs));
}
