import {
  holds,
  type Checker,
  type ClusterObservation,
  type DurableState,
  type ObservedNode,
} from '../observation.ts';
import { sameReplica, type ReplicaKey } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../batch-history.ts';
import { sampling } from './sampling.ts';

/**
 * What is called committed stands on the disks of a majority of the voters: a sample of commits is compared
 * with the bytes on the simulated disks, the others with what was flushed.
 */
export function majorityOnDisk(cluster: ClusterObservation): Checker {
  const isSampled = sampling();
  const checker: Checker = {
    name: 'a majority holds what is committed',
    source: "design, 'Safety rules'; Raft paper, 5.3; KIP-595",
    onCommitted(batch, by) {
      // By its log: a leader that goes by another set than the one in force would say so of itself, too.
      const voters = cluster.voterSets.at(by.tip)?.voters ?? by.view?.voters ?? [];
      const holders = cluster.nodes.filter((node) => hasHeld(node, batch, voters));
      if (2 * holders.length <= voters.length) {
        const names = holders.map((node) => node.process.name).join(', ');
        const what = `batch ${batch.baseOffset} of epoch ${batch.epoch}`;
        cluster.fail(
          checker,
          `${by.process.name} calls ${what} committed, and only [${names}] hold it on disk`,
        );
      }
      if (isSampled()) for (const node of holders) checkDisk(node, batch);
    },
  };

  function checkDisk(node: ObservedNode, batch: BatchNode): void {
    // Bit rot after the flush is the disk's doing, and what the node does then is another property.
    if (node.isDamaged) return;
    const durable = cluster.readDurable(node);
    if (holdsDurably(durable, batch)) return;
    const found = `its disk has the log up to ${durable.logEndOffset}`;
    cluster.fail(checker, `${node.process.name} said to have flushed ${batch.endOffset}, and ${found}`);
  }
  return checker;
}

/** On disk now, or before its disk was damaged: an acknowledgement may still be under way. */
function hasHeld(node: ObservedNode, batch: BatchNode, voters: readonly ReplicaKey[]): boolean {
  if (!voters.some((voter) => voter.id === node.id)) return false;
  if (node.lostTip !== null && holds(node.lostTip, batch)) return true;
  return voters.some((voter) => sameReplica(voter, node.key)) && holds(node.durableTip, batch);
}

function holdsDurably(durable: DurableState, batch: BatchNode): boolean {
  // A checkpoint that lies further on holds it, too.
  if (durable.snapshotEndOffset >= batch.endOffset) return true;
  return durable.logEndOffset >= batch.endOffset && durable.chainCrcAt(batch.endOffset) === batch.chainCrc;
}
