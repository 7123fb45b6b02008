import type { Offset } from '../base/brands.ts';
import type { VersionRange, Voter } from './replica-key.ts';

/** The version of the Raft protocol that allows voter sets in the log (KIP-853). */
export const kraftVersionOfVoterSets = 1;

/** Whether every voter understands `version`: only then may it be in force (KIP-853). */
export function allUnderstand(voters: readonly Voter[], version: number): boolean {
  return voters.every((voter) => understands(voter.kraftVersions, version));
}

export function understands({ min, max }: VersionRange, version: number): boolean {
  return min <= version && version <= max;
}

/**
 * The protocol version in force, by offset, like the voter sets: a record counts when it is appended,
 * and truncation takes it back.
 */
export class KRaftVersion {
  #base: number;
  #records: { readonly offset: Offset; readonly kraftVersion: number }[] = [];

  /**
   * @param recordOffset where in the log the recovered version's record stands; null when it is below the
   *   log's start or was never written.
   */
  constructor(recovered: number, recordOffset: Offset | null) {
    this.#base = recordOffset === null ? recovered : 0;
    if (recordOffset !== null) this.append(recordOffset, recovered);
  }

  get current(): number {
    return this.#records[this.#records.length - 1]?.kraftVersion ?? this.#base;
  }

  /** The version in force at the end of what lies below `offset`. */
  before(offset: Offset): number {
    return this.#records.findLast((record) => record.offset < offset)?.kraftVersion ?? this.#base;
  }

  append(offset: Offset, kraftVersion: number): void {
    this.#records.push({ offset, kraftVersion });
  }

  truncate(to: Offset): void {
    while ((this.#records[this.#records.length - 1]?.offset ?? -1) >= to) this.#records.pop();
  }

  startAt(logStartOffset: Offset): void {
    for (let first = this.#records[0]; first !== undefined; first = this.#records[0]) {
      if (first.offset >= logStartOffset) return;
      this.#base = first.kraftVersion;
      this.#records.shift();
    }
  }

  resetTo(kraftVersion: number): void {
    this.#base = kraftVersion;
    this.#records = [];
  }
}
