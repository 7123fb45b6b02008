import { batchEndOffset } from '../../src/raft/batch.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Voter } from '../../src/raft/replica-key.ts';
import { sameValue } from '../same-value.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';
import type { VoterSetInLog } from '../voter-set-history.ts';

/** What was compared last, so that only what is new is compared. */
type Compared = { readonly voters: readonly Voter[]; readonly inLog: VoterSetInLog | null };

/**
 * A node follows the voter set that its log holds last, committed or not: a set takes effect when it is appended,
 * truncation brings back the one before, and a snapshot brings the one that was in force at its end.
 *
 * From the moment at which a snapshot is to be installed to the one at which the core is told that it is, the log
 * may already begin behind it: that time is left out.
 */
export function votersAreThoseOfTheLog(cluster: ClusterObservation): Checker {
  const installing = new Set<ObservedNode>();
  const stepped = new Set<ObservedNode>();
  /** Where the log ends once it has taken what the core has appended and truncated. */
  const ends = new Map<ObservedNode, number>();
  const compared = new Map<ObservedNode, Compared>();
  const checker: Checker = {
    name: 'the voters are those of the log',
    source: 'KIP-853; Raft thesis, 4.1; design 6',
    afterBoot(node) {
      installing.delete(node);
      ends.delete(node);
      compared.delete(node);
      if (node.view !== null) compare(node, node.view);
    },
    onEffects(node, input, effects) {
      stepped.add(node);
      if (input.type === 'snapshotInstalled') {
        installing.delete(node);
        ends.delete(node);
      }
      for (const effect of effects) {
        if (effect.type === 'installSnapshot') installing.add(node);
        const end = endAfter(effect);
        if (end !== null) ends.set(node, end);
      }
    },
    // Who watches may be told of something in the midst of an event, when the core has appended and the log has not.
    afterAnyEvent(node, view) {
      if (view.logEndOffset !== (ends.get(node) ?? view.logEndOffset)) return;
      if (!stepped.delete(node) || installing.has(node)) return;
      cluster.settle(node);
      compare(node, view);
    },
  };

  function compare(node: ObservedNode, { voters }: NodeView): void {
    const inLog = cluster.voterSets.at(node.tip);
    const last = compared.get(node);
    if (last?.voters === voters && last.inLog === inLog) return;
    compared.set(node, { voters, inLog });
    // The log of a cluster that is being born holds none, and its first voters are those of its descriptor.
    if (inLog === null || sameValue(voters, inLog.voters)) return;
    const wanted = `its log of ${node.tip.endOffset} records has ${named(inLog.voters)}, from ${inLog.by.baseOffset}`;
    cluster.fail(checker, `${node.process.name} has the voters ${named(voters)}, and ${wanted}`);
  }
  return checker;
}

/** Null for an effect that does not change where the log ends. */
function endAfter(effect: Effect): number | null {
  if (effect.type === 'truncateLog') return effect.to;
  const last = effect.type === 'appendBatches' ? effect.batches.at(-1) : undefined;
  return last === undefined ? null : batchEndOffset(last);
}

function named(voters: readonly Voter[]): string {
  return voters.map(({ id, directoryId }) => `${id} (${directoryId})`).join(', ');
}
