import type { Static } from 'typebox';
import type { nodeOperations } from '../client/protocol/node-operations.ts';
import type { NodeStatus } from '../runtime/controller-api.ts';

export function clusterView(status: NodeStatus): Static<typeof nodeOperations.getCluster.response> {
  return {
    clusterId: status.clusterId,
    nodeId: status.nodeId,
    leaderId: status.leaderId,
    epoch: status.epoch,
    brokerSessionTimeoutMs: status.brokerSessionTimeoutMs ?? null,
    controllers: status.voters.map((voter) => ({ id: voter.id, endpoint: voter.endpoint })),
  };
}

export function quorumView(status: NodeStatus): Static<typeof nodeOperations.describeQuorum.response> {
  return {
    clusterId: status.clusterId,
    leaderId: status.leaderId,
    epoch: status.epoch,
    highWatermark: status.highWatermark,
    node: {
      nodeId: status.nodeId,
      directoryId: status.directoryId,
      role: status.role,
      isObserver: status.isObserver,
      recovering: status.recovering,
      active: status.active,
      highWatermark: status.highWatermark,
      logStartOffset: status.logStartOffset,
      logEndOffset: status.logEndOffset,
      flushedOffset: status.flushedOffset,
      appliedOffset: status.appliedOffset,
      latestSnapshotOffset: status.latestSnapshotOffset,
      snapshotChunksReceived: status.snapshotChunksReceived,
      lowOnSpace: status.lowOnSpace,
      lastContactMs: status.lastContactMs,
    },
    voters: [...status.voters],
    replicas: replicasView(status),
    observers: replicasView(status).filter(({ isVoter }) => !isVoter),
  };
}

/** Of a replica that has not fetched in this epoch the leader knows nothing, and says so. */
function replicasView({ replicas, logEndOffset }: NodeStatus) {
  return replicas.map((replica) =>
    replica.lastFetchMs === null
      ? { ...replica, logEndOffset: null, lag: null }
      : { ...replica, lag: Math.max(0, logEndOffset - replica.logEndOffset) },
  );
}

export function votersView(status: NodeStatus): Static<typeof nodeOperations.listVoters.response>['voters'] {
  const replicas = replicasView(status);
  return status.voters.map(({ id, directoryId, endpoint, kraftVersions }) => {
    const replica = replicas.find((each) => each.id === id && each.directoryId === directoryId);
    return {
      controllerId: id,
      directoryId,
      endpoint,
      kraftVersions,
      isLeader: id === status.leaderId,
      logEndOffset: replica?.logEndOffset ?? null,
      lag: replica?.lag ?? null,
      lastFetchMs: replica?.lastFetchMs ?? null,
      lastCaughtUpMs: replica?.lastCaughtUpMs ?? null,
    };
  });
}
