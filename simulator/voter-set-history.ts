import type { Voter } from '../src/raft/replica-key.ts';
import type { BatchNode } from './batch-history.ts';

/** A voter set that stands in some log, the batch that brought it, and the set before it there. */
export type VoterSetInLog = {
  readonly voters: readonly Voter[];
  readonly by: BatchNode;
  readonly before: VoterSetInLog | null;
};

/** The voter sets of every log that there ever was, read from the records alone and not from any node's word. */
export class VoterSetHistory {
  readonly #sets = new Map<BatchNode, VoterSetInLog | null>();

  /** The set in force after `tip`; null where the log holds none yet, and the first voters' set is in force. */
  at(tip: BatchNode): VoterSetInLog | null {
    const path: BatchNode[] = [];
    let known: BatchNode | null = tip;
    while (known !== null && !this.#sets.has(known)) {
      path.push(known);
      known = known.parent;
    }
    let set = known === null ? null : (this.#sets.get(known) ?? null);
    for (const batch of path.toReversed()) {
      const record = batch.controlRecords.findLast(({ type }) => type === 'KRaftVoters');
      if (record?.type === 'KRaftVoters') set = { voters: record.voters, by: batch, before: set };
      this.#sets.set(batch, set);
    }
    return set;
  }
}
