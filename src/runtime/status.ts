import type { NodeId, Offset, Uuid } from '../base/brands.ts';
import type { RaftCore } from '../raft/core.ts';
import type { NodeStatus } from './controller-api.ts';

export type StatusFacts = {
  readonly core: RaftCore;
  readonly nodeId: NodeId;
  readonly directoryId: Uuid;
  readonly clusterId: Uuid;
  readonly isStopped: boolean;
  readonly isActive: boolean;
  readonly leaderHighWatermark: Offset | null;
  readonly appliedOffset: Offset;
  readonly latestSnapshotOffset: Offset | null;
  readonly snapshotChunksReceived: number;
  readonly lowOnSpace: boolean;
  readonly brokerSessionTimeoutMs: number;
  readonly oldestWriteMs: number | null;
  readonly uncommittedMs: number;
  readonly applyStuckMs: number | null;
  readonly nowMs: number;
};

/** Where a node that takes part in its quorum stands (Kafka: DescribeQuorum, and more). */
export function describeStatus(facts: StatusFacts): NodeStatus {
  const { core, nowMs } = facts;
  const sinceMs = (thenMs: number | null): number | null =>
    thenMs === null ? null : Math.max(0, nowMs - thenMs);
  const isVoter = core.voters.some(
    (voter) => voter.id === facts.nodeId && voter.directoryId === facts.directoryId,
  );
  return {
    nodeId: facts.nodeId,
    directoryId: facts.directoryId,
    clusterId: facts.clusterId,
    role: facts.isStopped ? 'stopped' : core.role,
    isObserver: !isVoter,
    recovering: core.recovering,
    epoch: core.epoch,
    leaderId: core.role === 'prospective' ? null : core.leaderId,
    active: facts.isActive,
    highWatermark: core.highWatermark,
    leaderHighWatermark: facts.leaderHighWatermark,
    logStartOffset: core.logStart.endOffset,
    logEndOffset: core.logEndOffset,
    flushedOffset: core.flushedOffset,
    appliedOffset: facts.appliedOffset,
    latestSnapshotOffset: facts.latestSnapshotOffset,
    snapshotChunksReceived: facts.snapshotChunksReceived,
    lowOnSpace: facts.lowOnSpace,
    brokerSessionTimeoutMs: facts.brokerSessionTimeoutMs,
    lastContactMs: sinceMs(core.lastContactMs),
    oldestWriteMs: facts.oldestWriteMs,
    commitStuckMs: core.logEndOffset > core.highWatermark ? facts.uncommittedMs : null,
    applyStuckMs: facts.applyStuckMs,
    voters: core.voters,
    replicas: core.replicas().map((replica) => ({
      id: replica.id,
      directoryId: replica.directoryId,
      isVoter: replica.isVoter,
      logEndOffset: replica.logEndOffset,
      lastFetchMs: sinceMs(replica.lastFetchMs),
      lastCaughtUpMs: sinceMs(replica.lastCaughtUpMs),
    })),
  };
}
