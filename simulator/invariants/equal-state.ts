import { hashIntegers } from '../../src/base/random.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';

/** Nodes are compared at one offset in so many, the same ones for all: what has parted goes together again seldom. */
const comparedOneIn = 4;

/** All nodes have the same state at the same offset, in all their lives. */
export function equalState(cluster: ClusterObservation): Checker {
  const digests = new Map<number, { readonly digest: number | string; readonly by: string }>();
  const compared = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'equal state at equal offset',
    source: 'Raft paper, Figure 3, state machine safety',
    afterBoot(node) {
      compared.delete(node);
    },
    afterEvent(node, view) {
      const offset = view.appliedOffset;
      if (compared.get(node) === offset) return;
      compared.set(node, offset);
      const name = node.process.name;
      if (offset > cluster.committed.endOffset) {
        cluster.fail(
          checker,
          `${name} has applied ${offset}, and ${cluster.committed.endOffset} is committed`,
        );
      }
      if (isCompared(offset)) compare(node, view);
    },
    atEnd() {
      for (const node of cluster.nodes) if (node.view !== null) compare(node, node.view);
    },
  };

  function compare(node: ObservedNode, view: NodeView): void {
    const offset = view.appliedOffset;
    const name = node.process.name;
    const known = digests.get(offset);
    if (known === undefined) {
      digests.set(offset, { digest: view.stateDigest, by: name });
    } else if (known.digest !== view.stateDigest) {
      cluster.fail(checker, `at offset ${offset} ${name} has another state than ${known.by}`);
    }
  }
  return checker;
}

/** By the offset's hash: offsets at which batches end are no even sample by themselves. */
function isCompared(offset: number): boolean {
  return hashIntegers(offset) % comparedOneIn === 0;
}
