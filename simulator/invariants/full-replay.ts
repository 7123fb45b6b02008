import { imageDigest } from '../../src/metadata/image.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';
import { sampling } from './sampling.ts';

/**
 * A node's state equals the replay of the whole log up to the same offset, however the node came to it:
 * from its checkpoint and the log behind it, from a snapshot of its leader, or record by record. Looked at
 * where a checkpoint has been loaded or installed, and otherwise in a sample.
 */
export function fullReplay(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const applied = new Map<ObservedNode, number>();
  const logStarts = new Map<ObservedNode, number>();
  const isSampled = sampling();
  const checker: Checker = {
    name: 'checkpoint and suffix equal full replay',
    source: 'design 9, 12, 18; KIP-630; etcd 13766',
    afterBoot(node) {
      applied.delete(node);
      logStarts.delete(node);
      if (node.view !== null) compare(node, node.view);
    },
    afterEvent(node, view) {
      const offset = view.appliedOffset;
      if (applied.get(node) === offset) return;
      applied.set(node, offset);
      const start = view.logStart.endOffset;
      const isInstalled = logStarts.get(node) !== start;
      logStarts.set(node, start);
      if (isInstalled || isSampled()) compare(node, view);
    },
    atEnd() {
      for (const node of cluster.nodes) if (node.view !== null) compare(node, node.view);
    },
  };

  function compare(node: ObservedNode, view: NodeView): void {
    if (view.image === null) return;
    const { endOffset } = view.image;
    const expected = witness.imageAt(endOffset);
    if (expected === null || imageDigest(expected) === imageDigest(view.image)) return;
    cluster.fail(checker, `${node.process.name} has another state at ${endOffset} than the whole log gives`);
  }
  return checker;
}
