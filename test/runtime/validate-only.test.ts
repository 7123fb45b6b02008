import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { describe, expect, it } from 'vitest';
import type { Offset } from '../../src/base/brands.ts';
import { operations, type RegisteredOperation } from '../../src/metadata/operations.ts';
import { registryOf } from '../../src/metadata/registry.ts';
import { featuresOfKinds, supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { clientWork } from '../../src/runtime/leader/client-work.ts';
import { incarnationId, TestCluster } from '../metadata/cluster.ts';
import { quotas } from '../metadata/quotas.ts';
import { RecordedReply, TestLeader } from './support/operations.ts';

const registry = registryOf([quotas]);
const alice = { params: { kind: 'quota', key: 'alice' } };

type Input = { readonly params?: object; readonly body?: object };

function controller(controllerId: number) {
  const features = [...supportedFeatures, ...featuresOfKinds(registry)];
  const listeners = [{ name: 'CONTROLLER', host: 'localhost', port: 9645 }];
  return { controllerId, incarnationId: incarnationId(9), listeners, features };
}

function secretHash(secret: number): string {
  return `0${secret}`.repeat(32);
}

/** The one member that there is. */
function memberOf(cluster: TestCluster): Input {
  const [member] = cluster.image.group.members.values();
  return {
    params: { group: 'jobs', memberId: member?.memberId },
    body: { memberEpoch: member?.memberEpoch },
  };
}

/** For each write an input that succeeds on the cluster below, and changes something. */
const inputs: Readonly<Record<string, (cluster: TestCluster) => Input>> = {
  updateFeature: () => ({ params: { feature: 'metadata.version' }, body: { featureLevel: 2 } }),
  registerController: () => ({ body: controller(1) }),
  registerBroker: (cluster) => ({ body: { ...cluster.registration(7), features: supportedFeatures } }),
  heartbeatBroker: (cluster) => {
    const brokerEpoch = cluster.image.broker.brokers.get(3)?.brokerEpoch ?? 0;
    return { params: { brokerId: 3 }, body: { brokerEpoch, metadataOffset: cluster.image.endOffset } };
  },
  unregisterBroker: () => ({ params: { brokerId: 3 } }),
  fenceBroker: () => ({ params: { brokerId: 2 } }),
  unfenceBroker: () => ({ params: { brokerId: 1 } }),
  cordonBroker: () => ({ params: { brokerId: 2 } }),
  uncordonBroker: () => ({ params: { brokerId: 3 } }),
  drainBroker: () => ({ params: { brokerId: 2 }, body: {} }),
  alterPartitionReassignments: () => ({
    body: { partitions: [{ topic: 'old', partition: 0, replicas: [2, 4] }] },
  }),
  createTopic: () => ({ body: { name: 'new', partitions: 2, replicationFactor: 2 } }),
  addPartitions: () => ({ params: { topic: 'old' }, body: { count: 5 } }),
  deleteTopic: () => ({ params: { topic: 'old' } }),
  executeTransaction: () => ({
    body: {
      operations: [{ operationId: 'createTopic', body: { name: 'new' } }],
    },
  }),
  alterPartition: (cluster) => {
    const brokerEpoch = cluster.image.broker.brokers.get(1)?.brokerEpoch ?? 0;
    const { topicId, partition, leaderEpoch, partitionEpoch } = cluster.partition('old');
    const newIsr = [{ brokerId: 1, brokerEpoch }];
    const partitions = [{ topicId, partition, leaderEpoch, partitionEpoch, newIsr }];
    return { body: { brokerId: 1, brokerEpoch, partitions } };
  },
  assignReplicasToDirs: (cluster) => {
    const directoryId = incarnationId(8);
    const brokerEpoch = cluster.image.broker.brokers.get(1)?.brokerEpoch ?? 0;
    const { topicId, partition } = cluster.partition('old');
    const assignments = [{ directoryId, partitions: [{ topicId, partition }] }];
    return { body: { brokerId: 1, brokerEpoch, directories: assignments } };
  },
  electLeaders: () => ({
    body: { electionType: 'unclean', partitions: [{ topic: 'dark', partition: 0 }] },
  }),
  alterConfig: () => ({
    params: { resourceType: 'topic', resourceName: 'old' },
    body: { changes: [{ name: 'retention.ms', operation: 'set', value: '1' }] },
  }),
  allocateProducerIds: (cluster) => {
    const brokerEpoch = cluster.image.broker.brokers.get(1)?.brokerEpoch ?? 0;
    return { body: { brokerId: 1, brokerEpoch } };
  },
  createToken: () => ({ body: { name: 'dashboards', role: 'reader', secretHash: secretHash(2) } }),
  revokeToken: () => ({ params: { tokenId: tokenIdOf(Buffer.from(secretHash(1), 'hex')) } }),
  joinGroup: () => ({ params: { group: 'other' }, body: { memberId: incarnationId(2) } }),
  leaveGroup: memberOf,
  heartbeatGroupMember: memberOf,
  unregisterController: () => ({ params: { controllerId: 9 } }),
  putResource: () => ({ ...alice, body: { value: { bytesPerSecond: 2 } } }),
  deleteResource: () => alice,
  openSession: () => ({ body: {} }),
  closeSession: (cluster) => {
    const [session] = cluster.image.session.sessions.values();
    return { params: { sessionId: session?.sessionId ?? 0 } };
  },
};

/** Their example finds nothing to change: the cluster has that level already, and a member is heard in memory alone. */
const unchanging: ReadonlySet<string> = new Set(['updateFeature', 'heartbeatGroupMember']);

function cluster(): TestCluster {
  const made = new TestCluster(registry);
  made.append([{ type: 'FeatureLevelRecord', name: 'kind.quota', featureLevel: 1 }]);
  made.ok('putResource', { ...alice, body: { value: { bytesPerSecond: 1 } } });
  const logDirs = [incarnationId(7), incarnationId(8)];
  made.ok('registerBroker', { body: { ...made.registration(1), logDirs } });
  made.heartbeat(1);
  made.start(2);
  made.ok('fenceBroker', { params: { brokerId: 1 } });
  made.register(3);
  made.ok('cordonBroker', { params: { brokerId: 3 } });
  made.start(4);
  made.ok('createTopic', { body: { name: 'old', assignments: [[1, 2]] } });
  made.start(5);
  made.start(6);
  made.ok('createTopic', { body: { name: 'dark', assignments: [[5, 6]] } });
  made.expire(expireBrokerSessions, 6);
  made.expire(expireBrokerSessions, 5);
  made.heartbeat(6);
  made.ok('registerController', { body: controller(9) });
  made.ok('openSession', { body: {} });
  made.ok('joinGroup', { params: { group: 'jobs' }, body: { memberId: incarnationId(1) } });
  made.ok('createToken', { body: { name: 'reports', role: 'reader', secretHash: secretHash(1) } });
  made.append([{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 2 }]);
  return made;
}

function requestOf(operation: RegisteredOperation, on: TestCluster, more: object): ControllerRequest {
  const input = inputs[operation.operationId]?.(on) ?? {};
  return {
    requestId: 1,
    operationId: operation.operationId,
    input: { params: {}, query: {}, body: {}, ...input },
    principal: on.principal,
    idempotencyKey: null,
    consistency: 'linearizable',
    minOffset: null,
    ifMatch: null,
    timeoutMs: 1_000,
    ...more,
  };
}

const writes = operations.filter(({ kind }) => kind !== 'read');
const ids = writes.map((operation) => [operation.operationId, operation] as const);

/** Random ids differ from one execution to the next. */
function withoutIds(told: string | null): string {
  return (told ?? '').replaceAll(/"topicId":"[^"]*"/g, '"topicId":"…"');
}

describe('a write that is only validated', () => {
  it('has an example for each operation', () => {
    expect(Object.keys(inputs).sort()).toEqual(ids.map(([id]) => id).sort());
  });

  it.each(ids)('%s is answered as the write would be, and appends nothing', (id, operation) => {
    const before = cluster();
    const { sessionId } = [...before.image.session.sessions.values()][0] ?? { sessionId: 0 };
    const idempotencyKey = { sessionId, sequence: 0, forgetBelow: 0 };
    for (const key of [{}, { idempotencyKey }, { bareIdempotencyKey: 'mine' }]) {
      const reply = new RecordedReply();
      const request = requestOf(operation, before, { ...key, validateOnly: true });
      const validated = clientWork(operation, request, reply).run(before.image, before.context);
      expect(validated).toMatchObject({ records: [], outcome: null, mayStandAlready: false });
      validated.answer(reply, before.image.endOffset);
      const made = new RecordedReply();
      const real = clientWork(operation, requestOf(operation, before, {}), made);
      const execution = real.run(before.image, before.context);
      expect(execution.records.length > 0 || unchanging.has(id)).toBe(true);
      execution.answer(made, before.image.endOffset);
      expect(withoutIds(reply.told)).toBe(withoutIds(made.told));
      expect(reply.told).toMatch(/^ok /);
    }
  });

  it.each(ids)('%s is refused where the write would be', (_id, operation) => {
    const before = cluster();
    const reply = new RecordedReply();
    const request = requestOf(operation, before, { validateOnly: true, ifMatch: 4_711 as Offset });
    const validated = clientWork(operation, request, reply).run(before.image, before.context);
    validated.answer(reply, before.image.endOffset);
    expect(validated.records).toEqual([]);
    expect(reply.told).toBe('PRECONDITION_FAILED');
  });

  it('is tried step by step where its steps read each other', () => {
    const before = cluster();
    const part = (name: string) => ({ operationId: 'createTopic', body: { name } });
    const grown = { operationId: 'addPartitions', params: { topic: 'a' }, body: { count: 3 } };
    const operation = writes.find(({ operationId }) => operationId === 'executeTransaction');
    if (operation === undefined) throw new Error('no such operation');
    const told = (parts: readonly object[]): string | null => {
      const reply = new RecordedReply();
      const input = { params: {}, query: {}, body: { operations: parts } };
      const request = requestOf(operation, before, { input, validateOnly: true });
      const validated = clientWork(operation, request, reply).run(before.image, before.context);
      validated.answer(reply, before.image.endOffset);
      expect(validated.records).toEqual([]);
      return reply.told;
    };
    expect(told([part('a'), grown, part('b')])).toBe('ok {"operations":3}');
    expect(told([part('a'), grown, part('a')])).toBe('TOPIC_ALREADY_EXISTS');
    expect(told(Array.from({ length: 600 }, (_, at) => part(`t-${at}`)))).toBe('INVALID_REQUEST');
  });

  it('is answered by a leader only after a majority has confirmed that it still leads', () => {
    const { image } = cluster();
    const host = new TestLeader(image);
    const reply = new RecordedReply();
    const operation = writes.find(({ operationId }) => operationId === 'createTopic');
    if (operation === undefined) throw new Error('no such operation');
    const request = requestOf(operation, cluster(), { validateOnly: true });
    host.proposer.offer(clientWork(operation, request, reply));
    host.run();
    expect([reply.told, host.proposals, host.barriers.length]).toEqual([null, [], 1]);
    host.barriers[0]?.confirmed();
    expect(reply.told).toMatch(/^ok /);
    expect(reply.isExposed).toBe(false);
    const lost = new RecordedReply();
    host.proposer.offer(clientWork(operation, request, lost));
    host.run();
    host.barriers[1]?.failed();
    expect(lost.told).toBe('NOT_CONTROLLER');
  });
});
