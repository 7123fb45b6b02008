import { isDeepStrictEqual } from 'node:util';
import { assertDefined } from '../../../src/base/assert.ts';
import type { Random } from '../../../src/base/random.ts';
import { Replica } from '../../../src/replica/replica.ts';
import type { BatchProducer } from '../../../src/replica/producer-state.ts';
import type {
  FetchAnswer,
  FetchRequest,
  PartitionView,
  ProduceError,
  ReplicaConfig,
  ReplicaEffect,
  ReplicaInput,
} from '../../../src/replica/types.ts';
import { type ModelDisk, producedIn, type StoredRecord } from './model-disk.ts';

/** What a follower gets: the answer, and the records beside it. */
export type CarriedAnswer = { readonly answer: FetchAnswer; readonly records: readonly StoredRecord[] };

/** What a producer hears of a record; null: it is acknowledged. */
export type ProduceAnswer = (error: ProduceError | null) => void;

type Production = {
  readonly value: number;
  readonly producer: BatchProducer | null;
  readonly answered: ProduceAnswer;
};

export type ShellOptions = {
  readonly key: string;
  readonly topicId: string;
  readonly partition: number;
  readonly config: ReplicaConfig;
  readonly disk: ModelDisk;
  readonly random: Random;
  readonly nowMs: () => number;
  /** For how long the disk completes nothing. */
  readonly stalledMs: () => number;
  readonly later: (delayMs: number, run: () => void) => { cancel(): void };
  readonly sendFetch: (
    leader: number,
    request: FetchRequest,
    answered: (carried: CarriedAnswer) => void,
  ) => void;
  readonly proposeIsr: (
    effect: Extract<ReplicaEffect, { type: 'proposeIsr' }>,
    answered: (answer: Extract<ReplicaInput, { type: 'proposalAnswered' }>['answer']) => void,
  ) => void;
  readonly acknowledged: (offset: number, value: number) => void;
};

type Untimed<Input> = Input extends unknown ? Omit<Input, 'nowMs'> : never;
type Parked = {
  readonly request: FetchRequest;
  readonly reply: (carried: CarriedAnswer) => void;
  readonly timer: { cancel(): void };
};

const flushMs: readonly number[] = [0.3, 0.4, 0.6, 1, 4];
/**
 * How long an answer without news is held back, at most. A follower that waits for longer than its leader lets it lag
 * would leave the ISR and come back without end, which is why Kafka asks for `replica.fetch.wait.max.ms` below
 * `replica.lag.time.max.ms`.
 */
const parkMsMax = 400;

