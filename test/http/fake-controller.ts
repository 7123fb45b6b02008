import { Type } from 'typebox';
import { epoch, nodeId, offset, uuid, type NodeId } from '../../src/base/brands.ts';
import { ok, type Result } from '../../src/base/result.ts';
import type { OperationDescription } from '../../src/client/protocol/description.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import type {
  ControllerAnswer,
  ControllerApi,
  ControllerRequest,
  LogSlice,
  NodeStatus,
  SnapshotError,
  SnapshotView,
} from '../../src/runtime/controller-api.ts';

const closed = { additionalProperties: false };

/** Operations of the tests' own, one for each kind of field and of answer. */
export const testOperations = {
  createTopic: {
    operationId: 'createTopic',
    method: 'POST',
    path: '/topics',
    summary: 'Creates a topic.',
    kind: 'write',
    priority: 'administration',
    mayCall: ['operator'],
    params: Type.Object({}, closed),
    query: Type.Object({ validateOnly: Type.Optional(Type.Boolean()) }, closed),
    body: Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 249 }),
        partitions: Type.Integer({ minimum: 1 }),
        cleanup: Type.Optional(Type.Union([Type.Literal('delete'), Type.Literal('compact')])),
        labels: Type.Optional(Type.Array(Type.Object({ key: Type.String() }, closed))),
      },
      closed,
    ),
    response: Type.Object({ topicId: Type.String() }, closed),
    successStatus: 201,
    errors: ['TOPIC_ALREADY_EXISTS'],
  },
  describeTopic: {
    operationId: 'describeTopic',
    method: 'GET',
    path: '/topics/{topic}',
    summary: 'Describes a topic.',
    kind: 'read',
    priority: 'administration',
    mayCall: ['operator', 'broker', 'reader'],
    params: Type.Object({ topic: Type.String({ minLength: 1, maxLength: 249 }) }, closed),
    query: Type.Object({ partition: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))) }, closed),
    body: Type.Object({}, closed),
    response: Type.Object({ name: Type.String(), partitions: Type.Integer() }, closed),
    errors: ['UNKNOWN_TOPIC_OR_PARTITION'],
  },
  deleteTopic: {
    operationId: 'deleteTopic',
    method: 'DELETE',
    path: '/topics/{topic}',
    summary: 'Deletes a topic.',
    kind: 'write',
    priority: 'administration',
    mayCall: ['operator'],
    params: Type.Object({ topic: Type.String() }, closed),
    query: Type.Object({}, closed),
    body: Type.Object({}, closed),
    response: Type.Object({}, closed),
    successStatus: 204,
    errors: ['UNKNOWN_TOPIC_OR_PARTITION'],
  },
  brokerHeartbeat: {
    operationId: 'brokerHeartbeat',
    method: 'POST',
    path: '/brokers/{brokerId}/heartbeat',
    summary: 'Keeps a session alive.',
    kind: 'heartbeat',
    priority: 'heartbeat',
    mayCall: ['broker'],
    params: Type.Object({ brokerId: Type.Integer({ minimum: 0 }) }, closed),
    query: Type.Object({}, closed),
    body: Type.Object({ brokerEpoch: Type.Integer({ minimum: 0 }) }, closed),
    response: Type.Object({ isFenced: Type.Boolean() }, closed),
    errors: ['STALE_BROKER_EPOCH'],
  },
} as const satisfies Record<string, OperationDescription>;

export function fakeStatus(changes: Partial<NodeStatus> = {}): NodeStatus {
  const directoryId = uuid('AAAAAAAAAAAAAAAAAAAAAQ');
  return {
    nodeId: nodeId(0),
    directoryId,
    clusterId: uuid('BBBBBBBBBBBBBBBBBBBBBA'),
    role: 'leader',
    isObserver: false,
    recovering: false,
    epoch: epoch(3),
    leaderId: nodeId(0),
    active: true,
    highWatermark: offset(42),
    leaderHighWatermark: offset(42),
    logStartOffset: offset(0),
    logEndOffset: offset(43),
    flushedOffset: offset(43),
    appliedOffset: offset(42),
    latestSnapshotOffset: null,
    snapshotChunksReceived: 0,
    lowOnSpace: false,
    lastContactMs: 5,
    oldestWriteMs: null,
    commitStuckMs: null,
    applyStuckMs: null,
    brokerSessionTimeoutMs: 9_000,
    voters: [0, 1, 2].map((id) => ({
      id: nodeId(id),
      directoryId,
      endpoint: { host: '127.0.0.1', port: 9645 + 2 * id },
      kraftVersions: { min: 1, max: 1 },
    })),
    replicas: [],
    ...changes,
  };
}

