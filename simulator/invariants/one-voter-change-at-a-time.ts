import type { Voter } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../batch-history.ts';
import { holds, type Checker, type ClusterObservation } from '../observation.ts';

/** The set in force after a batch, and the batch that brought it. */
type VoterSet = { readonly voters: readonly Voter[]; readonly by: BatchNode };

/**
 * Along every log, committed or not, one voter set differs from the one before by at most one voter, so
 * that their majorities overlap; and none is appended before the one before is committed.
 */
export function oneVoterChangeAtATime(cluster: ClusterObservation): Checker {
  const sets = new Map<BatchNode, VoterSet | null>([[cluster.history.root, null]]);
  const checker: Checker = {
    name: 'voters change one at a time',
    source: 'Raft thesis, 4.1; Ongaro 2015, raft-dev; KIP-853',
    afterEvent(node) {
      if (sets.has(node.tip)) return;
      const path: BatchNode[] = [];
      for (let at: BatchNode | null = node.tip; at !== null && !sets.has(at); at = at.parent) path.push(at);
      for (const batch of path.toReversed()) judge(batch);
    },
  };

  function judge(batch: BatchNode): void {
    const before = batch.parent === null ? null : (sets.get(batch.parent) ?? null);
    const record = batch.controlRecords.findLast(({ type }) => type === 'KRaftVoters');
    if (record?.type !== 'KRaftVoters') {
      sets.set(batch, before);
      return;
    }
    sets.set(batch, { voters: record.voters, by: batch });
    if (before === null) return;
    const changed = countMissing(before.voters, record.voters) + countMissing(record.voters, before.voters);
    const where = `the voter set at ${batch.baseOffset} of epoch ${batch.epoch}`;
    if (changed > 1) cluster.fail(checker, `${where} changes ${changed} voters of the one before`);
    if (holds(cluster.committed, before.by)) return;
    cluster.fail(checker, `${where} is appended, and the one at ${before.by.baseOffset} is not committed`);
  }
  return checker;
}

function countMissing(wanted: readonly Voter[], present: readonly Voter[]): number {
  return wanted.filter(
    (voter) => !present.some(({ id, directoryId }) => id === voter.id && directoryId === voter.directoryId),
  ).length;
}
