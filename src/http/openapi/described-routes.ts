import { Type, type TSchema } from 'typebox';
import { epoch, nodeId, offset, uuid } from '../../base/brands.ts';
import { batchEntrySchema, batchOperationsMax, batchPath } from '../../client/protocol/batch.ts';
import { allErrors, type Answerer, commonErrors } from '../../client/protocol/common-errors.ts';
import type { OperationDescription } from '../../client/protocol/description.ts';
import { apiPrefix, type commonQueryNames } from '../../client/protocol/headers.ts';
import { nodeOperations, probeOperations } from '../../client/protocol/node-operations.ts';
import { problemSchema } from '../../client/protocol/problem.ts';
import {
  binaryWatchContentType,
  eventStreamContentType,
  streamOperations,
  type WatchMessage,
} from '../../client/protocol/watch.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import { everyRole } from '../../metadata/roles.ts';
import { metricsPath } from '../metrics/routes.ts';
import { createWatchFormats } from '../watch/formats.ts';

/** A route as the API description shows it. */
export type DescribedRoute = {
  /** From the root, with `{name}` for parameters. */
  readonly path: string;
  readonly operation: OperationDescription;
  /** Nobody is asked who it is. */
  readonly isPublic: boolean;
  readonly errors: readonly ErrorCode[];
  /** The common query parameters that it understands. */
  readonly commonParameters: readonly CommonParameter[];
  /** What it tells when it cannot serve, in place of a problem and in the form of its answer. */
  readonly unavailable?: TSchema;
  /** Of a success, by content type; the answer of the operation as JSON when absent. */
  readonly content?: Readonly<Record<string, DescribedContent>>;
  /** Headers that it understands beside those of all operations of its kind. */
  readonly ownHeaders?: readonly 'lastEventId'[];
};

export type DescribedContent = { readonly schema: TSchema; readonly example?: unknown };

export type CommonParameter = keyof typeof commonQueryNames;

/** Every route of a node that has these operations. */
export function describeRoutes(operations: readonly OperationDescription[]): readonly DescribedRoute[] {
  return [
    ...operations.map((operation) => describe(operation, apiPrefix, 'quorum')),
    ...Object.values(nodeOperations).map((operation) => describe(operation, apiPrefix, 'node')),
    batchRoute,
    watchRoute,
    ...Object.values(probeOperations).map((operation) => describeProbe(operation)),
    descriptionRoute,
    metricsRoute,
  ];
}

function describe(operation: OperationDescription, prefix: string, answerer: Answerer): DescribedRoute {
  return {
    path: prefix + operation.path,
    operation,
    isPublic: answerer === 'public',
    errors: allErrors(operation, answerer),
    commonParameters: commonParametersOf(operation, answerer),
  };
}

function commonParametersOf(operation: OperationDescription, answerer: Answerer): readonly CommonParameter[] {
  if (answerer !== 'quorum') return ['timeoutMs'];
  // What changes something is executed on the newest state: it reads whatever was written before.
  return operation.kind === 'read'
    ? ['consistency', 'minOffset', 'atOffset', 'timeoutMs']
    : ['timeoutMs', 'validateOnly'];
}

function describeProbe(operation: OperationDescription): DescribedRoute {
  const described = describe(operation, '', 'public');
  const response: { readonly properties?: Readonly<Record<string, unknown>> } = operation.response;
  const mayBeUnavailable = response.properties?.['checks'] !== undefined;
  return mayBeUnavailable ? { ...described, unavailable: operation.response } : described;
}

const closed = { additionalProperties: false } as const;
const noFields = Type.Object({}, closed);

const standing = {
  status: Type.Integer({ description: 'The status that a request of its own would have had.' }),
  offset: Type.Integer({ minimum: 0 }),
  epoch: Type.Integer({ minimum: 0 }),
  leaderId: Type.Union([Type.Integer(), Type.Null()]),
  forwarded: Type.Boolean(),
};

