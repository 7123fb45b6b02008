import { assertDefined } from '../../../src/base/assert.ts';
import { splitRecordBatches } from '../../../src/codec/record-batch/batches.ts';
import { decodeRecordBatchHeader, placeRecordBatch } from '../../../src/codec/record-batch/header.ts';
import type { LeaderEpochEntry } from '../../../src/replica/leader-epochs.ts';
import type { ProducedBatch } from '../../../src/replica/producer-state.ts';
import { Replica } from '../../../src/replica/replica.ts';
import type {
  FetchAnswer,
  FetchRequest,
  PartitionView,
  ProposedMember,
  ReplicaEffect,
  ReplicaInput,
} from '../../../src/replica/types.ts';
import type { HasFault } from './data-faults.ts';

/** An input without the time, which is always now. */
type Timeless<Input> = Input extends { readonly nowMs: number } ? Omit<Input, 'nowMs'> : never;

type StoredBatch = { readonly baseOffset: number; readonly endOffset: number; readonly bytes: Uint8Array };
export type Produced = { readonly baseOffset: number } | { readonly error: string };

/** What a partition asks of its broker. */
export type PartitionHost = {
  readonly brokerId: number;
  readonly has: HasFault;
  readonly brokerEpoch: () => number;
  readonly holdsLease: () => boolean;
  readonly sendFetch: (
    partition: DataPartition,
    leader: number,
    fetchId: number,
    request: FetchRequest,
  ) => void;
  readonly propose: (partition: DataPartition, effect: Proposal) => void;
};

export type Proposal = {
  readonly proposalId: number | null;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly ProposedMember[];
};

type Waiting = {
  readonly acks: 'all' | '1';
  readonly bytes: Uint8Array;
  readonly respond: (produced: Produced) => void;
};

/** A replica of `src/replica` above a log in memory. */
export class DataPartition {
  topicId: string;
  view: PartitionView | null = null;
  replica: Replica;
  readonly #host: PartitionHost;
  #batches: StoredBatch[] = [];
  /** What the answer that is taken in at present has brought. */
  #incoming: readonly StoredBatch[] = [];
  #answer: FetchAnswer | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #leaseNow = false;

  constructor(host: PartitionHost, topicId: string) {
    this.#host = host;
    this.topicId = topicId;
    this.replica = this.#recover([]);
  }

  /** Up to where a consumer may read here; null for nothing. */
  get visibleEnd(): number | null {
    const { has } = this.#host;
    this.tick();
    const { visibleEndOffset, highWatermark, logEndOffset, role } = this.replica;
    if (visibleEndOffset === null) {
      const shows = has('shows at once what it took over') && role === 'leader' && this.#host.holdsLease();
      return shows ? highWatermark : null;
    }
    return has('shows what is not committed') ? logEndOffset : visibleEndOffset;
  }

  batchesBetween(from: number, to: number): readonly StoredBatch[] {
    return this.#batches.filter(({ baseOffset, endOffset }) => endOffset > from && baseOffset < to);
  }