export type FakeResult =
  | { readonly response: unknown; readonly modifiedOffset?: number }
  | {
      readonly code: ErrorCode;
      readonly message?: string;
      readonly details?: Readonly<Record<string, unknown>>;
      readonly retryAfterMs?: number;
    }
  | 'silent';

/**
 * A controller in memory: the test says what each request is answered with. Answers come in a later turn
 * of the event loop, as the contract wants.
 */
export class FakeController implements ControllerApi {
  /** Every call of `submit`, as it came. */
  readonly batches: (readonly ControllerRequest[])[] = [];
  currentStatus: NodeStatus = fakeStatus();
  acceptsBareIdempotencyKeys = true;
  forwarded = false;
  answer: (request: ControllerRequest) => FakeResult = () => ({ response: {} });
  logSlice: LogSlice | null = null;
  readonly snapshotViews: SnapshotView[] = [];
  /** What a snapshot that is taken comes to; null leaves whoever asks without an answer. */
  snapshotResult: Result<SnapshotView, SnapshotError> | null = null;

  get requests(): readonly ControllerRequest[] {
    return this.batches.flat();
  }

  status(): NodeStatus {
    return this.currentStatus;
  }

  submit(requests: readonly ControllerRequest[], complete: (answer: ControllerAnswer) => void): void {
    this.batches.push(requests);
    for (const request of requests) {
      setImmediate(() => {
        const result = this.answer(request);
        if (result !== 'silent') complete(this.#toAnswer(request, result));
      });
    }
  }

  readLog(
    request: Parameters<NonNullable<ControllerApi['readLog']>>[0],
    complete: Parameters<NonNullable<ControllerApi['readLog']>>[1],
  ): void {
    setImmediate(() => {
      const slice = this.logSlice;
      if (slice !== null && request.from >= slice.logStartOffset) complete(ok(slice));
      else {
        const message = `The log begins above ${request.from}.`;
        const logStartOffset = slice?.logStartOffset ?? offset(0);
        complete({ ok: false, error: { code: 'OFFSET_OUT_OF_RANGE', message, logStartOffset } });
      }
    });
  }

  snapshots(): readonly SnapshotView[] {
    return this.snapshotViews;
  }

  takeSnapshot(complete: (result: Result<SnapshotView, SnapshotError>) => void): void {
    const result = this.snapshotResult;
    if (result !== null) setImmediate(() => complete(result));
  }

  /** Nobody leads; the contract's answer is NOT_CONTROLLER once the caller's time is over. */
  loseLeader(): void {
    this.currentStatus = fakeStatus({ role: 'prospective', leaderId: null, active: false });
    this.answer = () => ({ code: 'NOT_CONTROLLER', message: 'No leader is known.', retryAfterMs: 400 });
  }

  #toAnswer(request: ControllerRequest, result: Exclude<FakeResult, 'silent'>): ControllerAnswer {
    const standing = {
      requestId: request.requestId,
      offset: this.currentStatus.highWatermark,
      epoch: this.currentStatus.epoch,
      leaderId: this.currentStatus.leaderId as NodeId | null,
      forwarded: this.forwarded,
    };
    if ('code' in result) {
      return {
        ...standing,
        result: {
          ok: false,
          code: result.code,
          message: result.message ?? `It failed with ${result.code}.`,
          details: result.details ?? null,
          retryAfterMs: result.retryAfterMs ?? null,
        },
      };
    }
    return {
      ...standing,
      result: { ok: true, response: result.response },
      ...(result.modifiedOffset === undefined ? {} : { modifiedOffset: offset(result.modifiedOffset) }),
    };
  }
}
