import { Type, type Static } from 'typebox';
import { kindNames, type WatchedKind } from '../../metadata/registry.ts';
import type { WatchBegin, WatchEnd, WatchEvent } from '../../runtime/watch/watch-api.ts';
import type { OperationDescription } from './description.ts';

/**
 * What travels in a stream: its beginning, its events and its end, each a message told apart by `kind`. Server-sent
 * events carry a message as JSON, under its kind as the event's name; the binary stream as a msgpack map behind
 * its length in bytes (uint32, big-endian).
 */
export type WatchMessage =
  | (WatchBegin & { readonly kind: 'begin' })
  | WatchEvent
  | (WatchEnd & { readonly kind: 'end' });

export const watchPath = '/watch';
export const eventStreamContentType = 'text/event-stream';
export const binaryWatchContentType = 'application/vnd.ottla.watch+msgpack';
/** What an EventSource sends when it comes again: the id of the last event that it was given. */
export const lastEventIdHeader = 'last-event-id';

/** Before each message of the binary stream. */
export const frameLengthBytes = 4;
/** A message holds one batch at most, whose records have at most a mebibyte; with their names they take more. */
export const frameBytesMax = 32 * 1024 * 1024;

const offset = Type.Integer({ minimum: 0 });
const epoch = Type.Integer({ minimum: 0 });
const nullableOffset = Type.Union([offset, Type.Null()]);
const timestampMs = Type.Integer({ minimum: 0 });
const recordFields = {
  offset,
  type: Type.String(),
  value: Type.Record(Type.String(), Type.Unknown()),
};

/** One schema for each kind of message: a reader asks the one that the kind names. */
export const watchMessageSchemas = {
  begin: Type.Object({
    kind: Type.Literal('begin'),
    nodeId: Type.Integer({ minimum: 0 }),
    clusterId: Type.String({ pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' }),
    offset,
    logStartOffset: offset,
  }),
  stateBegin: Type.Object({ kind: Type.Literal('stateBegin'), offset, epoch, timestampMs }),
  state: Type.Object({
    kind: Type.Literal('state'),
    records: Type.Array(Type.Object({ ...recordFields, timestampMs })),
  }),
  stateEnd: Type.Object({ kind: Type.Literal('stateEnd'), offset }),
  delta: Type.Object({
    kind: Type.Literal('delta'),
    baseOffset: offset,
    endOffset: offset,
    epoch,
    timestampMs,
    records: Type.Array(Type.Object(recordFields)),
    /** A part of a transaction of which the next delta has more. */
    continues: Type.Optional(Type.Literal(true)),
  }),
  bookmark: Type.Object({ kind: Type.Literal('bookmark'), offset }),
  heartbeat: Type.Object({ kind: Type.Literal('heartbeat') }),
  end: Type.Object({
    kind: Type.Literal('end'),
    code: Type.String(),
    message: Type.String(),
    position: nullableOffset,
    logStartOffset: nullableOffset,
  }),
} as const satisfies Record<WatchMessage['kind'], unknown>;

const closed = { additionalProperties: false } as const;

/** A kind that a user has defined, by the name of its feature. */
const ownKind = Type.Unsafe<WatchedKind>(Type.String({ pattern: '^kind\\.[a-z][a-z0-9-]{0,63}$' }));

const watchQuery = Type.Object(
  {
    /** Everything below is known; the state comes first when this is absent. */
    since: Type.Optional(offset),
    /** Records of these kinds only. */
    kinds: Type.Optional(
      Type.Array(Type.Union([...kindNames.map((name) => Type.Literal(name)), ownKind]), {
        minItems: 1,
        maxItems: 32,
      }),
    ),
    /** The cluster of which `since` is an offset: any other refuses it. */
    clusterId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' })),
  },
  closed,
);

export type WatchQuery = Static<typeof watchQuery>;

const watch = {
  operationId: 'watch',
  method: 'GET',
  path: watchPath,
  summary: 'Streams the state, and then every committed batch, from this node.',
  kind: 'read',
  priority: 'administration',
  mayCall: ['operator', 'broker', 'reader'],
  params: Type.Object({}, closed),
  query: watchQuery,
  body: Type.Object({}, closed),
  response: Type.Union(Object.values(watchMessageSchemas)),
  errors: ['OFFSET_OUT_OF_RANGE', 'INCONSISTENT_CLUSTER_ID', 'RESOURCE_NOT_FOUND', 'UNKNOWN_RESOURCE_KIND'],
  example: { query: { since: 40, kinds: ['topic'] }, response: { kind: 'bookmark', offset: 52 } },
} as const satisfies OperationDescription;

/** Operations whose answer is a stream. */
export const streamOperations = { watch } as const;