  tick(): void {
    const holdsLease = this.#host.holdsLease();
    if (holdsLease !== this.#leaseNow)
      this.#say({ type: 'leaseChanged', holdsLease, brokerEpoch: this.#host.brokerEpoch() });
    else this.#say({ type: 'wake' });
    this.#leaseNow = holdsLease;
  }

  take(view: PartitionView): void {
    const { has } = this.#host;
    const before = this.view;
    if (before !== null && view.leaderEpoch < before.leaderEpoch) {
      if (!has('goes back to an older leader epoch')) return;
      this.replica = this.#recover([]);
      this.#batches = [];
    }
    const isNewEpoch = before !== null && view.leaderEpoch > before.leaderEpoch;
    if (isNewEpoch && view.leader !== this.#host.brokerId && has('truncates at the high watermark')) {
      const { highWatermark } = this.replica;
      this.#batches = this.#batches.filter(({ endOffset }) => endOffset <= highWatermark);
      this.replica = this.#recover(epochsOf(this.#batches));
    }
    this.view = view;
    this.#leaseNow = false;
    this.#say({ type: 'partitionChanged', view });
    this.tick();
  }

  /** The topic was created again, and the log stays. */
  become(topicId: string): void {
    this.topicId = topicId;
    this.view = null;
    this.replica = this.#recover(epochsOf(this.#batches));
  }

  produce(bytes: Uint8Array, acks: 'all' | '1', respond: (produced: Produced) => void): void {
    this.tick();
    const read = decodeRecordBatchHeader(bytes);
    if (!read.ok) return respond({ error: read.error.code });
    const { lastOffsetDelta, producerId, producerEpoch, baseSequence } = read.value;
    const isNumbered = producerId >= 0 && !this.#host.has('does not look at sequences');
    const produceId = ++this.#lastId;
    this.#waiting.set(produceId, { acks, bytes, respond });
    const producer = isNumbered ? { producerId, producerEpoch, baseSequence } : null;
    this.#say({ type: 'produceRequested', produceId, recordCount: lastOffsetDelta + 1, producer });
  }

  answerFetch(given: FetchRequest): FetchAnswer {
    const { has } = this.#host;
    this.tick();
    const { leaderEpoch } = this.replica;
    const registered = this.view?.eligible.get(given.brokerId) ?? 0;
    const claims =
      given.flushedOffset > given.fetchOffset && has('believes what a follower claims to have flushed');
    const request = {
      ...given,
      ...(has('answers fetches of any leader epoch') ? { currentLeaderEpoch: leaderEpoch } : {}),
      ...(has('answers fetches of earlier incarnations')
        ? { brokerEpoch: Math.max(given.brokerEpoch, registered) }
        : {}),
      ...(claims ? { fetchOffset: given.flushedOffset, lastFetchedEpoch: leaderEpoch } : {}),
    };
    this.#answer = null;
    this.#say({ type: 'fetchReceived', fetchId: ++this.#lastId, request });
    const { view } = this;
    const isOut = view !== null && !view.isr.includes(given.brokerId) && this.replica.role === 'leader';
    if (isOut && has('proposes whoever fetches')) this.#proposeToo(view, given);
    return assertDefined(this.#answer ?? undefined, 'a fetch is answered at once');
  }

  fetchAnswered(fetchId: number, answer: FetchAnswer, bytes: Uint8Array): void {
    const split = splitRecordBatches(bytes);
    const placed = split.ok ? split.value : [];
    this.#incoming = placed.map(({ header, bytes: batch }) => ({
      baseOffset: header.baseOffset,
      endOffset: header.baseOffset + header.lastOffsetDelta + 1,
      bytes: batch,
    }));
    const end = this.#incoming.at(-1)?.endOffset;
    const whole =
      answer.kind === 'records'
        ? { ...answer, endOffset: end ?? answer.fetchOffset, epochs: epochsOf(this.#incoming) }
        : answer;
    this.#say({ type: 'fetchAnswered', fetchId, answer: whole, produced: producedIn(this.#incoming) });
  }

  proposalAnswered(
    proposalId: number,
    answer: Extract<ReplicaInput, { type: 'proposalAnswered' }>['answer'],
  ): void {
    this.#say({ type: 'proposalAnswered', proposalId, answer });
  }

  #proposeToo(view: PartitionView, { brokerId, brokerEpoch }: FetchRequest): void {
    const members = view.isr.map((id) => ({ brokerId: id, brokerEpoch: view.eligible.get(id) ?? 0 }));
    const newIsr = [...members, { brokerId, brokerEpoch }];
    const { leaderEpoch, partitionEpoch } = view;
    this.#host.propose(this, { proposalId: null, leaderEpoch, partitionEpoch, newIsr });
  }

