import { assert } from '../../../src/base/assert.ts';
import { zeroUuid, uuidFromBytes, uuidToBytes } from '../../../src/base/uuid.ts';
import { type Uuid, uuid } from '../../../src/base/brands.ts';
import type { ErrorCode } from '../../../src/metadata/errors.ts';
import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import type { ControllerNode } from '../../../src/runtime/controller-node.ts';
import { newerFeatures } from '../../releases.ts';
import { recordsIn } from '../../records-in.ts';
import type { ClientOutcome, ClientRequest, CommittedWrite, WrittenBatch } from '../host.ts';

type WriteRequest = Extract<ClientRequest, { kind: 'write' }>;

/** Longer than most faults last, and shorter than the time in which a healed cluster must have answered. */
const timeoutMs = 10_000;

/** Answers that say for certain that nothing was done, and that another node or moment may do it. */
const retriable: ReadonlySet<ErrorCode> = new Set([
  'NOT_CONTROLLER',
  'THROTTLING_QUOTA_EXCEEDED',
  'STORAGE_LOW',
  'REQUEST_TIMED_OUT',
]);

/** Brokers from here on belong to the other workloads. */
const registerKeysMax = 100;

/**
 * The register workload in terms of the controller: key k is broker k, and a write registers a new
 * incarnation of it, whose id tells which attempt it was.
 */
export class RegisterClient {
  readonly #node: ControllerNode;
  #clusterId: Uuid = zeroUuid;

  constructor(node: ControllerNode) {
    this.#node = node;
  }

  /** The node belongs to this cluster; until then it refuses every request. */
  joined(clusterId: Uuid): void {
    this.#clusterId = clusterId;
  }

  submit(request: ClientRequest, complete: (outcome: ClientOutcome) => void): void {
    const made = request.kind === 'write' ? registration(request, this.#clusterId) : description(request);
    this.#node.submit([made], (answer) => complete(outcomeOf(request, answer)));
  }
}

function registration(request: WriteRequest, clusterId: Uuid): ControllerRequest {
  const listeners = paddedListeners(request.padding);
  const incarnationId = incarnationOf(request.attempt);
  const body = { brokerId: request.key, clusterId, incarnationId, listeners, features: newerFeatures };
  return { ...common(request), operationId: 'registerBroker', input: { params: {}, query: {}, body } };
}

const hostLengthMax = 255;
const listenersMax = 16;

/** Names of hosts take up as many bytes as the write is to have, so that its frame has several sectors. */
function paddedListeners(padding: number): readonly object[] {
  const hosts = Math.min(listenersMax, 1 + Math.floor(padding / hostLengthMax));
  return Array.from({ length: hosts }, (_, at) => {
    const length = at + 1 < hosts ? hostLengthMax : padding % hostLengthMax;
    return { name: `LISTENER_${at}`, host: 'broker'.padEnd(length, '-'), port: 9092 + at };
  });
}

function description(request: ClientRequest): ControllerRequest {
  const params = { brokerId: request.key };
  return { ...common(request), operationId: 'describeBroker', input: { params, query: {}, body: {} } };
}

function common(request: ClientRequest): Omit<ControllerRequest, 'operationId' | 'input'> {
  return {
    requestId: request.attempt,
    principal: 'simulator',
    idempotencyKey: null,
    consistency: 'linearizable',
    minOffset: null,
    ifMatch: null,
    timeoutMs,
  };
}

function outcomeOf(request: ClientRequest, answer: ControllerAnswer): ClientOutcome {
  const { offset, result } = answer;
  if (result.ok) {
    if (request.kind === 'write') return { kind: 'written', offset };
    return { kind: 'read', value: valueOf(result.response), offset };
  }
  const { code } = result;
  if (code === 'OUTCOME_UNKNOWN') return { kind: 'unknown' };
  if (code === 'BROKER_ID_NOT_REGISTERED' && request.kind === 'read')
    return { kind: 'read', value: 0, offset };
  if (retriable.has(code)) return { kind: 'refused', reason: code, isFinal: false };
  // Another incarnation's session lives on for a moment.
  assert(code === 'DUPLICATE_BROKER_REGISTRATION', `${request.kind} was answered ${code}: ${result.message}`);
  return { kind: 'refused', reason: code, isFinal: true };
}

function valueOf(response: unknown): number {
  const isBroker = typeof response === 'object' && response !== null && 'incarnationId' in response;
  assert(isBroker, 'a broker is described with its incarnation');
  const { incarnationId } = response;
  assert(typeof incarnationId === 'string', 'an incarnation id is a text');
  return attemptOf(uuid(incarnationId));
}

function incarnationOf(attempt: number): Uuid {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, attempt);
  bytes[15] = 1;
  return uuidFromBytes(bytes);
}

function attemptOf(incarnationId: Uuid): number {
  return new DataView(uuidToBytes(incarnationId).buffer).getUint32(0);
}

/** The writes of the workload that a committed batch holds. */
export function decodeBrokerWrites(batch: WrittenBatch): readonly CommittedWrite[] {
  const writes: CommittedWrite[] = [];
  for (const [at, record] of recordsIn(batch).entries()) {
    if (record.type !== 'RegisterBrokerRecord' || record.brokerId >= registerKeysMax) continue;
    const attempt = attemptOf(record.incarnationId);
    writes.push({ attempt, key: record.brokerId, endOffset: batch.baseOffset + at + 1 });
  }
  return writes;
}
