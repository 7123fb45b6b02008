import { assert } from '../base/assert.ts';
import type { Offset } from '../base/brands.ts';
import type { VoterSetAt } from './config.ts';
import { type ReplicaKey, sameReplica, type Voter } from './replica-key.ts';

/**
 * The voter sets of the log, by offset (KIP-853). A set is in force from the moment its record is
 * appended; truncating that record brings back the set before it (Raft thesis, 4.1).
 *
 * Invariants
 * 1. Offsets ascend; the first set is the one in force at the log's start and is never truncated.
 * 2. Ids within a set are unique.
 */
export class VoterSets {
  #base: VoterSetAt;
  #records: VoterSetAt[];

  constructor(recovered: readonly VoterSetAt[]) {
    const [base, ...records] = recovered;
    this.#base = base ?? { offset: 0 as Offset, voters: [] };
    this.#records = records;
    for (const set of recovered) assert(hasUniqueIds(set.voters), 'a voter set names an id twice');
  }

  get current(): VoterSetAt {
    return this.#records[this.#records.length - 1] ?? this.#base;
  }

  get voters(): readonly Voter[] {
    return this.current.voters;
  }

  /** How many voters make a majority of the set in force. */
  get majority(): number {
    return Math.trunc(this.voters.length / 2) + 1;
  }

  /** By the whole key: a controller that came back with another disk is a stranger (KIP-853). */
  isVoter(key: ReplicaKey): boolean {
    return this.voters.some((voter) => sameReplica(voter, key));
  }

  /**
   * Whether `key` may seek election: as a voter of the set in force, or of the one before while the set in
   * force is not known to be committed. The second is needed: a leader that removes itself may be the only
   * one whose log lets the others commit that (Raft thesis, 4.2.2).
   */
  mayCampaign(key: ReplicaKey, highWatermark: Offset): boolean {
    if (this.isVoter(key)) return true;
    if (!this.isUncommitted(highWatermark)) return false;
    const before = this.#records[this.#records.length - 2] ?? this.#base;
    return before.voters.some((voter) => sameReplica(voter, key));
  }

  /** The record that holds the set in force is not known to be committed. */
  isUncommitted(highWatermark: Offset): boolean {
    const last = this.#records[this.#records.length - 1];
    return last !== undefined && last.offset >= highWatermark;
  }

  /** How many sets above the high watermark there are; a leader allows itself one (KIP-853). */
  countUncommitted(highWatermark: Offset): number {
    let count = 0;
    for (const record of this.#records) if (record.offset >= highWatermark) count += 1;
    return count;
  }

  append(offset: Offset, voters: readonly Voter[]): void {
    assert(hasUniqueIds(voters), 'a voter set names an id twice');
    assert(offset >= this.current.offset, `a voter set at ${offset} does not continue the log`);
    this.#records.push({ offset, voters });
  }

  truncate(to: Offset): void {
    while ((this.#records[this.#records.length - 1]?.offset ?? -1) >= to) this.#records.pop();
  }

  /** Sets below the log's new start are forgotten, but for the one in force there. */
  startAt(logStartOffset: Offset): void {
    for (let first = this.#records[0]; first !== undefined; first = this.#records[0]) {
      if (first.offset >= logStartOffset) return;
      this.#base = first;
      this.#records.shift();
    }
  }

  resetTo(set: VoterSetAt): void {
    assert(hasUniqueIds(set.voters), 'a voter set names an id twice');
    this.#base = set;
    this.#records = [];
  }
}

export function hasUniqueIds(voters: readonly ReplicaKey[]): boolean {
  return new Set(voters.map((voter) => voter.id)).size === voters.length;
}

/**
 * The largest value that a majority has reached, given what each voter has reached
 * (Raft paper, Figure 2: "a majority of matchIndex[i] >= N"). `values` is put in order on the way.
 */
export function reachedByMajority(values: number[]): number {
  values.sort((left, right) => right - left);
  const reached = values[Math.trunc(values.length / 2)];
  assert(reached !== undefined, 'nobody votes');
  return reached;
}