  #recover(epochs: readonly LeaderEpochEntry[]): Replica {
    const { brokerId, brokerEpoch } = this.#host;
    const logEndOffset = epochs.length === 0 ? 0 : (this.#batches.at(-1)?.endOffset ?? 0);
    const config = {
      brokerId,
      replicaLagTimeMaxMs: 30_000,
      fetchTimeoutMs: 1_000,
      retryBackoffMs: 100,
      fetchRecordsMax: 10_000,
    };
    const produced = producedIn(this.#batches);
    return new Replica(
      config,
      { brokerEpoch: brokerEpoch(), epochs, logStartOffset: 0, logEndOffset, produced },
      performance.now(),
    );
  }

  #say(input: Timeless<ReplicaInput>): void {
    const { effects } = this.replica.step({ ...input, nowMs: performance.now() });
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: ReplicaEffect): void {
    switch (effect.type) {
      case 'append':
        this.#append(effect);
        return;
      case 'truncate':
        this.#batches = this.#batches.filter(({ endOffset }) => endOffset <= effect.to);
        if (!effect.rebuildsProducers) return;
        this.#later({
          type: 'producersRebuilt',
          produced: producedIn(this.#batches),
          generation: effect.generation,
        });
        return;
      case 'advanceLogStart':
        return;
      case 'reset':
        this.#batches = [];
        return;
      case 'sendFetch':
        this.#host.sendFetch(this, effect.leader, effect.fetchId, effect.request);
        return;
      case 'answerFetch':
        this.#answer = effect.answer;
        return;
      case 'proposeIsr':
        this.#host.propose(this, effect);
        return;
      case 'completeProduce':
        this.#respond(effect.produceId, { baseOffset: effect.baseOffset });
        return;
      case 'failProduce':
        this.#respond(effect.produceId, { error: effect.error });
        return;
      case 'highWatermarkAdvanced':
    }
  }

  #append({
    baseOffset,
    endOffset,
    epochs,
    produceId,
    generation,
  }: Extract<ReplicaEffect, { type: 'append' }>): void {
    const waiting = produceId === null ? undefined : this.#waiting.get(produceId);
    if (waiting === undefined) {
      this.#batches.push(...this.#incoming.filter((batch) => batch.baseOffset >= baseOffset));
    } else {
      const bytes = Buffer.from(waiting.bytes);
      placeRecordBatch(bytes, baseOffset, epochs[0]?.epoch ?? 0);
      this.#batches.push({ baseOffset, endOffset, bytes });
      if (waiting.acks === '1' || this.#hurries()) waiting.respond({ baseOffset });
    }
    this.#later({ type: 'flushed', endOffset, generation });
  }

  #hurries(): boolean {
    const { has } = this.#host;
    if (has('acknowledges before followers have flushed')) return true;
    return has('counts the committed in-sync set alone') && this.view?.isr.length === 1;
  }

  #later(input: Timeless<ReplicaInput>): void {
    queueMicrotask(() => this.#say(input));
  }

  #respond(produceId: number, produced: Produced): void {
    this.#waiting.get(produceId)?.respond(produced);
    this.#waiting.delete(produceId);
  }
}

function epochsOf(batches: readonly StoredBatch[]): readonly LeaderEpochEntry[] {
  const epochs: LeaderEpochEntry[] = [];
  for (const { baseOffset, bytes } of batches) {
    const header = decodeRecordBatchHeader(bytes);
    const epoch = header.ok ? header.value.partitionLeaderEpoch : 0;
    if (epochs.at(-1)?.epoch !== epoch) epochs.push({ epoch, startOffset: baseOffset });
  }
  return epochs;
}

function producedIn(batches: readonly StoredBatch[]): readonly ProducedBatch[] {
  return batches.flatMap(({ baseOffset, endOffset, bytes }) => {
    const header = decodeRecordBatchHeader(bytes);
    if (!header.ok || header.value.producerId < 0) return [];
    const { producerId, producerEpoch, baseSequence } = header.value;
    return [{ producerId, producerEpoch, baseSequence, baseOffset, endOffset }];
  });
}
