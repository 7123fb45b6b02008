import type { Uuid } from '../../src/base/brands.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * Under the directory id that it has once told others a node starts for as long as its disk is sound: a voter set
 * names it by that id, and under another it is a stranger to its own cluster.
 */
export function identitySurvivesRestart(cluster: ClusterObservation): Checker {
  const told = new Map<ObservedNode, Uuid>();
  const checker: Checker = {
    name: 'an identity survives a restart',
    source: 'KIP-853, directory ids; design 7, "persists a random directoryId"',
    onSend(node) {
      const { directoryId } = node.key;
      const before = told.get(node);
      if (before === directoryId) return;
      told.set(node, directoryId);
      if (before === undefined || node.isDamaged) return;
      cluster.fail(
        checker,
        `${node.process.name} was ${before} to others and is ${directoryId}, and its disk has done nothing wrong`,
      );
    },
  };
  return checker;
}
