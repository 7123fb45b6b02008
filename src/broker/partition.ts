import { assertDefined } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { PlacedRecordBatch } from '../codec/record-batch/batches.ts';
import {
  decodeRecordBatchHeader,
  placeRecordBatch,
  recordBatchEndOffset,
} from '../codec/record-batch/header.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ProducedBatch } from '../replica/producer-state.ts';
import { Replica } from '../replica/replica.ts';
import type {
  FetchAnswer,
  FetchRequest,
  PartitionView,
  ProduceError,
  ProposalAnswer,
  ReplicaConfig,
  ReplicaEffect,
  ReplicaInput,
} from '../replica/types.ts';
import type { HeldPartition, PartitionSettings } from './broker-core.ts';
import { batchProducerOf, producedIn } from './batch-facts.ts';
import type { OpenedPartitionLog } from './log/open-partition-log.ts';
import type { PartitionLog } from './log/partition-log.ts';
import type { ReadAnswer } from './log/read.ts';

/** By the broker's own clock, as of the moment in which it is asked for. */
export type Lease = { readonly holdsLease: boolean; readonly brokerEpoch: number };

/** What a follower asks, and who may take the answer. */
export type WantedFetch = {
  readonly partition: Partition;
  readonly fetchId: number;
  readonly request: FetchRequest;
};

type IsrProposal = Extract<ReplicaEffect, { type: 'proposeIsr' }>;

/** What one replica needs of its broker. */
export type PartitionPorts = {
  readonly clock: Clock;
  readonly config: ReplicaConfig;
  /** Looks at the clock. */
  readonly lease: () => Lease;
  readonly sendFetch: (leader: number, fetch: WantedFetch) => void;
  readonly proposeIsr: (
    partition: Partition,
    proposal: IsrProposal,
    answered: (answer: ProposalAnswer) => void,
  ) => void;
  /** The disk gives other bytes than it was given: the process must stop. */
  readonly onDamaged: (message: string) => void;
};

export type Produced = {
  readonly baseOffset: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
};

export type ProduceAnswer = Result<Produced, ProduceError>;

/** `leader`: on the leader's own disk is enough (acks=1). */
export type Acknowledgement = 'all' | 'leader';

type Production = {
  readonly batch: PlacedRecordBatch;
  readonly acknowledgement: Acknowledgement;
  readonly answered: (answer: ProduceAnswer) => void;
};

type Untimed<Input> = Input extends unknown ? Omit<Input, 'nowMs'> : never;

const rebuildChunkBytes = 1_048_576;

/**
 * One replica of one partition with its log: does what the pure replica (`src/replica`) decides, and moves its bytes.
 *
 * Invariants
 * 1. Before each step the lease is looked at, and the replica knows what was seen (lease-looked-at).
 * 2. A fetch is sent only when all that was appended is on disk, so that it says so; the flush that ends sends it.
 * 3. What is placed in the log by the leader, or was placed by one before, is not changed any more.
 */
export class Partition {
  readonly key: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Bytes of records since the start, for whoever balances load. */
  readonly load = { bytesIn: 0, bytesOut: 0 };
  readonly #ports: PartitionPorts;
  readonly #log: PartitionLog;
  readonly #replica: Replica;
  readonly #productions = new Map<number, Production>();
  readonly #listeners = new Set<() => void>();
  /** The high watermark that each follower was told last. */
  readonly #told = new Map<number, number>();
  #settings: PartitionSettings;
  #held: HeldPartition | null = null;
  #lease: Lease;
  #nextProduceId = 1;
  #fetched: readonly Uint8Array[] = [];
  #fetchAnswer: FetchAnswer | null = null;
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  #isNewsDue = false;
  #isClosed = false;

  constructor(held: HeldPartition, { log, recovery }: OpenedPartitionLog, ports: PartitionPorts) {
    this.key = held.key;
    this.topic = held.topic;
    this.topicId = held.topicId;
    this.partition = held.partition;
    this.#settings = held.settings;
    this.#ports = ports;
    this.#log = log;
    const { brokerEpoch } = ports.lease();
    this.#lease = { holdsLease: false, brokerEpoch };
    const { epochs, produced } = recovery;
    const { startOffset: logStartOffset, endOffset: logEndOffset } = log;
    const recovered = { brokerEpoch, epochs, produced, logStartOffset, logEndOffset };
    this.#replica = new Replica(ports.config, recovered, ports.clock.monotonicMs());
  }

