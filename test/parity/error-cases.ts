import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';

/** One request of a node that was prepared as `prelude` says. */
export type Asked = { readonly method: string; readonly path: string; readonly body?: unknown };

/** What each operation is asked for each of its own codes, or which test produces the code where none is asked. */
export type ErrorCase = Asked | { readonly producedBy: string };

const incarnation = (id: number): string =>
  `${String.fromCharCode(64 + id)}AAAAAAAAAAAAAAAAAAAAQ`.slice(0, 22);
const zeroTopic = 'ZZZZZZZZZZZZZZZZZZZZZQ';

/** What the node holds: brokers 1 to 3 serve, 4 is fenced; orders has two partitions, which broker 1 and 2 lead. */
export type Prepared = {
  readonly clusterId: string;
  readonly topicId: string;
  /** Of a token of the role reader, whose name is dashboards. */
  readonly tokenId: string;
  /** Of the one member of the group jobs. */
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly epochs: Readonly<Record<number, number>>;
};

export function registration(id: number, clusterId: string, changes: object = {}): object {
  const listeners = [{ name: 'PLAINTEXT', host: `broker-${id}`, port: 9_092 }];
  const named = { brokerId: id, clusterId, incarnationId: incarnation(id), listeners };
  return { ...named, features: supportedFeatures, ...changes };
}

/** What the policies of the prepared node refuse, each by a name. */
export const forbidden = { topic: 'forbidden', config: 'flush.ms' } as const;

const get = (path: string): Asked => ({ method: 'GET', path });
const post = (path: string, body: object = {}): Asked => ({ method: 'POST', path, body });
const put = (path: string, body: object): Asked => ({ method: 'PUT', path, body });
const create = (changes: object): Asked => post('/topics', { name: 'other', partitions: 1, ...changes });
const noFeature = [{ name: 'metadata.version', minSupportedVersion: 99, maxSupportedVersion: 99 }];
const twice = [
  { name: 'A', host: 'a', port: 1 },
  { name: 'A', host: 'b', port: 2 },
];