/** Moves one replica's bytes: its log on the model disk, its flushes, its fetches, and fetches that wait for news. */
export class ReplicaShell {
  readonly replica: Replica;
  readonly #options: ShellOptions;
  readonly #parked = new Map<number, Parked>();
  readonly #told = new Map<number, number>();
  readonly #productions = new Map<number, Production>();
  #nextProduceId = 1;
  #view: PartitionView | null = null;
  #timer: { readonly atMs: number; cancel(): void } | null = null;
  #isFlushing = false;
  #generation = 0;
  #fetched: readonly StoredRecord[] = [];
  /** The fetch that is being answered. */
  #asking: {
    readonly request: FetchRequest;
    readonly reply: Parked['reply'];
    readonly isLate: boolean;
  } | null = null;

  constructor(options: ShellOptions, brokerEpoch: number) {
    this.#options = options;
    // As a broker that starts: what is found is on disk before it counts, also where the replica comes back to its log.
    options.disk.flush(options.key, options.disk.log(options.key).records.length);
    const { records, startOffset: logStartOffset } = options.disk.log(options.key);
    const epochs = records
      .map(({ epoch }, startOffset) => ({ epoch, startOffset }))
      .filter(({ epoch }, at) => at === 0 || records[at - 1]?.epoch !== epoch);
    const produced = producedIn(records, 0);
    const recovered = { brokerEpoch, epochs, logStartOffset, logEndOffset: records.length, produced };
    this.replica = new Replica(options.config, recovered, options.nowMs());
  }

  changed(view: PartitionView): void {
    this.#view = view;
    this.step({ type: 'partitionChanged', view });
  }

  get view(): PartitionView | null {
    return this.#view;
  }

  produce(value: number, producer: BatchProducer | null, answered: ProduceAnswer): void {
    const produceId = this.#nextProduceId++;
    this.#productions.set(produceId, { value, producer, answered });
    this.step({ type: 'produceRequested', produceId, recordCount: 1, producer });
  }

  /** Of the records that it has so many are to be kept. */
  retain(recordsKept: number): void {
    const logStartOffset = Math.max(0, this.replica.logEndOffset - recordsKept);
    this.step({ type: 'retentionDue', logStartOffset });
  }

  fetchReceived(request: FetchRequest, reply: Parked['reply']): void {
    this.#parked.get(request.brokerId)?.timer.cancel();
    this.#parked.delete(request.brokerId);
    this.#answer(request, reply, false);
  }

  step(input: Untimed<ReplicaInput>): void {
    const { replica } = this;
    const before = [replica.logEndOffset, replica.highWatermark, replica.leaderEpoch];
    const { effects, nextWakeAtMs } = replica.step({ ...input, nowMs: this.#options.nowMs() });
    for (const effect of effects) this.#run(effect);
    if (nextWakeAtMs !== null) this.#wakeAt(nextWakeAtMs);
    const isNews =
      before[0] !== replica.logEndOffset ||
      before[1] !== replica.highWatermark ||
      before[2] !== replica.leaderEpoch;
    if (isNews) this.#answerParked();
  }

  /** A wake-up too early does no harm, and costs less than a timer that is set anew with each step. */
  #wakeAt(atMs: number): void {
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const delayMs = Math.max(0, atMs - this.#options.nowMs());
    const timer = this.#options.later(delayMs, () => {
      this.#timer = null;
      this.step({ type: 'wake' });
    });
    this.#timer = { atMs, cancel: () => timer.cancel() };
  }

  #answerParked(): void {
    for (const [brokerId, parked] of this.#parked) {
      this.#parked.delete(brokerId);
      parked.timer.cancel();
      this.#answer(parked.request, parked.reply, false);
    }
  }

  #answer(request: FetchRequest, reply: Parked['reply'], isLate: boolean): void {
    this.#asking = { request, reply, isLate };
    this.step({ type: 'fetchReceived', fetchId: 0, request });
  }

  #run(effect: ReplicaEffect): void {
    const { disk, key, later } = this.#options;
    switch (effect.type) {
      case 'append':
        disk.append(key, effect.baseOffset, this.#recordsOf(effect));
        this.#flush();
        return;
      case 'truncate':
        this.#generation = effect.generation;
        disk.truncate(key, effect.to);
        if (effect.rebuildsProducers) this.#rebuildProducers(effect.to);
        return;
      case 'advanceLogStart':
        disk.advanceStart(key, effect.to);
        return;
      case 'reset':
        this.#generation = effect.generation;
        disk.reset(key, effect.to, effect.epochBefore);
        this.#flush();
        return;
      case 'sendFetch':
        this.#options.sendFetch(effect.leader, effect.request, (carried) => {
          this.#fetched = carried.records;
          const { answer, records } = carried;
          const produced = answer.kind === 'records' ? producedIn(records, answer.fetchOffset) : [];
          this.step({ type: 'fetchAnswered', fetchId: effect.fetchId, answer, produced });
        });
        return;
      case 'answerFetch':
        this.#answered(effect.answer);
        return;
      case 'proposeIsr':
        this.#options.proposeIsr(effect, (answer) =>
          later(0, () => this.step({ type: 'proposalAnswered', proposalId: effect.proposalId, answer })),
        );
        return;
      case 'completeProduce':
        this.#produced(effect.produceId, effect.baseOffset, null);
        return;
      case 'failProduce':
        this.#produced(effect.produceId, null, effect.error);
        return;
      case 'highWatermarkAdvanced':
        return;
    }
  }

  #recordsOf({ produceId, epochs }: Extract<ReplicaEffect, { type: 'append' }>): readonly StoredRecord[] {
    if (produceId === null) return this.#fetched;
    const { value, producer } = assertDefined(this.#productions.get(produceId), 'what is produced is known');
    return [{ epoch: epochs[0]?.epoch ?? 0, value, producer }];
  }

  #produced(produceId: number, offset: number | null, error: ProduceError | null): void {
    const production = this.#productions.get(produceId);
    this.#productions.delete(produceId);
    if (production === undefined) return;
    if (offset !== null) this.#options.acknowledged(offset, this.#valueAt(offset, production));
    production.answered(error);
  }

  /** What an earlier sending left has another value; where the log holds neither, no disk bears out what is claimed. */
  #valueAt(offset: number, { value, producer }: Production): number {
    const { disk, key } = this.#options;
    const stored = disk.log(key).records[offset] ?? null;
    const isSent = stored?.producer !== null && isDeepStrictEqual(stored?.producer, producer);
    return stored !== null && isSent ? stored.value : value;
  }

  /** It takes a while to read through a log. */
  #rebuildProducers(to: number): void {
    const { disk, key, later, random } = this.#options;
    const generation = this.#generation;
    later(flushMs[random.integer(flushMs.length)] ?? 1, () => {
      const produced = producedIn(disk.log(key).records.slice(0, to), 0);
      this.step({ type: 'producersRebuilt', produced, generation });
    });
  }

  /** News goes out at once; an answer without any waits for some. */
  #answered(answer: FetchAnswer): void {
    const asking = this.#asking;
    this.#asking = null;
    if (asking === null) return;
    const { request, reply, isLate } = asking;
    const { disk, key, later, config } = this.#options;
    const isQuiet =
      answer.kind === 'records' &&
      answer.endOffset === answer.fetchOffset &&
      this.#told.get(request.brokerId) === answer.highWatermark;
    if (isQuiet && !isLate) {
      const timer = later(Math.min(parkMsMax, config.replicaLagTimeMaxMs / 3), () => {
        this.#parked.delete(request.brokerId);
        this.#answer(request, reply, true);
      });
      this.#parked.set(request.brokerId, { request, reply, timer });
      return;
    }
    if (answer.kind === 'records') this.#told.set(request.brokerId, answer.highWatermark);
    const records =
      answer.kind === 'records' ? disk.log(key).records.slice(answer.fetchOffset, answer.endOffset) : [];
    reply({ answer, records });
  }

  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const { disk, key, later, random } = this.#options;
    const generation = this.#generation;
    const endOffset = disk.log(key).records.length;
    const flushed = (): void => {
      const stalledMs = this.#options.stalledMs();
      if (stalledMs > 0) {
        later(stalledMs, flushed);
        return;
      }
      this.#isFlushing = false;
      // A truncation has cut off what was being flushed; what stands there now is flushed by itself. It is
      // reported all the same, as a file would: the replica has to know what it means.
      if (generation === this.#generation) disk.flush(key, endOffset);
      this.step({ type: 'flushed', endOffset, generation });
      const log = disk.log(key);
      if (log.flushed < log.records.length || generation !== this.#generation) this.#flush();
    };
    later(flushMs[random.integer(flushMs.length)] ?? 1, flushed);
  }
}
