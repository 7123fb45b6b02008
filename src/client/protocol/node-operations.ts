import { type Static, Type, type TSchema } from 'typebox';
import { exampleIds } from '../../metadata/example-ids.ts';
import { everyRole } from '../../metadata/roles.ts';
import type { OperationDescription } from './description.ts';

type Said = 'operationId' | 'path' | 'summary' | 'mayCall' | 'query' | 'response' | 'errors' | 'example';

/**
 * What one node says about itself. These are answered from the node's own memory and disk, without the
 * quorum, in the same shape of definition as the operations of the image (design 16).
 */
function nodeOperation<Query extends TSchema, Response extends TSchema>(
  definition: Pick<OperationDescription<typeof noFields, Query, typeof noFields, Response>, Said>,
): OperationDescription<typeof noFields, Query, typeof noFields, Response> {
  return nodeOperationOf({ ...definition, method: 'GET', kind: 'read', params: noFields });
}

function nodeOperationOf<Params extends TSchema, Query extends TSchema, Response extends TSchema>(
  definition: Pick<
    OperationDescription<Params, Query, typeof noFields, Response>,
    Said | 'method' | 'kind' | 'params' | 'successStatus'
  >,
): OperationDescription<Params, Query, typeof noFields, Response> {
  return { ...definition, priority: 'administration', body: noFields };
}

const noFields = Type.Object({}, { additionalProperties: false });
const offset = Type.Integer({ minimum: 0 });
const epoch = Type.Integer({ minimum: 0 });
const nodeId = Type.Integer({ minimum: 0 });
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const endpoint = Type.Object({ host: Type.String(), port: Type.Integer() });

const voter = Type.Object({
  id: nodeId,
  directoryId: Type.String(),
  endpoint,
  kraftVersions: Type.Object({ min: Type.Integer(), max: Type.Integer() }),
});

const replica = Type.Object({
  id: nodeId,
  directoryId: Type.String(),
  isVoter: Type.Boolean(),
  /** Null while it has not fetched in this epoch, as is the lag. */
  logEndOffset: nullable(offset),
  /** Records that the leader has and it has not. */
  lag: nullable(Type.Integer({ minimum: 0 })),
  lastFetchMs: nullable(Type.Number()),
  lastCaughtUpMs: nullable(Type.Number()),
});

/** A voter, and what the leader knows of it; null where another node is asked. */
const voterStanding = Type.Object({
  controllerId: nodeId,
  directoryId: Type.String(),
  endpoint,
  kraftVersions: Type.Object({ min: Type.Integer(), max: Type.Integer() }),
  isLeader: Type.Boolean(),
  logEndOffset: nullable(offset),
  lag: nullable(Type.Integer({ minimum: 0 })),
  lastFetchMs: nullable(Type.Number()),
  lastCaughtUpMs: nullable(Type.Number()),
});

const snapshot = Type.Object({
  /** Exclusive: it holds every record below. */
  endOffset: offset,
  epoch,
  timestampMs: Type.Integer({ minimum: 0 }),
  pageCount: Type.Integer({ minimum: 0 }),
});

const node = Type.Object({
  nodeId,
  directoryId: Type.String(),
  role: Type.String(),
  isObserver: Type.Boolean(),
  recovering: Type.Boolean(),
  active: Type.Boolean(),
  highWatermark: offset,
  logStartOffset: offset,
  logEndOffset: offset,
  flushedOffset: offset,
  appliedOffset: offset,
  latestSnapshotOffset: nullable(offset),
  snapshotChunksReceived: Type.Integer({ minimum: 0 }),
  lowOnSpace: Type.Boolean(),
  lastContactMs: nullable(Type.Number()),
});

