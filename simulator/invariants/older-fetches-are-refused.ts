import type { NodeId } from '../../src/base/brands.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * A fetch of an older epoch is refused and acknowledges nothing: since it was sent, its replica may have
 * truncated what it names.
 */
export function olderFetchesAreRefused(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'a fetch of an older epoch is refused',
    source: 'Raft paper, 5.1, stale terms; KIP-595, FENCED_LEADER_EPOCH',
    onEffects(node, input, effects) {
      if (input.type !== 'messageReceived' || node.view === null) return;
      const { message, from } = input;
      if (message.type !== 'fetchRequest' && message.type !== 'fetchSnapshotRequest') return;
      if (message.epoch >= node.view.epoch || !effects.some((effect) => serves(effect, from))) return;
      const what = `serves a ${message.type} of epoch ${message.epoch} from node ${from}`;
      cluster.fail(checker, `${node.process.name} ${what} in epoch ${node.view.epoch}`);
    },
  };
  return checker;
}

function serves(effect: Effect, from: NodeId): boolean {
  switch (effect.type) {
    case 'highWatermarkAdvanced':
      return true;
    case 'sendLogRange':
    case 'sendSnapshotChunk':
      return effect.to === from;
    case 'sendMessage':
      return effect.message.type === 'fetchResponse' && effect.message.outcome.kind !== 'refused';
    default:
      return false;
  }
}