const batchOperation = {
  operationId: 'batch',
  method: 'POST',
  path: batchPath,
  summary: 'Many operations in one request, each with its own checks and its own result.',
  kind: 'write',
  priority: 'administration',
  mayCall: everyRole,
  params: noFields,
  query: noFields,
  body: Type.Object(
    { operations: Type.Array(batchEntrySchema, { minItems: 1, maxItems: batchOperationsMax }) },
    closed,
  ),
  response: Type.Object(
    {
      results: Type.Array(
        Type.Object(
          {
            ...standing,
            response: Type.Optional(Type.Unknown()),
            modifiedOffset: Type.Optional(Type.Integer({ minimum: 0 })),
            problem: Type.Optional(problemSchema),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  errors: [],
  example: {
    body: { operations: [{ operationId: 'describeTopic', params: { topic: 'orders' } }] },
    response: {
      results: [
        {
          status: 200,
          offset: 52,
          epoch: 3,
          leaderId: 0,
          forwarded: false,
          modifiedOffset: 40,
          response: { name: 'orders', partitionCount: 6 },
        },
      ],
    },
  },
} as const satisfies OperationDescription;

const batchRoute: DescribedRoute = {
  path: batchPath,
  operation: batchOperation,
  isPublic: false,
  errors: commonErrors(batchOperation, 'node'),
  commonParameters: [],
};

/** What a stream may begin with, and go on with. */
const watchExample: readonly WatchMessage[] = [
  {
    kind: 'begin',
    nodeId: nodeId(0),
    clusterId: uuid('AAAAAAAAQACAAAAAAAAAAQ'),
    offset: offset(52),
    logStartOffset: offset(0),
  },
  {
    kind: 'delta',
    baseOffset: offset(40),
    endOffset: offset(41),
    epoch: epoch(3),
    timestampMs: 1_790_000_000_000,
    records: [
      {
        offset: offset(40),
        type: 'TopicRecord',
        value: { name: 'orders', topicId: uuid('BAAAAAAAQACAAAAAAAAAAQ') },
      },
    ],
  },
  { kind: 'bookmark', offset: offset(52) },
];

const streamedMessages = Type.String({
  description:
    'Server-sent events that do not end. The name of each is the `kind` of its message, its data the message as JSON (x-message), and its id, where it has one, what Last-Event-ID goes on from.',
  'x-message': streamOperations.watch.response,
});

const streamedFrames = Type.String({
  format: 'binary',
  description:
    'The same messages as msgpack maps (x-message), each behind its length in bytes (uint32, big-endian).',
  'x-message': streamOperations.watch.response,
});

function watchExampleText(): string {
  const { eventStream } = createWatchFormats();
  return watchExample.map((message) => eventStream.message(message).toString()).join('');
}

const watchRoute: DescribedRoute = {
  path: apiPrefix + streamOperations.watch.path,
  operation: streamOperations.watch,
  isPublic: false,
  errors: allErrors(streamOperations.watch, 'node'),
  commonParameters: [],
  content: {
    [eventStreamContentType]: { schema: streamedMessages, example: watchExampleText() },
    [binaryWatchContentType]: { schema: streamedFrames },
  },
  ownHeaders: ['lastEventId'],
};

export const descriptionPath = '/openapi.json';

const descriptionOperation = {
  operationId: 'getDescription',
  method: 'GET',
  path: descriptionPath,
  summary: 'Describes all operations of this node: this very document.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: noFields,
  query: noFields,
  body: noFields,
  response: Type.Object({ openapi: Type.String() }),
  errors: [],
  example: { response: { openapi: '3.1.0' } },
} as const satisfies OperationDescription;

const descriptionRoute: DescribedRoute = {
  path: descriptionPath,
  operation: descriptionOperation,
  isPublic: true,
  errors: commonErrors(descriptionOperation, 'public'),
  commonParameters: [],
};

const metricsOperation = {
  operationId: 'getMetrics',
  method: 'GET',
  path: metricsPath,
  summary: 'Shows what this node has measured, in the text format of Prometheus.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: noFields,
  query: noFields,
  body: noFields,
  response: Type.String(),
  errors: [],
  example: { response: 'kafka_server_raftmetrics_current_epoch 3\n' },
} as const satisfies OperationDescription;

const metricsRoute: DescribedRoute = {
  path: metricsPath,
  operation: metricsOperation,
  isPublic: false,
  errors: commonErrors(metricsOperation, 'node'),
  commonParameters: [],
  content: { 'text/plain': { schema: Type.String(), example: metricsOperation.example.response } },
};
