import type { Epoch, NodeId } from '../base/brands.ts';
import { type CoreState, isVoter } from './core-state.ts';
import { epochJumpMax } from './limits.ts';

/**
 * Whether a peer's epoch is believed. Raft believes every higher epoch (Raft paper, 5.1), and one wrong
 * message with the largest of all would leave none to campaign in, for ever.
 *
 * 1. Up to `epochJumpMax` ahead every epoch is believed, whoever names it.
 * 2. A new observer, as which nobody has a vote, may come to a cluster of any age.
 * 3. Further ahead an epoch is believed once a majority of the voters in force has named one so far ahead:
 *    a quorum that runs there is where this node belongs, however long it was away, and no single peer can
 *    take it there alone. What each names is remembered, so that their words need not come together; they
 *    come by themselves, as answers to the fetches and pre-votes of a node that finds no leader.
 *
 * A node whose voters have all been replaced while it was away hears none of them and stays where it is: its
 * data directory is of no use to the cluster any more, and it comes back as an observer with a new one.
 */
export function isBelievable(core: CoreState, from: NodeId, epoch: Epoch): boolean {
  const believedMax = core.quorum.epoch + epochJumpMax;
  if (epoch <= believedMax) return true;
  if (core.quorum.epoch === 0 && !isVoter(core)) return true;
  const others = core.voterSets.voters.filter((voter) => voter.id !== core.local.id);
  if (!others.some((voter) => voter.id === from)) return false;
  core.distantEpochs.set(from, epoch);
  const named = others.map((voter) => core.distantEpochs.get(voter.id) ?? 0);
  named.sort((left, right) => right - left);
  // Of two voters the other one is all there is to ask.
  const needed = Math.min(core.voterSets.majority, others.length);
  const agreed = named[needed - 1] ?? 0;
  return agreed > believedMax && epoch <= agreed + epochJumpMax;
}