export function errorCases(
  prepared: Prepared,
): Readonly<Record<string, Partial<Record<ErrorCode, ErrorCase>>>> {
  const { clusterId, topicId, epochs, memberId, memberEpoch } = prepared;
  const register = (id: number, changes: object) => post('/brokers', registration(id, clusterId, changes));
  const propose = (changes: object, from: object = {}): Asked => {
    const partition = { topicId, partition: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: member(1) };
    const proposal = { brokerId: 1, brokerEpoch: epochs[1], partitions: [{ ...partition, ...changes }] };
    return post('/isr', { ...proposal, ...from });
  };
  const member = (id: number) => [{ brokerId: id, brokerEpoch: epochs[id] ?? 0 }];
  const reassign = (changes: object, from: object = {}): Asked => {
    const partition = { topic: 'orders', partition: 0, replicas: [1, 2], ...changes };
    return post('/reassignments', { partitions: [partition], ...from });
  };
  const assign = (changes: object, from: object = {}): Asked => {
    const directory = { directoryId: incarnation(7), partitions: [{ topicId, partition: 0 }], ...changes };
    return post('/directories', { brokerId: 1, brokerEpoch: epochs[1], directories: [directory], ...from });
  };
  const own = (id: string, verb: string, of: number) =>
    post(`/groups/jobs/members/${id}/${verb}`, { memberEpoch: of });
  const otherPrincipal = { producedBy: 'test/metadata/group.test.ts' };
  return {
    registerBroker: {
      INVALID_REQUEST: register(9, { listeners: twice }),
      INCONSISTENT_CLUSTER_ID: register(9, { clusterId: zeroTopic }),
      UNSUPPORTED_VERSION: register(9, { features: noFeature }),
      DUPLICATE_BROKER_REGISTRATION: register(1, { incarnationId: incarnation(9) }),
    },
    heartbeatBroker: {
      BROKER_ID_NOT_REGISTERED: post('/brokers/99/heartbeat', { brokerEpoch: 1, metadataOffset: 1 }),
      STALE_BROKER_EPOCH: post('/brokers/1/heartbeat', { brokerEpoch: 0, metadataOffset: 1 }),
    },
    unregisterBroker: {
      BROKER_ID_NOT_REGISTERED: post('/brokers/99/unregister'),
      BROKER_STILL_ACTIVE: post('/brokers/1/unregister'),
    },
    fenceBroker: { BROKER_ID_NOT_REGISTERED: post('/brokers/99/fence') },
    unfenceBroker: { BROKER_ID_NOT_REGISTERED: post('/brokers/99/unfence') },
    listBrokers: { INVALID_REQUEST: get('/brokers?continue=x') },
    describeBroker: { BROKER_ID_NOT_REGISTERED: get('/brokers/99') },
    registerController: {
      INVALID_REQUEST: post('/controllers', controller({ listeners: twice })),
      UNSUPPORTED_VERSION: post('/controllers', controller({ features: noFeature })),
    },
    updateFeature: {
      INVALID_UPDATE_FEATURE: { method: 'PUT', path: '/features/unheard.of', body: { featureLevel: 1 } },
      UNSUPPORTED_VERSION: { method: 'PUT', path: '/features/metadata.version', body: { featureLevel: 99 } },
    },
    listResources: { UNKNOWN_RESOURCE_KIND: get('/resources/other') },
    describeResource: {
      UNKNOWN_RESOURCE_KIND: get('/resources/other/k'),
      UNKNOWN_RESOURCE_KEY: get('/resources/quota/nobody'),
    },
    putResource: {
      UNKNOWN_RESOURCE_KIND: put('/resources/other/k', { value: 1 }),
      UNSUPPORTED_VERSION: put('/resources/quota/alice', { value: { bytesPerSecond: 5 }, version: 9 }),
      INVALID_RESOURCE: put('/resources/quota/alice', { value: { bytesPerSecond: -5 } }),
      RESOURCE_TABLE_FULL: { producedBy: 'test/metadata/custom.test.ts' },
    },
    deleteResource: {
      UNKNOWN_RESOURCE_KIND: { method: 'DELETE', path: '/resources/other/k' },
      UNKNOWN_RESOURCE_KEY: { method: 'DELETE', path: '/resources/quota/nobody' },
    },
    allocateProducerIds: {
      BROKER_ID_NOT_REGISTERED: post('/producer-ids', { brokerId: 99, brokerEpoch: 1 }),
      STALE_BROKER_EPOCH: post('/producer-ids', { brokerId: 1, brokerEpoch: 0 }),
    },
    describeController: { CONTROLLER_ID_NOT_REGISTERED: get('/controllers/99') },
    unregisterController: {
      CONTROLLER_ID_NOT_REGISTERED: { method: 'DELETE', path: '/controllers/99' },
      CONTROLLER_STILL_VOTER: { method: 'DELETE', path: '/controllers/0' },
    },
    alterPartition: {
      BROKER_ID_NOT_REGISTERED: propose({}, { brokerId: 99 }),
      STALE_BROKER_EPOCH: propose({}, { brokerEpoch: 0 }),
      UNKNOWN_TOPIC_ID: propose({ topicId: zeroTopic }),
      UNKNOWN_TOPIC_OR_PARTITION: propose({ partition: 7 }),
      FENCED_LEADER_EPOCH: { producedBy: 'test/metadata/isr.test.ts' },
      INVALID_UPDATE_VERSION: { producedBy: 'test/metadata/isr.test.ts' },
      NEW_LEADER_ELECTED: { producedBy: 'test/metadata/reassignment.test.ts' },
      INELIGIBLE_REPLICA: propose({ newIsr: [...member(1), { brokerId: 2, brokerEpoch: 0 }] }),
      INVALID_ISR: propose({ newIsr: [] }),
      OPERATION_NOT_ATTEMPTED: { producedBy: 'test/metadata/isr.test.ts' },
    },
    assignReplicasToDirs: {
      INVALID_REQUEST: assign({ directoryId: 'AAAAAAAAAAAAAAAAAAAAAg' }),
      BROKER_ID_NOT_REGISTERED: assign({}, { brokerId: 99 }),
      STALE_BROKER_EPOCH: assign({}, { brokerEpoch: 0 }),
      UNSUPPORTED_VERSION: { producedBy: 'test/metadata/directories.test.ts' },
      UNKNOWN_TOPIC_ID: assign({ partitions: [{ topicId: zeroTopic, partition: 0 }] }),
      UNKNOWN_TOPIC_OR_PARTITION: assign({ partitions: [{ topicId, partition: 7 }] }),
      NOT_LEADER_OR_FOLLOWER: assign({}, { brokerId: 3, brokerEpoch: epochs[3] }),
      LOG_DIR_NOT_FOUND: assign({}),
      KAFKA_STORAGE_ERROR: { producedBy: 'test/metadata/directories.test.ts' },
      OPERATION_NOT_ATTEMPTED: { producedBy: 'test/metadata/directories.test.ts' },
    },
    alterPartitionReassignments: {
      INVALID_REQUEST: { producedBy: 'test/metadata/reassignment.test.ts' },
      UNKNOWN_TOPIC_OR_PARTITION: reassign({ partition: 7 }),
      NO_REASSIGNMENT_IN_PROGRESS: reassign({ replicas: null }),
      INVALID_REPLICA_ASSIGNMENT: reassign({ replicas: [1, 9] }),
      INVALID_REPLICATION_FACTOR: reassign({ replicas: [1] }, { allowReplicationFactorChange: false }),
    },
    drainBroker: {
      INVALID_REQUEST: post('/brokers/1/drain', { continue: 'x' }),
      BROKER_ID_NOT_REGISTERED: post('/brokers/99/drain'),
    },
    cordonBroker: { BROKER_ID_NOT_REGISTERED: post('/brokers/99/cordon') },
    uncordonBroker: { BROKER_ID_NOT_REGISTERED: post('/brokers/99/uncordon') },
    listPartitionReassignments: { INVALID_REQUEST: get('/reassignments?continue=x') },
    electLeaders: {
      INVALID_REQUEST: post('/elections', { electionType: 'preferred', continue: 'x' }),
      UNKNOWN_TOPIC_OR_PARTITION: elect('preferred', 'none'),
      ELECTION_NOT_NEEDED: elect('preferred', 'orders'),
      PREFERRED_LEADER_NOT_AVAILABLE: { producedBy: 'test/metadata/election.test.ts' },
      ELIGIBLE_LEADERS_NOT_AVAILABLE: { producedBy: 'test/metadata/election.test.ts' },
    },
    createTopic: {
      INVALID_REQUEST: create({ assignments: [[1]] }),
      INVALID_TOPIC_EXCEPTION: create({ name: '..' }),
      TOPIC_ALREADY_EXISTS: create({ name: 'orders' }),
      INVALID_PARTITIONS: create({ partitions: 200_000 }),
      INVALID_REPLICATION_FACTOR: create({ replicationFactor: 9 }),
      INVALID_REPLICA_ASSIGNMENT: create({ partitions: undefined, assignments: [[1, 1]] }),
      INVALID_CONFIG: create({ configs: [{ name: 'no.such', value: '1' }] }),
      POLICY_VIOLATION: create({ name: forbidden.topic }),
    },
    addPartitions: {
      // While the cluster has no transactions.
      INVALID_REQUEST: { producedBy: 'test/metadata/topic.test.ts' },
      UNKNOWN_TOPIC_OR_PARTITION: post('/topics/none/partitions', { count: 3 }),
      INVALID_PARTITIONS: post('/topics/orders/partitions', { count: 1 }),
      INVALID_REPLICATION_FACTOR: { producedBy: 'test/metadata/topic.test.ts' },
      INVALID_REPLICA_ASSIGNMENT: post('/topics/orders/partitions', { count: 3, assignments: [[1, 1]] }),
      POLICY_VIOLATION: { producedBy: 'test/metadata/placement-rules.test.ts' },
    },
    executeTransaction: {
      INVALID_REQUEST: together({
        operationId: 'createTopic',
        body: { name: 'a', partitions: 1, assignments: [[1]] },
      }),
      UNSUPPORTED_VERSION: { producedBy: 'test/metadata/transaction.test.ts' },
      INVALID_TOPIC_EXCEPTION: together({ operationId: 'createTopic', body: { name: '..' } }),
      TOPIC_ALREADY_EXISTS: together({ operationId: 'createTopic', body: { name: 'orders' } }),
      UNKNOWN_TOPIC_OR_PARTITION: together({ operationId: 'deleteTopic', params: { topic: 'none' } }),
      INVALID_PARTITIONS: together({ operationId: 'createTopic', body: { name: 'a', partitions: 200_000 } }),
      INVALID_REPLICATION_FACTOR: together({
        operationId: 'createTopic',
        body: { name: 'a', replicationFactor: 9 },
      }),
      INVALID_REPLICA_ASSIGNMENT: together({
        operationId: 'createTopic',
        body: { name: 'a', assignments: [[1, 1]] },
      }),
      INVALID_CONFIG: together({
        operationId: 'createTopic',
        body: { name: 'a', configs: [{ name: 'none', value: '1' }] },
      }),
      POLICY_VIOLATION: together({ operationId: 'createTopic', body: { name: forbidden.topic } }),
    },
    deleteTopic: { UNKNOWN_TOPIC_OR_PARTITION: { method: 'DELETE', path: '/topics/none' } },
    describeTopic: { UNKNOWN_TOPIC_OR_PARTITION: get('/topics/none') },
    listPartitions: {
      INVALID_REQUEST: get('/topics/orders/partitions?continue=x'),
      UNKNOWN_TOPIC_OR_PARTITION: get('/topics/none/partitions'),
    },
    describePartition: { UNKNOWN_TOPIC_OR_PARTITION: get('/topics/orders/partitions/7') },
    listBrokerPartitions: {
      INVALID_REQUEST: get('/brokers/1/partitions?continue=x'),
      BROKER_ID_NOT_REGISTERED: get('/brokers/99/partitions'),
    },
    openSession: {
      INVALID_REQUEST: post('/sessions', { timeoutMs: 1 }),
      SESSION_TABLE_FULL: { producedBy: 'test/metadata/session.test.ts' },
    },
    joinGroup: {
      INVALID_REQUEST: post('/groups/jobs/members', { memberId, sessionTimeoutMs: 9_999 }),
      GROUP_AUTHORIZATION_FAILED: otherPrincipal,
      GROUP_MAX_SIZE_REACHED: { producedBy: 'test/metadata/group.test.ts' },
    },
    heartbeatGroupMember: {
      UNKNOWN_MEMBER_ID: own(zeroTopic, 'heartbeat', memberEpoch),
      FENCED_MEMBER_EPOCH: own(memberId, 'heartbeat', memberEpoch + 1),
      GROUP_AUTHORIZATION_FAILED: otherPrincipal,
    },
    leaveGroup: {
      UNKNOWN_MEMBER_ID: own(zeroTopic, 'leave', memberEpoch),
      FENCED_MEMBER_EPOCH: own(memberId, 'leave', memberEpoch + 1),
      GROUP_AUTHORIZATION_FAILED: otherPrincipal,
    },
    describeGroup: { GROUP_ID_NOT_FOUND: get('/groups/none') },
    listGroupMembers: {
      INVALID_REQUEST: get('/groups/jobs/members?continue=x'),
      GROUP_ID_NOT_FOUND: get('/groups/none/members'),
    },
    createToken: {
      INVALID_REQUEST: post('/tokens', token({ role: 'broker' })),
      TOKEN_CONFLICT: post('/tokens', token({ role: 'operator', secretHash: '02'.repeat(32) })),
      TOKEN_TABLE_FULL: { producedBy: 'test/metadata/token.test.ts' },
    },
    listTokens: { INVALID_REQUEST: get('/tokens?continue=x') },
    describeToken: { UNKNOWN_TOKEN_ID: get(`/tokens/${zeroTopic}`) },
    revokeToken: { UNKNOWN_TOKEN_ID: { method: 'DELETE', path: `/tokens/${zeroTopic}` } },
    closeSession: { UNKNOWN_SESSION_ID: { method: 'DELETE', path: '/sessions/999' } },
    describeSession: { UNKNOWN_SESSION_ID: get('/sessions/999') },
    describeConfig: {
      INVALID_REQUEST: get('/configs/broker/nobody'),
      UNKNOWN_TOPIC_OR_PARTITION: get('/configs/topic/none'),
      BROKER_ID_NOT_REGISTERED: get('/configs/broker/99'),
    },
    alterConfig: {
      INVALID_REQUEST: alter('broker/nobody'),
      INVALID_CONFIG: alter('topic/orders', 'no.such'),
      UNKNOWN_TOPIC_OR_PARTITION: alter('topic/none'),
      BROKER_ID_NOT_REGISTERED: alter('broker/99'),
      POLICY_VIOLATION: alter('topic/orders', forbidden.config),
    },
    addVoter: {
      INVALID_REQUEST: post('/quorum/voters', { controllerId: 9, directoryId: zeroTopic }),
      DUPLICATE_VOTER: post('/quorum/voters', { controllerId: 0 }),
      VOTER_NOT_CAUGHT_UP: post('/quorum/voters', { controllerId: 9 }),
      VOTER_CHANGE_PENDING: { producedBy: 'test/runtime/voters.test.ts' },
      UNSUPPORTED_VERSION: { producedBy: 'test/runtime/voters.test.ts' },
    },
    removeVoter: {
      INVALID_REQUEST: { method: 'DELETE', path: '/quorum/voters/0' },
      VOTER_NOT_FOUND: { method: 'DELETE', path: '/quorum/voters/99' },
      VOTER_CHANGE_PENDING: { producedBy: 'test/runtime/voters.test.ts' },
      UNSUPPORTED_VERSION: { producedBy: 'test/runtime/voters.test.ts' },
    },
    transferLeadership: {
      INVALID_REQUEST: post('/quorum/transfer-leadership', { preferredSuccessor: 0 }),
      VOTER_NOT_FOUND: post('/quorum/transfer-leadership', { preferredSuccessor: 99 }),
      VOTER_NOT_CAUGHT_UP: post('/quorum/transfer-leadership'),
    },
    watch: {
      OFFSET_OUT_OF_RANGE: { producedBy: 'test/http/watch.test.ts' },
      INCONSISTENT_CLUSTER_ID: get(`/watch?clusterId=${zeroTopic}`),
      RESOURCE_NOT_FOUND: { producedBy: 'test/http/watch.test.ts' },
      UNKNOWN_RESOURCE_KIND: get('/watch?kinds=kind.other'),
    },
    describeVoter: { VOTER_NOT_FOUND: get('/quorum/voters/99') },
    listSnapshots: { RESOURCE_NOT_FOUND: { producedBy: 'test/http/node-operations.test.ts' } },
    createSnapshot: {
      REQUEST_TIMED_OUT: { producedBy: 'test/http/node-operations.test.ts' },
      RESOURCE_NOT_FOUND: { producedBy: 'test/http/node-operations.test.ts' },
      STORAGE_LOW: { producedBy: 'test/http/node-operations.test.ts' },
      VOTER_CHANGE_PENDING: { producedBy: 'test/runtime/take-snapshot.test.ts' },
    },
    listSessions: { INVALID_REQUEST: get('/sessions?continue=x') },
    readLog: {
      OFFSET_OUT_OF_RANGE: get('/log?from=999999'),
      REQUEST_TIMED_OUT: { producedBy: 'test/http/node-operations.test.ts' },
      RESOURCE_NOT_FOUND: { producedBy: 'test/http/node-operations.test.ts' },
      UNKNOWN_SERVER_ERROR: { producedBy: 'test/runtime/read-log.test.ts' },
    },
  };
}

