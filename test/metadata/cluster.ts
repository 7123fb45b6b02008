import { brokerId, epoch, type Offset, offset, type Uuid, uuid } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Result } from '../../src/base/result.ts';
import { randomUuid } from '../../src/base/uuid.ts';
import { decodeRecords, encodeRecords } from '../../src/codec/record-value.ts';
import { runOperation, runStep } from '../../src/metadata/execute.ts';
import { createImageBuilder, emptyImageOf, type MetadataImage } from '../../src/metadata/image.ts';
import type {
  InternalOperation,
  OperationContext,
  OperationError,
  OperationOutcome,
  QuorumChange,
  QuorumView,
} from '../../src/metadata/operation.ts';
import { operationsById, type Operations } from '../../src/metadata/operations.ts';
import type { Policies } from '../../src/metadata/policy.ts';
import { builtInRegistry, type MetadataRecord, type Registry } from '../../src/metadata/registry.ts';
import {
  bootstrapRecords,
  finalizedMetadataVersion,
  supportedFeatures,
} from '../../src/metadata/resources/feature/supported.ts';
import { unfinishedFencing } from '../../src/metadata/resources/topic/settling.ts';
import type { Position } from '../../src/metadata/resource.ts';
import type { OperationDefinition } from '../../src/metadata/operation.ts';
import type { Static, TSchema } from 'typebox';

export type ResponseOf<Id extends keyof Operations> =
  Operations[Id] extends OperationDefinition<TSchema, TSchema, TSchema, infer Response>
    ? Static<Response>
    : never;

type Input = { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown };

export const clusterId: Uuid = uuid('AAAAAAAAQACAAAAAAAAAAQ');

export const newestMetadataVersion = Math.max(
  ...supportedFeatures.map((feature) => feature.maxSupportedVersion),
);

/**
 * A leader without Raft: runs operations, passes their records through the codec, replays them, and runs
 * what they continue with. It keeps the whole log.
 */
export class TestCluster {
  image: MetadataImage;
  readonly log: { readonly record: MetadataRecord; readonly position: Position }[] = [];
  readonly live = new Set<number>();
  /** By member epoch. */
  readonly liveMembers = new Set<number>();
  readonly heardOffsets = new Map<number, number>();
  /** What is still to be run; empty unless `isPaused`. */
  pending: InternalOperation[] = [];
  isPaused = false;
  timestampMs = 1_000_000;
  recordsPerStepMax = 9_000;
  principal = 'tester';
  policies: Policies = {};
  /** What the leader supports, and whom its quorum consists of. */
  quorum: QuorumView = { supported: supportedFeatures, kraftVersion: 1, voters: [], isChanging: false };
  /** What operations wanted the quorum to be changed to; only Raft could do it. */
  readonly quorumChanges: QuorumChange[] = [];
  readonly random = seededRandom(7);

  /** A new cluster is at the newest level of `metadata.version`. */
  constructor(registry: Registry = builtInRegistry, metadataVersion = newestMetadataVersion) {
    this.image = emptyImageOf(registry);
    this.append(bootstrapRecords([{ name: 'metadata.version', level: metadataVersion }]));
  }

  get context(): OperationContext {
    return {
      nextOffset: this.image.endOffset,
      epoch: epoch(1),
      timestampMs: this.timestampMs,
      random: this.random,
      clusterId,
      principal: this.principal,
      sessions: {
        sessionTimeoutMs: 9_000,
        isLive: (broker) => this.live.has(broker),
        metadataOffset: (broker): Offset | null => {
          const heard = this.heardOffsets.get(broker);
          return heard === undefined ? null : offset(heard);
        },
      },
      groupSessions: { isLive: (memberEpoch) => this.liveMembers.has(memberEpoch) },
      quorum: this.quorum,
      policies: this.policies,
      recordsPerStepMax: this.recordsPerStepMax,
    };
  }

  append(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    const { registry } = this.image;
    const decoded = decodeRecords(
      registry,
      encodeRecords(registry, records, newestMetadataVersion),
      records.length,
    );
    if (!decoded.ok) throw new Error(decoded.error.message);
    const builder = createImageBuilder(this.image);
    let next: number = this.image.endOffset;
    for (const record of decoded.value) {
      const position = { offset: offset(next), epoch: epoch(1), timestampMs: this.timestampMs };
      builder.replay(record, position);
      this.log.push({ record, position });
      next++;
    }
    this.image = builder.freeze(offset(next), epoch(1));
  }

