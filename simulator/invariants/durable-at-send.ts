import type { NodeId } from '../../src/base/brands.ts';
import type { FetchRequest, VoteRequest, VoteResponse } from '../../src/raft/messages.ts';
import { sameReplica } from '../../src/raft/replica-key.ts';
import { readDurableQuorumState } from '../durable-state.ts';
import { sampling } from './sampling.ts';
import { ancestorAt, type Checker, type ClusterObservation, type ObservedNode } from '../observation.ts';

/**
 * Whatever a message promises is on its sender's disk when it is sent: its epoch, the vote it grants or asks for,
 * the records it acknowledges. A sample of acknowledgements is compared with the bytes on the disk, the
 * others with what was flushed.
 */
export function durableAtSend(cluster: ClusterObservation): Checker {
  const acknowledged = new Map<ObservedNode, number>();
  /** The epoch that was last found on each disk in the present life of its node. */
  const durableEpochs = new Map<ObservedNode, number>();
  const isSampled = sampling();
  const checker: Checker = {
    name: 'durable at send',
    source: 'Raft paper, Figure 2, "updated on stable storage before responding"; design 17',
    afterBoot(node) {
      acknowledged.delete(node);
      durableEpochs.delete(node);
    },
    onSend(node, to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      checkEpoch(node, message.epoch);
      if (message.type === 'voteResponse') checkVote(node, to, message);
      else if (message.type === 'voteRequest') checkCandidacy(node, message);
      else if (message.type === 'fetchRequest') checkAcknowledgement(node, message);
    },
  };

  /** A voter that forgets an epoch could vote again in those below it. */
  function checkEpoch(node: ObservedNode, epoch: number): void {
    if ((durableEpochs.get(node) ?? 0) >= epoch) return;
    if (!cluster.votersInLogOf(node).some((voter) => sameReplica(voter, node.key))) return;
    const durable = readDurableQuorumState(node.disk)?.epoch ?? 0;
    if (durable < epoch) {
      cluster.fail(checker, `${node.process.name} speaks in epoch ${epoch}, and its disk says ${durable}`);
    }
    durableEpochs.set(node, durable);
  }

  function checkVote(node: ObservedNode, to: NodeId, response: VoteResponse): void {
    if (!response.voteGranted || response.preVote) return;
    const durable = readDurableQuorumState(node.disk);
    const name = node.process.name;
    if (durable === null)
      return cluster.fail(checker, `${name} grants a vote without a quorum state on disk`);
    if (durable.epoch > response.epoch) return;
    const isKept = durable.epoch === response.epoch && durable.voted?.id === to;
    if (isKept) return;
    const onDisk = `its disk says epoch ${durable.epoch}, voted ${durable.voted?.id ?? 'none'}`;
    cluster.fail(checker, `${name} votes for ${to} in epoch ${response.epoch}, and ${onDisk}`);
  }

  function checkCandidacy(node: ObservedNode, request: VoteRequest): void {
    if (request.preVote) return;
    const durable = readDurableQuorumState(node.disk);
    if (durable !== null && durable.epoch > request.epoch) return;
    const voted = durable?.voted ?? null;
    const isKept = durable?.epoch === request.epoch && voted !== null && sameReplica(voted, node.key);
    if (isKept) return;
    const what = `asks for votes in epoch ${request.epoch} before its own vote is on disk`;
    cluster.fail(checker, `${node.process.name} ${what}`);
  }

  function checkAcknowledgement(node: ObservedNode, request: FetchRequest): void {
    const flushed = request.flushedOffset;
    if (flushed === acknowledged.get(node)) return;
    acknowledged.set(node, flushed);
    cluster.settle(node);
    const name = node.process.name;
    if (flushed > node.durableTip.endOffset) {
      cluster.fail(checker, `${name} acknowledges ${flushed} and has flushed ${node.durableTip.endOffset}`);
    }
    if (node.isDamaged || !isSampled()) return;
    const durable = cluster.readDurable(node);
    if (durable.snapshotEndOffset >= flushed) return;
    const expected = ancestorAt(node.durableTip, flushed);
    if (durable.logEndOffset >= flushed && durable.chainCrcAt(expected.endOffset) === expected.chainCrc)
      return;
    const found = `its disk has another log, up to ${durable.logEndOffset}`;
    cluster.fail(checker, `${name} acknowledges ${flushed}, and ${found}`);
  }
  return checker;
}
