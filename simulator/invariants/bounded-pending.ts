import type { RaftConfig } from '../../src/raft/config.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * More than any run asks for at once: what still waits to happen, in all processes together. A queue that
 * only grows, a timer that is set anew and never taken back, or a message that breeds messages passes it.
 */
const eventsPerNodeMax = 20_000;

/** What a node keeps for later is bounded, whatever its clients and peers do. */
export function boundedPending(cluster: ClusterObservation, raft: RaftConfig): Checker {
  const checker: Checker = {
    name: 'pending state is bounded',
    source: 'design, "Running": admission; style 9',
    afterAnyEvent(node, view) {
      const { pendingProposals } = view;
      if (pendingProposals > raft.pendingProposalsMax) {
        const limit = `of at most ${raft.pendingProposalsMax}`;
        cluster.fail(checker, `${node.process.name} has ${pendingProposals} pending proposals ${limit}`);
      }
      const waiting = cluster.world.scheduler.size;
      if (waiting <= eventsPerNodeMax * cluster.nodes.length) return;
      cluster.fail(checker, `${waiting} events wait to happen`);
    },
  };
  return checker;
}
