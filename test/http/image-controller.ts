import { assert } from '../../src/base/assert.ts';
import { epoch, nodeId, offset, uuid, type BrokerId, type Offset, type Uuid } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { TSchema } from 'typebox';
import { ok, type Result } from '../../src/base/result.ts';
import { runOperation, runStep } from '../../src/metadata/execute.ts';
import { createImageBuilder, emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import type {
  InternalOperation,
  OperationContext,
  OperationError,
  OperationInput,
  OperationOutcome,
  OperationStep,
} from '../../src/metadata/operation.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import type { TokenRow } from '../../src/metadata/resources/token/resource.ts';
import { bootstrapRecords } from '../../src/metadata/resources/feature/supported.ts';
import type {
  ControllerAnswer,
  ControllerApi,
  ControllerRequest,
  LogRecordView,
  NodeStatus,
} from '../../src/runtime/controller-api.ts';
import { supportedVersions } from '../../src/runtime/node-options.ts';
import { isQuorumOperation } from '../../src/runtime/quorum-operations/definitions.ts';
import { registeredFeatures } from '../../src/runtime/supported-versions.ts';
import { BatchRecords } from '../../src/runtime/watch/batch-records.ts';
import { openWatchLater } from '../../src/runtime/watch/open-watch.ts';
import type { WatchHandle, WatchListener, WatchRequest } from '../../src/runtime/watch/watch-api.ts';
import { WatchHub } from '../../src/runtime/watch/watch-hub.ts';
import { nodeClock } from '../../src/client/node-clock.ts';
import { ListLog } from '../runtime/support/list-log.ts';
import { fakeStatus } from './fake-controller.ts';

/**
 * A controller of one node in memory that carries the real operations out on a real image: what Raft and
 * disk would add is left out, and broker sessions never run out. For tests of what stands above it.
 */
export class ImageController implements ControllerApi {
  image: MetadataImage = emptyImage;
  readonly requests: ControllerRequest[] = [];
  /** What the node says of itself otherwise than usual. */
  changes: Partial<NodeStatus> = {};
  readonly #records: LogRecordView[] = [];
  readonly log = new ListLog((_delayUs, run) => setImmediate(run));
  readonly #heard = new Map<BrokerId, Offset | null>();
  readonly #random = seededRandom(1);
  readonly #startMs = 1_700_000_000_000;
  /** A test may answer a request itself; null leaves it to the image. */
  intercept: (request: ControllerRequest) => ControllerAnswer['result'] | 'silent' | null = () => null;

  readonly hub = new WatchHub({
    nodeId: nodeId(0),
    clusterId: uuid('BBBBBBBBBBBBBBBBBBBBBA'),
    clock: nodeClock,
    log: this.log.asLog(),
    records: new BatchRecords(builtInRegistry),
    image: () => this.image,
    logStartOffset: () => this.log.startOffset,
    leaderId: () => nodeId(0),
    recentBytesMax: 64 * 1024,
  });

  constructor() {
    this.append(bootstrapRecords());
  }

  status(): NodeStatus {
    const end = this.image.endOffset;
    return fakeStatus({
      highWatermark: end,
      logEndOffset: end,
      flushedOffset: end,
      appliedOffset: end,
      ...this.changes,
    });
  }

  submit(requests: readonly ControllerRequest[], complete: (answer: ControllerAnswer) => void): void {
    for (const request of requests) {
      this.requests.push(request);
      setImmediate(() => {
        const result = this.intercept(request) ?? this.#execute(request);
        if (result === 'silent') return;
        const { epoch: imageEpoch, leaderId } = this.status();
        complete({
          requestId: request.requestId,
          offset: this.image.endOffset,
          epoch: imageEpoch,
          leaderId,
          forwarded: false,
          result,
        });
      });
    }
  }

  findToken(tokenId: Uuid): TokenRow | null {
    return this.image.token.tokens.get(tokenId);
  }

  readLog(
    request: Parameters<NonNullable<ControllerApi['readLog']>>[0],
    complete: Parameters<NonNullable<ControllerApi['readLog']>>[1],
  ): void {
    const records = this.#records.slice(request.from, request.from + request.maxRecords);
    const nextOffset = offset(request.from + records.length);
    const header = {
      epoch: epoch(3),
      appendTimestampMs: this.#startMs,
      kind: 'data',
      sizeInBytes: 100,
    } as const;
    const batches = records.map((record) => ({ ...header, baseOffset: record.offset, records: [record] }));
    const endOffset = this.image.endOffset;
    setImmediate(() =>
      complete({ ok: true, value: { logStartOffset: offset(0), endOffset, nextOffset, batches } }),
    );
  }

  openWatch(request: WatchRequest, listener: WatchListener): WatchHandle {
    return openWatchLater(nodeClock, () => this.hub.open(request, listener));
  }

  /** The broker's session has run out: its id may be taken by another incarnation. */
  forget(broker: BrokerId): void {
    this.#heard.delete(broker);
  }

  #execute(request: ControllerRequest): ControllerAnswer['result'] {
    // There is one voter here, which leads.
    if (isQuorumOperation(request.operationId)) {
      const code = request.operationId === 'addVoter' ? 'VOTER_NOT_CAUGHT_UP' : 'VOTER_NOT_FOUND';
      return { ok: false, code, message: 'None.', details: null, retryAfterMs: null };
    }
    const operation = operationsById.get(request.operationId);
    assert(operation !== undefined, `there is no operation ${request.operationId}`);
    // The server has checked it against the operation's schemas.
    const input = request.input as OperationInput<TSchema, TSchema, TSchema>;
    const result = this.#runSteps(
      (image, context) => runOperation(operation, image, input, context),
      request,
    );
    if (!result.ok) {
      const { code, message, details } = result.error;
      return { ok: false, code, message, details: details ?? null, retryAfterMs: null };
    }
    const { records, response, heard, forgotten, continueWith } = result.value;
    if (request.validateOnly === true) return { ok: true, response };
    this.append(records);
    if (heard !== undefined) this.#heard.set(heard.brokerId, heard.metadataOffset);
    if (forgotten !== undefined) this.#heard.delete(forgotten);
    this.#goOn(continueWith ?? null);
    return { ok: true, response };
  }

  /** All steps of an operation as one: what it would write is what they would write together. */
  #runSteps(
    first: OperationStep<unknown>,
    { principal }: ControllerRequest,
  ): Result<OperationOutcome<unknown>, OperationError> {
    const builder = createImageBuilder(this.image);
    const { epoch: imageEpoch } = this.status();
    const written: MetadataRecord[] = [];
    let now = this.image;
    for (let step = first; ; ) {
      const result = step(now, { ...this.#context(principal), nextOffset: now.endOffset });
      if (!result.ok) return result;
      const { records, next = null } = result.value;
      written.push(...records);
      if (next === null) return ok({ ...result.value, records: written });
      for (const [at, record] of records.entries()) {
        const position = {
          offset: offset(now.endOffset + at),
          epoch: imageEpoch,
          timestampMs: this.#startMs,
        };
        builder.replay(record, position);
      }
      now = builder.peek();
      step = (image, context) => runStep(next, image, context);
    }
  }

  #goOn(first: InternalOperation | null): void {
    for (let next = first; next !== null; ) {
      const outcome = next.handle(this.image, this.#context('User:controller'));
      this.append(outcome.records);
      next = outcome.continueWith;
    }
  }

  #context(principal: string): OperationContext {
    const { clusterId, epoch: statusEpoch } = this.status();
    assert(clusterId !== null, 'the cluster has an id');
    return {
      nextOffset: this.image.endOffset,
      epoch: statusEpoch,
      timestampMs: this.#startMs,
      random: this.#random,
      clusterId,
      principal,
      sessions: {
        sessionTimeoutMs: 9_000,
        isLive: (broker) => this.#heard.has(broker),
        metadataOffset: (broker) => this.#heard.get(broker) ?? null,
      },
      groupSessions: { isLive: () => true },
      quorum: {
        supported: registeredFeatures(supportedVersions),
        kraftVersion: 1,
        voters: [],
        isChanging: false,
      },
      recordsPerStepMax: 9_000,
    };
  }

  /** One committed batch; none when there are no records. */
  append(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    this.log.data(records, 3, this.#startMs);
    const builder = createImageBuilder(this.image);
    let at = this.image.endOffset;
    for (const record of records) {
      builder.replay(record, { offset: at, timestampMs: this.#startMs, epoch: epoch(3) });
      const { type, ...value } = record;
      this.#records.push({ offset: at, type, value });
      at = offset(at + 1);
    }
    this.image = builder.freeze(at, epoch(3));
    this.hub.applied();
  }
}
