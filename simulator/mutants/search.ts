import { assert } from '../../src/base/assert.ts';

/** Three searches that have nothing in common begin at these seeds. */
export const firstSeeds: readonly number[] = [1_000_001, 2_000_001, 3_000_001];

/** No search goes so far. */
export const seedsBetweenSearches = 1_000_000;

/** The seed that showed a bug. */
export type Catch = {
  readonly seed: number;
  /** What broke. */
  readonly property: string;
  /** How often the run reached the bug's mark; null where it did not live to say. */
  readonly marks: number | null;
};

/** How far a search has come, as data that can be kept. */
export type SearchState = {
  readonly firstSeed: number;
  /** So many seeds from the first one on have been run and show nothing. */
  readonly heldSeeds: number;
  readonly caught: Catch | null;
};

/**
 * One search for a planted bug: seeds in order until the first that shows it. Several processes may take its
 * seeds and answer in any order, and the outcome is the same as if one had run them one after the other.
 */
export class Search {
  readonly #firstSeed: number;
  readonly #endSeed: number;
  #nextSeed: number;
  /** Every seed below has been run and shows nothing. */
  #lowestOpen: number;
  readonly #heldAbove = new Set<number>();
  /** The lowest seed so far that shows the bug. */
  #caught: Catch | null;

  /** Goes on from `state`, through at most `seedsMax` seeds in all. */
  constructor({ firstSeed, heldSeeds, caught }: SearchState, seedsMax: number) {
    assert(seedsMax <= seedsBetweenSearches, 'a search would run into the next one');
    this.#firstSeed = firstSeed;
    this.#endSeed = firstSeed + seedsMax;
    this.#lowestOpen = firstSeed + heldSeeds;
    this.#nextSeed = this.#lowestOpen;
    this.#caught = caught;
  }

  has(seed: number): boolean {
    return seed >= this.#firstSeed && seed < this.#firstSeed + seedsBetweenSearches;
  }

  /** The next seed to run; null when all that matter are taken. */
  take(): number | null {
    if (this.#caught !== null || this.#nextSeed >= this.#endSeed) return null;
    return this.#nextSeed++;
  }

  get takenSeeds(): number {
    return this.#nextSeed - this.#firstSeed;
  }

  holds(seed: number): void {
    this.#heldAbove.add(seed);
    while (this.#heldAbove.delete(this.#lowestOpen)) this.#lowestOpen++;
  }

  breaks(found: Catch): void {
    if (this.#caught === null || found.seed < this.#caught.seed) this.#caught = found;
  }

  /** What it has found shows nothing of the bug: the search goes on behind it. */
  dismiss(): void {
    assert(this.isOver, 'a search is judged when it is over');
    if (this.#caught === null) return;
    this.#lowestOpen = this.#caught.seed + 1;
    // What was run beyond it was not needed then, and is now.
    this.#nextSeed = this.#lowestOpen;
    this.#heldAbove.clear();
    this.#caught = null;
  }

  get isOver(): boolean {
    return this.#lowestOpen >= (this.#caught?.seed ?? this.#endSeed);
  }

  get state(): SearchState {
    return {
      firstSeed: this.#firstSeed,
      heldSeeds: this.#lowestOpen - this.#firstSeed,
      // One below it may yet show the bug.
      caught: this.isOver ? this.#caught : null,
    };
  }
}
