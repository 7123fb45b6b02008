import type { Voter } from '../../src/raft/replica-key.ts';
import { holds, type Checker, type ClusterObservation } from '../observation.ts';
import type { VoterSetInLog } from '../voter-set-history.ts';

/** What a leader was asked for, by what it then answers. */
type Asked = { readonly voters: readonly Voter[]; readonly by: string };

/**
 * 1. Along every log, committed or not, one voter set differs from the one before by at most one voter, so that
 *    their majorities overlap.
 * 2. None is appended before the one before is committed, nor before its leader has committed a record of its
 *    own epoch: until then a change of an earlier leader could still be committed beside it (Ongaro 2015).
 * 3. A set of which an operator was told that it is in force stands in the committed log.
 */
export function oneVoterChangeAtATime(cluster: ClusterObservation): Checker {
  const judged = new Set<VoterSetInLog>();
  const asked = new Map<string, Asked>();
  const told: Asked[] = [];
  const checker: Checker = {
    name: 'voters change one at a time',
    source: 'Raft thesis, 4.1; Ongaro 2015, raft-dev; KIP-853',
    onEffects({ process }, input, effects) {
      const life = `${process.name}, life ${process.generation}`;
      if (input.type === 'voterChangeRequested') {
        asked.set(`${life}, ${input.requestId}`, { voters: input.voters, by: life });
      }
      for (const effect of effects) {
        if (effect.type !== 'voterChangeAnswered' || effect.error !== null) continue;
        const change = asked.get(`${life}, ${effect.requestId}`);
        if (change !== undefined) told.push(change);
      }
    },
    afterEvent(node) {
      let set = cluster.voterSets.at(node.tip);
      for (; set !== null && !judged.has(set); set = set.before) {
        judged.add(set);
        judge(set);
      }
    },
    atEnd() {
      for (const { voters, by } of told) {
        if (isCommitted(voters)) continue;
        cluster.fail(
          checker,
          `${by} said that the voters ${names(voters)} are in force, and they never were`,
        );
      }
    },
  };

  function judge({ voters, by, before }: VoterSetInLog): void {
    if (before === null) return;
    const changed = countMissing(before.voters, voters) + countMissing(voters, before.voters);
    const where = `the voter set at ${by.baseOffset} of epoch ${by.epoch}`;
    if (changed > 1) cluster.fail(checker, `${where} changes ${changed} voters of the one before`);
    if (!holds(cluster.committed, before.by)) {
      cluster.fail(checker, `${where} is appended, and the one at ${before.by.baseOffset} is not committed`);
    }
    if (cluster.committed.epoch >= by.epoch) return;
    cluster.fail(checker, `${where} is appended, and nothing of that epoch is committed`);
  }

  function isCommitted(voters: readonly Voter[]): boolean {
    let set = cluster.voterSets.at(cluster.committed);
    for (; set !== null; set = set.before) {
      if (set.voters.length === voters.length && countMissing(set.voters, voters) === 0) return true;
    }
    return false;
  }
  return checker;
}

function names(voters: readonly Voter[]): string {
  return voters.map(({ id }) => id).join();
}

function countMissing(wanted: readonly Voter[], present: readonly Voter[]): number {
  return wanted.filter(
    (voter) => !present.some(({ id, directoryId }) => id === voter.id && directoryId === voter.directoryId),
  ).length;
}