const getCluster = nodeOperation({
  operationId: 'getCluster',
  path: '/cluster',
  summary: 'Says which cluster this node belongs to and who leads it.',
  mayCall: everyRole,
  query: noFields,
  response: Type.Object({
    clusterId: nullable(Type.String()),
    nodeId,
    leaderId: nullable(nodeId),
    epoch,
    /** Null when the node does not say; a broker then takes its own setting. */
    brokerSessionTimeoutMs: nullable(Type.Integer({ minimum: 1 })),
    controllers: Type.Array(Type.Object({ id: nodeId, endpoint })),
  }),
  errors: [],
  example: {
    response: {
      clusterId: exampleIds.cluster,
      nodeId: 1,
      leaderId: 0,
      epoch: 3,
      brokerSessionTimeoutMs: 9_000,
      controllers: [{ id: 0, endpoint: { host: 'controller-0.example', port: 9645 } }],
    },
  },
});

const describeQuorum = nodeOperation({
  operationId: 'describeQuorum',
  path: '/quorum',
  summary: 'Describes the quorum as this node sees it; only the leader knows how far the others are.',
  mayCall: everyRole,
  query: noFields,
  response: Type.Object({
    clusterId: nullable(Type.String()),
    leaderId: nullable(nodeId),
    epoch,
    highWatermark: offset,
    node,
    voters: Type.Array(voter),
    /** As the leader sees them; empty where another node is asked. */
    replicas: Type.Array(replica),
    /** Those of the replicas that are no voters. */
    observers: Type.Array(replica),
  }),
  errors: [],
  example: {
    response: {
      clusterId: exampleIds.cluster,
      leaderId: 0,
      epoch: 3,
      highWatermark: 52,
      node: {
        nodeId: 1,
        directoryId: exampleIds.incarnation,
        role: 'follower',
        isObserver: false,
        recovering: false,
        active: false,
        highWatermark: 52,
        logStartOffset: 0,
        logEndOffset: 52,
        flushedOffset: 52,
        appliedOffset: 52,
        latestSnapshotOffset: null,
        snapshotChunksReceived: 0,
        lowOnSpace: false,
        lastContactMs: 12,
      },
      voters: [
        {
          id: 0,
          directoryId: exampleIds.topic,
          endpoint: { host: 'controller-0.example', port: 9645 },
          kraftVersions: { min: 0, max: 1 },
        },
      ],
      replicas: [],
      observers: [],
    },
  },
});

const voterExample = {
  controllerId: 0,
  directoryId: exampleIds.incarnation,
  endpoint: { host: 'controller-0.example', port: 9645 },
  kraftVersions: { min: 0, max: 1 },
  isLeader: true,
  logEndOffset: null,
  lag: null,
  lastFetchMs: null,
  lastCaughtUpMs: null,
} satisfies Static<typeof voterStanding>;

const snapshotExample = {
  endOffset: 40,
  epoch: 3,
  timestampMs: 1_790_000_000_000,
  pageCount: 12,
} satisfies Static<typeof snapshot>;

const listVoters = nodeOperation({
  operationId: 'listVoters',
  path: '/quorum/voters',
  summary: 'The voters as this node knows them; only the leader knows how far each one is.',
  mayCall: everyRole,
  query: noFields,
  response: Type.Object({ voters: Type.Array(voterStanding) }),
  errors: [],
  example: { response: { voters: [voterExample] } },
});

const describeVoter = nodeOperationOf({
  operationId: 'describeVoter',
  method: 'GET',
  kind: 'read',
  path: '/quorum/voters/{controllerId}',
  summary: 'One voter as this node knows it.',
  mayCall: everyRole,
  params: Type.Object({ controllerId: nodeId }, { additionalProperties: false }),
  query: noFields,
  response: voterStanding,
  errors: ['VOTER_NOT_FOUND'],
  example: { params: { controllerId: 0 }, response: voterExample },
});

const listSnapshots = nodeOperation({
  operationId: 'listSnapshots',
  path: '/snapshots',
  summary: 'Snapshots that this node holds, and where its log begins.',
  mayCall: ['operator', 'reader'],
  query: noFields,
  response: Type.Object({ snapshots: Type.Array(snapshot), logStartOffset: offset }),
  errors: ['RESOURCE_NOT_FOUND'],
  example: { response: { snapshots: [snapshotExample], logStartOffset: 21 } },
});