  get #level(): number {
    return finalizedMetadataVersion(this.image);
  }

  run(operationId: keyof Operations, input: Input): Result<OperationOutcome<unknown>, OperationError> {
    const operation = operationsById.get(operationId);
    if (operation === undefined) throw new Error(`no operation ${operationId}`);
    const whole = { params: input.params ?? {}, query: input.query ?? {}, body: input.body ?? {} };
    const result = runOperation(operation, this.image, whole, this.context);
    return this.#finish(result);
  }

  /** Step for step, as the leader writes a transaction; the result of the last is that of the whole. */
  #finish(result: Result<OperationOutcome<unknown>, OperationError>): typeof result {
    let ran = result;
    while (ran.ok) {
      this.append(ran.value.records);
      const { next = null } = ran.value;
      if (next === null) {
        this.follow(ran.value);
        break;
      }
      ran = runStep(next, this.image, this.context);
    }
    return ran;
  }

  /** What an operation has said beside its response. */
  follow(outcome: Omit<OperationOutcome<unknown>, 'records' | 'response'>): void {
    const { heard, forgotten, heardMember, forgottenMember, continueWith, quorumChange } = outcome;
    if (heard !== undefined) {
      this.live.add(heard.brokerId);
      if (heard.metadataOffset !== null) this.heardOffsets.set(heard.brokerId, heard.metadataOffset);
      else this.heardOffsets.delete(heard.brokerId);
    }
    if (forgotten !== undefined) this.live.delete(forgotten);
    if (heardMember !== undefined) this.liveMembers.add(heardMember.memberEpoch);
    if (forgottenMember !== undefined) this.liveMembers.delete(forgottenMember);
    if (continueWith !== undefined && continueWith !== null) this.goOn(continueWith);
    if (quorumChange !== undefined && quorumChange !== null) this.quorumChanges.push(quorumChange);
  }

  /** The response of an operation that must succeed. */
  ok<Id extends keyof Operations>(operationId: Id, input: Input): ResponseOf<Id> {
    const result = this.run(operationId, input);
    if (!result.ok) throw new Error(`${operationId}: ${result.error.code} ${result.error.message}`);
    return result.value.response as ResponseOf<Id>;
  }

  /** The code of an operation that must be refused; it must have changed nothing. */
  code(operationId: keyof Operations, input: Input): string {
    const end = this.image.endOffset;
    const result = this.run(operationId, input);
    if (result.ok)
      throw new Error(`${operationId} was not refused: ${JSON.stringify(result.value.response)}`);
    if (this.image.endOffset !== end) throw new Error(`${operationId} was refused and changed something`);
    return result.error.code;
  }

  goOn(operation: InternalOperation): void {
    this.pending.push(operation);
    if (!this.isPaused) this.drain();
  }

  /** One batch of what is pending; false when there is nothing. */
  step(): boolean {
    const operation = this.pending.shift();
    if (operation === undefined) return false;
    const { records, continueWith } = operation.handle(this.image, this.context);
    this.append(records);
    if (continueWith !== null) this.pending.unshift(continueWith);
    return true;
  }

  drain(): void {
    for (let batches = 0; this.step(); batches++) {
      if (batches > 10_000) throw new Error('internal work does not end');
    }
  }

  /** Another leader takes over: what was pending is forgotten, what is unfinished is found by scan. */
  failOver(): void {
    this.pending = [...unfinishedFencing(this.image)];
    if (!this.isPaused) this.drain();
  }

  registration(id: number, incarnation = id, rack: string | null = null): Record<string, unknown> {
    return {
      brokerId: id,
      clusterId,
      incarnationId: incarnationId(incarnation),
      listeners: [{ name: 'CLIENT', host: `host-${id}`, port: 9000 + id }],
      rack,
      // Who names no level knows the first one alone.
      ...(this.#level > 1 ? { features: supportedFeatures } : {}),
    };
  }

  register(id: number, incarnation = id, rack: string | null = null): number {
    return this.ok('registerBroker', { body: this.registration(id, incarnation, rack) }).brokerEpoch;
  }

  /** A new incarnation of a broker that has lost nothing. */
  registerAgain(id: number, incarnation: number): number {
    const previousBrokerEpoch = this.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
    const body = { ...this.registration(id, incarnation), previousBrokerEpoch };
    return this.ok('registerBroker', { body }).brokerEpoch;
  }

  heartbeat(id: number, wants: { readonly wantFence?: boolean; readonly wantShutDown?: boolean } = {}) {
    const brokerEpoch = this.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
    const metadataOffset = this.image.endOffset;
    const input = { params: { brokerId: id }, body: { brokerEpoch, metadataOffset, ...wants } };
    return this.ok('heartbeatBroker', input);
  }

  /** Registers and unfences. */
  start(...ids: number[]): void {
    for (const id of ids) {
      this.register(id);
      this.heartbeat(id);
    }
  }

  /** The session of these brokers expires. */
  expire(
    expiry: (brokers: readonly ReturnType<typeof brokerId>[]) => InternalOperation,
    ...ids: number[]
  ): void {
    for (const id of ids) this.live.delete(id);
    this.goOn(expiry(ids.map(brokerId)));
  }

  partition(topic: string, partition = 0): ResponseOf<'describePartition'> {
    return this.ok('describePartition', { params: { topic, partition } });
  }
}

export function incarnationId(seed: number): Uuid {
  return randomUuid(seededRandom(seed + 1_000));
}