/** Long sessions: nobody beats for it. */
export const member = { memberId: 'KAAAAAAAAAAAAAAAAAAAAQ', sessionTimeoutMs: 300_000, metadata: 'here' };

export function token(changes: object = {}): object {
  return { name: 'dashboards', role: 'reader', secretHash: '01'.repeat(32), ...changes };
}

function elect(electionType: string, topic: string): Asked {
  return post('/elections', { electionType, partitions: [{ topic, partition: 0 }] });
}

function together(part: object): Asked {
  return post('/transactions', { operations: [part] });
}

function alter(resource: string, name = 'retention.ms'): Asked {
  const changes = [{ name, operation: 'set', value: '1' }];
  return { method: 'PATCH', path: `/configs/${resource}`, body: { changes } };
}

function controller(changes: object): object {
  const listeners = [{ name: 'CONTROLLER', host: 'c', port: 1 }];
  return {
    controllerId: 9,
    incarnationId: incarnation(9),
    listeners,
    features: supportedFeatures,
    ...changes,
  };
}

/** Which test produces each code that operations share. */
export const commonCases: Partial<Record<ErrorCode, string>> = {
  INVALID_REQUEST: 'test/http/bad-input.test.ts',
  REQUEST_TOO_LARGE: 'test/http/bad-input.test.ts',
  NOT_CONTROLLER: 'test/runtime/quorum.test.ts',
  SASL_AUTHENTICATION_FAILED: 'test/http/role-walk.test.ts',
  CLUSTER_AUTHORIZATION_FAILED: 'test/http/role-walk.test.ts',
  UNKNOWN_SERVER_ERROR: 'test/runtime/requests.test.ts',
  THROTTLING_QUOTA_EXCEEDED: 'test/http/operations.test.ts',
  RESOURCE_NOT_FOUND: 'test/runtime/requests.test.ts',
  REQUEST_TIMED_OUT: 'test/http/operations.test.ts',
  OUTCOME_UNKNOWN: 'test/runtime/requests.test.ts',
  PRECONDITION_FAILED: 'test/parity/conventions.test.ts',
  SESSION_EXPIRED: 'test/runtime/client-work.test.ts',
  SEQUENCE_FORGOTTEN: 'test/runtime/client-work.test.ts',
  IDEMPOTENCY_KEY_REUSED: 'test/runtime/client-work.test.ts',
  IDEMPOTENCY_KEY_NOT_SUPPORTED: 'test/parity/conventions.test.ts',
  SESSION_TABLE_FULL: 'test/metadata/session.test.ts',
  STORAGE_LOW: 'test/runtime/requests.test.ts',
  OFFSET_OUT_OF_RANGE: 'test/runtime/listings.test.ts',
};