const createSnapshot = nodeOperationOf({
  operationId: 'createSnapshot',
  method: 'POST',
  kind: 'direct',
  path: '/snapshots',
  summary: 'Take a snapshot of what this node has applied, unless the newest one holds it already.',
  mayCall: ['operator'],
  params: noFields,
  query: noFields,
  response: snapshot,
  successStatus: 201,
  errors: ['REQUEST_TIMED_OUT', 'RESOURCE_NOT_FOUND', 'STORAGE_LOW', 'VOTER_CHANGE_PENDING'],
  example: { response: snapshotExample },
});

const logRecord = Type.Object({
  offset,
  type: Type.String(),
  value: Type.Record(Type.String(), Type.Unknown()),
});

export const logBatchSchema = Type.Object({
  baseOffset: offset,
  epoch,
  appendTimestampMs: Type.Integer(),
  kind: Type.Union([Type.Literal('data'), Type.Literal('control')]),
  sizeInBytes: Type.Integer({ minimum: 0 }),
  records: Type.Array(logRecord),
});

export const logPageRecordsMax = 1_000;

const readLog = nodeOperation({
  operationId: 'readLog',
  path: '/log',
  summary: 'Shows committed batches of this node’s log from an offset on.',
  mayCall: ['operator'],
  query: Type.Object(
    {
      from: Type.Optional(offset),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: logPageRecordsMax })),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    logStartOffset: offset,
    endOffset: offset,
    nextOffset: offset,
    batches: Type.Array(logBatchSchema),
  }),
  errors: ['OFFSET_OUT_OF_RANGE', 'REQUEST_TIMED_OUT', 'RESOURCE_NOT_FOUND', 'UNKNOWN_SERVER_ERROR'],
  example: {
    query: { from: 51, limit: 10 },
    response: {
      logStartOffset: 0,
      endOffset: 52,
      nextOffset: 52,
      batches: [
        {
          baseOffset: 51,
          epoch: 3,
          appendTimestampMs: 1_790_000_000_000,
          kind: 'data',
          sizeInBytes: 96,
          records: [
            { offset: 51, type: 'TopicRecord', value: { name: 'orders', topicId: exampleIds.topic } },
          ],
        },
      ],
    },
  },
});

/** Operations of a node below `/v1`. */
export const nodeOperations = {
  getCluster,
  describeQuorum,
  listVoters,
  describeVoter,
  readLog,
  listSnapshots,
  createSnapshot,
} as const;

const getLiveness = nodeOperation({
  operationId: 'getLiveness',
  path: '/livez',
  summary: 'Says that the process answers. It never depends on the quorum.',
  mayCall: everyRole,
  query: noFields,
  response: Type.Object({ status: Type.Literal('live') }),
  errors: [],
  example: { response: { status: 'live' } },
});

const readinessCheck = Type.Object({ name: Type.String(), ok: Type.Boolean(), message: Type.String() });

const checksResponse = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not ready')]),
  checks: Type.Optional(Type.Array(readinessCheck)),
});

const getReadiness = nodeOperation({
  operationId: 'getReadiness',
  path: '/readyz',
  summary: 'Says whether this node can serve, and with verbose what is in the way; 503 while it cannot.',
  mayCall: everyRole,
  query: Type.Object({ verbose: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
  response: checksResponse,
  errors: [],
  example: {
    query: { verbose: true },
    response: {
      status: 'ready',
      checks: [{ name: 'leader', ok: true, message: 'Controller 0 leads epoch 3.' }],
    },
  },
});

const getQuorumHealth = nodeOperation({
  operationId: 'getQuorumHealth',
  path: '/healthz/quorum',
  summary: 'Says whether the quorum makes progress as this node sees it; 503 while it is wedged.',
  mayCall: everyRole,
  query: Type.Object({ verbose: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
  response: checksResponse,
  errors: [],
  example: {
    query: { verbose: true },
    response: {
      status: 'ready',
      checks: [{ name: 'commit', ok: true, message: 'What is in its log is committed.' }],
    },
  },
});

/** Probes stand at the root, where orchestrators look for them, and ask nobody who they are. */
export const probeOperations = { getLiveness, getReadiness, getQuorumHealth } as const;
