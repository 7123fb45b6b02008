import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * A disk that did what disks promise is never taken for a corrupt one: whatever crashes, lost power, failed
 * flushes and full disks leave behind, a node finds in it a whole log, or a torn tail. A node that becomes
 * `recovering` without damage has lost something that it was to keep, or throws away a vote for nothing.
 */
export function onlyDamagedNodesRecover(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'only a damaged disk makes a node recover',
    source: 'Protocol-Aware Recovery (Alagappan and others, FAST 18): a crash is no corruption; design 19',
    afterBoot(node) {
      if (node.isDamaged || node.view?.isRecovering !== true) return;
      cluster.fail(checker, `${node.process.name} is recovering, and its disk has done nothing wrong`);
    },
  };
  return checker;
}
