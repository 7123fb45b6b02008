import { assert } from './assert.ts';

/**
 * A seeded generator. Everything that is decided by chance takes one of these,
 * so that a run is repeated by its seed on every machine and Node version.
 * Integers only: results of Math.log and its like may differ between engines.
 */
export type Random = {
  /** A uniform integer in [0, bound); `bound` is at least 1 and at most 2^32. */
  integer(bound: number): number;
  /** True in `numerator` of `denominator` cases. */
  chance(numerator: number, denominator: number): boolean;
  /** A generator whose future is independent of this one's. */
  fork(): Random;
};

/** Mixes integers to one unsigned 32-bit hash (murmur3's finaliser); the order of arguments matters. */
export function hashIntegers(...values: readonly number[]): number {
  let hash = hashBeginning;
  for (const value of values) hash = absorb(hash, value);
  return hash >>> 0;
}

/** `hashIntegers` of two, without a list of them: for whoever asks for one hash after the other. */
export function hashPair(first: number, second: number): number {
  return absorb(absorb(hashBeginning, first), second) >>> 0;
}

const hashBeginning = 0x9747b28c;

function absorb(hash: number, value: number): number {
  // Offsets and times pass 2^32, so the high half takes part too.
  return mix(mix(hash ^ (value | 0)) ^ Math.trunc(value / 4294967296));
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) + 0x9e3779b9;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): four 32-bit words, integer operations alone. */
export function seededRandom(seed: number): Random {
  let a = hashIntegers(seed, 1);
  let b = hashIntegers(seed, 2);
  let c = hashIntegers(seed, 3);
  let counter = 1;

  const next = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  // The first words still show the seed's pattern.
  for (let round = 0; round < 12; round++) next();

  const integer = (bound: number): number => {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 4294967296, `bad bound ${bound}`);
    // Rejection keeps the result uniform: a plain remainder would favour small values.
    const limit = 4294967296 - (4294967296 % bound);
    for (;;) {
      const value = next();
      if (value < limit) return value % bound;
    }
  };

  return {
    integer,
    chance: (numerator, denominator) => integer(denominator) < numerator,
    fork: () => seededRandom(next()),
  };
}
