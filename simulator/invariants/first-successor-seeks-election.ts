import { sameReplica } from '../../src/raft/replica-key.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/** Roles of those who seek to lead, or do. */
const seeking: ReadonlySet<string> = new Set(['prospective', 'candidate', 'leader']);

/**
 * Whom a leader that ends its epoch names first seeks election as soon as it hears of it, whatever it has heard from
 * others of that epoch's end before: a handover costs no election timeout, and ends with whom the leader wanted. The
 * first word counts; a repetition must not disturb an election that has begun. Who may not campaign does not, and
 * nor does one whose log is being replaced.
 */
export function firstSuccessorSeeksElection(cluster: ClusterObservation): Checker {
  const toldEpochs = new WeakMap<ObservedNode, number>();
  const installing = new Set<ObservedNode>();
  const checker: Checker = {
    name: 'the first successor seeks election at once',
    source: 'KIP-595, EndQuorumEpoch; Raft thesis, 3.10, leadership transfer',
    afterBoot(node) {
      toldEpochs.delete(node);
      installing.delete(node);
    },
    onEffects(node, input, effects) {
      if (effects.some(({ type }) => type === 'installSnapshot')) installing.add(node);
      if (input.type === 'snapshotInstalled') installing.delete(node);
      const { view } = node;
      if (input.type !== 'messageReceived' || view === null) return;
      const { message, from } = input;
      if (message.type !== 'endQuorumEpochRequest' || message.leader.id !== from) return;
      if (message.epoch !== view.epoch || toldEpochs.get(node) === view.epoch) return;
      toldEpochs.set(node, view.epoch);
      const [first] = message.preferredSuccessors;
      if (first === undefined || !sameReplica(first, node.key)) return;
      // A shell may hear of the role only as it carries out the effects.
      const role = effects.findLast((effect) => effect.type === 'roleChanged')?.role ?? view.role;
      if (seeking.has(role)) return;
      const isVoter = view.voters.some((voter) => sameReplica(voter, node.key));
      if (!isVoter || view.isRecovering || installing.has(node)) return;
      const what = `${node.process.name} is named first to follow node ${from}, which has ended epoch ${view.epoch}`;
      cluster.fail(checker, `${what}, and is ${role}`);
    },
  };
  return checker;
}