  /** What it was told last; null before that. */
  get held(): HeldPartition | null {
    return this.#held;
  }

  get view(): PartitionView | null {
    return this.#held?.view ?? null;
  }

  get settings(): PartitionSettings {
    return this.#settings;
  }

  get replica(): Pick<Replica, 'role' | 'leaderEpoch' | 'logEndOffset' | 'flushedOffset' | 'highWatermark'> {
    return this.#replica;
  }

  get logStartOffset(): number {
    return this.#log.startOffset;
  }

  get sizeInBytes(): number {
    return this.#log.sizeInBytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** It leads and holds its lease, as of now. */
  get isLeading(): boolean {
    this.lookAtLease();
    return !this.#isClosed && this.#replica.role === 'leader' && this.#lease.holdsLease;
  }

  /** Up to where a consumer may read, as of now; null while nothing may be read here. */
  get visibleEndOffset(): number | null {
    this.lookAtLease();
    return this.#isClosed ? null : this.#replica.visibleEndOffset;
  }

  changed(held: HeldPartition): void {
    this.#settings = held.settings;
    this.#held = held;
    this.#step({ type: 'partitionChanged', view: held.view });
  }

  /** Whatever may have happened to the lease while nobody looked. */
  lookAtLease(): void {
    const lease = this.#ports.lease();
    if (lease.holdsLease === this.#lease.holdsLease && lease.brokerEpoch === this.#lease.brokerEpoch) return;
    this.#lease = lease;
    this.#take({ type: 'leaseChanged', ...lease });
    this.#tellNews();
  }

  /** Takes one batch that a client may send; its bytes are the log's from here on. `answered` is called once. */
  produce(
    batch: PlacedRecordBatch,
    acknowledgement: Acknowledgement,
    answered: (answer: ProduceAnswer) => void,
  ): void {
    if (this.#isClosed) {
      answered(failed('NOT_LEADER_OR_FOLLOWER'));
      return;
    }
    const produceId = this.#nextProduceId++;
    const { header } = batch;
    this.#productions.set(produceId, { batch, acknowledgement, answered });
    const producer = batchProducerOf(header);
    this.#step({ type: 'produceRequested', produceId, recordCount: header.lastOffsetDelta + 1, producer });
  }

  /** Removes what the topic's settings do not keep, where this broker leads; followers follow. */
  applyRetention(nowMs: number): void {
    if (this.#isClosed || this.#replica.role !== 'leader') return;
    const { retentionMs, retentionBytes } = this.#settings;
    const { highWatermark } = this.#replica;
    const logStartOffset = this.#log.retainedFrom({ nowMs, retentionMs, retentionBytes, highWatermark });
    if (logStartOffset > this.logStartOffset) this.removeBelow(logStartOffset);
  }

  /** As far as this broker leads, and as it is committed. */
  removeBelow(logStartOffset: number): void {
    this.#step({ type: 'retentionDue', logStartOffset });
  }

  /** What a follower may be answered now; null where nothing has changed for it, so that it may wait. */
  answerFetch(request: FetchRequest): { readonly answer: FetchAnswer; readonly isNews: boolean } {
    this.#fetchAnswer = null;
    if (!this.#isClosed) this.#step({ type: 'fetchReceived', fetchId: 0, request });
    const answer = this.#fetchAnswer ?? refused;
    const isNews =
      answer.kind !== 'records' ||
      answer.endOffset > answer.fetchOffset ||
      this.#told.get(request.brokerId) !== answer.highWatermark;
    if (answer.kind === 'records' && isNews) this.#told.set(request.brokerId, answer.highWatermark);
    return { answer, isNews };
  }

  /** The leader's answer to a fetch of this replica's, and the batches beside it. */
  fetchAnswered(fetchId: number, answer: FetchAnswer, batches: readonly PlacedRecordBatch[]): void {
    this.#fetched = batches.map(({ bytes }) => bytes);
    const produced = batches.flatMap(({ header }) => producedIn(header));
    this.#step({ type: 'fetchAnswered', fetchId, answer, produced });
  }

  /** Whole batches from the one that holds `from` on, all of them below `to`. It may complete from within the call. */
  read(from: number, to: number, bytesMax: number, complete: (answer: ReadAnswer) => void): void {
    if (this.#isClosed) {
      complete(failed({ code: 'KAFKA_STORAGE_ERROR', message: 'the partition is not here any more' }));
      return;
    }
    this.#log.read(from, bytesMax, (answer) => {
      if (!answer.ok) {
        complete(answer);
        return;
      }
      const batches = answer.value.filter((batch) => baseOffsetOf(batch) < to);
      this.load.bytesOut += batches.reduce((total, batch) => total + batch.length, 0);
      complete(ok(batches));
    });
  }

  /** Called once, when something has changed that a reader or a follower may wait for; ended by what it returns. */
  onceNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers what waits, flushes and closes the log. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.timer.cancel();
    for (const { answered } of this.#productions.values()) answered(failed('OUTCOME_UNKNOWN'));
    this.#productions.clear();
    this.#tellNews();
    await new Promise<void>((resolve) => this.#log.close(resolve));
  }

  #step(input: Untimed<ReplicaInput>): void {
    if (this.#isClosed) return;
    this.lookAtLease();
    const before = this.#standing();
    this.#take(input);
    if (before !== this.#standing()) this.#tellNews();
  }

  #standing(): string {
    const { role, leaderEpoch, logEndOffset, highWatermark } = this.#replica;
    return `${role} ${leaderEpoch} ${logEndOffset} ${highWatermark}`;
  }

  #take(input: Untimed<ReplicaInput>): void {
    const { clock } = this.#ports;
    const { effects, nextWakeAtMs } = this.#replica.step({ ...input, nowMs: clock.monotonicMs() });
    for (const effect of effects) this.#run(effect);
    if (nextWakeAtMs !== null) this.#wakeAt(nextWakeAtMs);
  }

  /** A wake-up too early does no harm, and costs less than a timer that is set anew with each step. */
  #wakeAt(atMs: number): void {
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.timer.cancel();
    const { clock } = this.#ports;
    const timer = clock.setTimer(Math.max(0, atMs - clock.monotonicMs()), () => {
      this.#timer = null;
      this.#step({ type: 'wake' });
    });
    this.#timer = { atMs, timer };
  }

  /** In a later turn, so that many changes wake a waiting fetch once. */
  #tellNews(): void {
    if (this.#isNewsDue) return;
    this.#isNewsDue = true;
    this.#ports.clock.afterPendingEvents(() => {
      this.#isNewsDue = false;
      const listeners = [...this.#listeners];
      this.#listeners.clear();
      for (const listener of listeners) listener();
    });
  }

