import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { clusterId, incarnationId, type TestCluster } from '../metadata/cluster.ts';
import type { Command } from './cluster-commands.ts';
import { type ClusterModel, leaderOf, newIsr, partitionOf, type SeenPartition } from './cluster-model.ts';

export function registration(broker: number): Command {
  return { kind: 'registerBroker', broker, incarnation: 0, isOfAnotherCluster: false, supports: 1 };
}

export function heartbeat(broker: number): Command {
  const wants = { wantFence: false, wantShutDown: false };
  return { kind: 'heartbeatBroker', broker, isStale: false, isCaughtUp: true, ...wants };
}

export function creation(name: string, replicationFactor: number): Command {
  return {
    kind: 'createTopic',
    name,
    partitions: 3,
    replicationFactor,
    assignments: null,
  };
}

/** The levels of `metadata.version` that a node says it supports. */
function featuresOf(level: number) {
  return [{ name: 'metadata.version', minSupportedVersion: level, maxSupportedVersion: level }];
}

export function secretHashOf(secret: number): Uint8Array {
  return new Uint8Array(32).fill(secret + 1);
}

const otherClusterId = incarnationId(9_999);

export function inputOf(
  command: Command,
  cluster: TestCluster,
  model: ClusterModel,
  seen: readonly SeenPartition[],
): { readonly params?: unknown; readonly body?: unknown } {
  const epochOf = (id: number): number => model.brokers.get(id)?.brokerEpoch ?? 0;
  switch (command.kind) {
    case 'registerBroker': {
      const { broker, incarnation, isOfAnotherCluster, supports } = command;
      const body = cluster.registration(broker, broker * 10 + incarnation, `rack-${broker % 2}`);
      const ownCluster = isOfAnotherCluster ? otherClusterId : clusterId;
      return { body: { ...body, clusterId: ownCluster, features: featuresOf(supports) } };
    }
    case 'heartbeatBroker': {
      const { broker, isStale, isCaughtUp, wantFence, wantShutDown } = command;
      const metadataOffset = isCaughtUp ? cluster.image.endOffset : 0;
      const brokerEpoch = epochOf(broker) + (isStale ? 1 : 0);
      return { params: { brokerId: broker }, body: { brokerEpoch, metadataOffset, wantFence, wantShutDown } };
    }
    case 'unregisterBroker':
    case 'fenceBroker':
    case 'unfenceBroker':
      return { params: { brokerId: command.broker } };
    case 'createTopic': {
      const { name, partitions, replicationFactor, assignments } = command;
      const size = assignments === null ? { partitions, replicationFactor } : { assignments };
      return { body: { name, ...size } };
    }
    case 'addPartitions': {
      const { name, count } = command;
      return { params: { topic: name }, body: { count } };
    }
    case 'deleteTopic':
      return { params: { topic: command.name } };
    case 'alterPartition':
      return { body: alterationOf(command, seen, epochOf) };
    case 'alterConfig': {
      const { topic, name, operation, value } = command;
      const change = operation === 'delete' ? { name, operation } : { name, operation, value };
      const params =
        topic === null
          ? { resourceType: 'broker', resourceName: 'default' }
          : { resourceType: 'topic', resourceName: topic };
      return { params, body: { changes: [change] } };
    }
    case 'openSession':
      return {};
    case 'closeSession':
      return { params: { sessionId: model.sessionAt(command.session) ?? 0 } };
    case 'updateFeature': {
      const { name, featureLevel } = command;
      return { params: { feature: name }, body: { featureLevel } };
    }
    case 'createToken': {
      const { name, isOfBroker } = command;
      const role = isOfBroker ? { role: 'broker', brokerId: 1 } : { role: 'reader' };
      const secretHash = Buffer.from(secretHashOf(command.secret)).toString('hex');
      return { body: { name: `name-${name}`, ...role, secretHash } };
    }
    case 'revokeToken':
      return { params: { tokenId: tokenIdOf(secretHashOf(command.secret)) } };
    case 'registerController': {
      const { controllerId, supports } = command;
      const listeners = [{ name: 'CONTROLLER', host: 'host', port: 9_645 }];
      const incarnation = incarnationId(controllerId);
      return {
        body: { controllerId, incarnationId: incarnation, listeners, features: featuresOf(supports) },
      };
    }
  }
}

function alterationOf(
  command: Extract<Command, { kind: 'alterPartition' }>,
  seen: readonly SeenPartition[],
  epochOf: (id: number) => number,
): unknown {
  const leader = leaderOf(command, seen);
  const brokerEpoch = Math.abs(epochOf(leader) + command.brokerEpochOff);
  const partition = partitionOf(command, seen);
  if (partition === null) {
    const nowhere = { topicId: clusterId, partition: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: [] };
    return { brokerId: leader, brokerEpoch, partitions: [nowhere] };
  }
  const proposal = {
    topicId: partition.topicId,
    partition: partition.partition,
    leaderEpoch: Math.max(0, partition.leaderEpoch + command.leaderEpochOff),
    partitionEpoch: Math.max(0, partition.partitionEpoch + command.partitionEpochOff),
    newIsr: newIsr(command, partition).map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) })),
  };
  return { brokerId: leader, brokerEpoch, partitions: [proposal] };
}