  #run(effect: ReplicaEffect): void {
    switch (effect.type) {
      case 'append':
        this.#append(effect);
        return;
      case 'truncate':
        this.#truncate(effect);
        return;
      case 'advanceLogStart':
        this.#log.advanceStart({ offset: effect.to, epochBefore: effect.epochBefore }, () => undefined);
        return;
      case 'reset':
        this.#reset(effect);
        return;
      case 'sendFetch': {
        const { leader, fetchId, request } = effect;
        if (request.flushedOffset < request.fetchOffset) return;
        this.#ports.sendFetch(leader, { partition: this, fetchId, request });
        return;
      }
      case 'answerFetch':
        this.#fetchAnswer = effect.answer;
        return;
      case 'proposeIsr':
        this.#ports.proposeIsr(this, effect, (answer) =>
          this.#step({ type: 'proposalAnswered', proposalId: effect.proposalId, answer }),
        );
        return;
      case 'completeProduce':
        this.#answerProduce(effect.produceId, ok(this.#produced(effect.baseOffset)));
        return;
      case 'failProduce':
        this.#answerProduce(effect.produceId, failed(effect.error));
        return;
      case 'highWatermarkAdvanced':
        return;
    }
  }

  #append({ baseOffset, endOffset, epochs, produceId, generation }: Append): void {
    const batches = produceId === null ? this.#fetched : [this.#placed(produceId, baseOffset, epochs)];
    this.load.bytesIn += batches.reduce((total, batch) => total + batch.length, 0);
    this.#log.append(batches, () => {
      this.#step({ type: 'flushed', endOffset, generation });
      if (produceId !== null) this.#flushedHere(produceId, baseOffset, epochs);
    });
  }

  #placed(produceId: number, baseOffset: number, epochs: Append['epochs']): Uint8Array {
    const { batch } = assertDefined(this.#productions.get(produceId), 'what is produced is known');
    placeRecordBatch(batch.bytes, baseOffset, assertDefined(epochs[0], 'records have an epoch').epoch);
    return batch.bytes;
  }

  /** With acks=1 the leader's own disk is enough, while it still leads under the epoch in which it appended. */
  #flushedHere(produceId: number, baseOffset: number, epochs: Append['epochs']): void {
    if (this.#productions.get(produceId)?.acknowledgement !== 'leader') return;
    if (!this.isLeading || this.#replica.leaderEpoch !== epochs[0]?.epoch) return;
    this.#answerProduce(produceId, ok(this.#produced(baseOffset)));
  }

  #produced(baseOffset: number): Produced {
    return { baseOffset, logStartOffset: this.#log.startOffset, leaderEpoch: this.#replica.leaderEpoch };
  }

  #answerProduce(produceId: number, answer: ProduceAnswer): void {
    const production = this.#productions.get(produceId);
    this.#productions.delete(produceId);
    production?.answered(answer);
  }

  /** What was appended below and not reported yet is on disk when the cut is: a flush from before counts no more. */
  #truncate({ to, generation, rebuildsProducers }: Extract<ReplicaEffect, { type: 'truncate' }>): void {
    this.#log.truncate(to, () => this.#step({ type: 'flushed', endOffset: to, generation }));
    if (rebuildsProducers) this.#rebuildProducers({ to, generation, from: this.#log.startOffset }, []);
  }

  /** The replica fetches once nothing of the old log is left. */
  #reset({ to, epochBefore, generation }: Extract<ReplicaEffect, { type: 'reset' }>): void {
    this.#log.reset({ offset: to, epochBefore }, () =>
      this.#step({ type: 'flushed', endOffset: to, generation }),
    );
  }

  #rebuildProducers(
    range: { readonly from: number; readonly to: number; readonly generation: number },
    found: readonly ProducedBatch[],
  ): void {
    const { to, generation } = range;
    // Its start may have moved meanwhile.
    const from = Math.max(range.from, this.#log.startOffset);
    if (from >= to) {
      this.#step({ type: 'producersRebuilt', produced: found, generation });
      return;
    }
    this.#log.read(from, rebuildChunkBytes, (answer) => {
      // Another cut, or the end of the replica, has passed this by.
      if (this.#isClosed || (!answer.ok && answer.error.code === 'OFFSET_OUT_OF_RANGE')) return;
      if (!answer.ok) {
        this.#ports.onDamaged(answer.error.message);
        return;
      }
      const headers = answer.value.map(headerOf).filter(({ baseOffset }) => baseOffset < to);
      const last = headers.at(-1);
      const next = last === undefined ? to : recordBatchEndOffset(last);
      this.#rebuildProducers({ ...range, from: next }, [...found, ...headers.flatMap(producedIn)]);
    });
  }
}

type Append = Extract<ReplicaEffect, { type: 'append' }>;

const refused: FetchAnswer = { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' };

function headerOf(batch: Uint8Array): PlacedRecordBatch['header'] {
  const header = decodeRecordBatchHeader(batch);
  return assertDefined(header.ok ? header.value : null, 'a log gives whole batches');
}

function baseOffsetOf(batch: Uint8Array): number {
  return headerOf(batch).baseOffset;
}
