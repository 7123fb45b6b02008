import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import { type Http, numberField } from '../../bench/processes/http.ts';
import { type Lane, type RecordLedger, type RecordOutcome, recordValue } from './account.ts';
import { codeOf, type Leaders, type PartitionPlace, placeName } from './leaders.ts';

export type ProducerOptions = {
  readonly http: Http;
  readonly leaders: Leaders;
  readonly urlOf: (brokerId: number) => string;
  readonly ledger: RecordLedger;
  readonly producerId: number;
  readonly place: PartitionPlace;
  readonly random: Random;
  /** It sends nothing again whose answer was lost, and so never learns what became of it. */
  readonly isImpatient: boolean;
  /** Nothing more is begun. */
  readonly stopping: AbortSignal;
  /** Nothing is waited for any more. */
  readonly abandoned: AbortSignal;
};

/** An idempotent producer has so many batches under way at most (KIP-98). */
const underWayMax = 5;
const recordsMax = 4;
const pauseMaxMs = 400;
const retryPauseMs = 80;
const deliveryTimeoutMs = 180_000;
const acknowledgeTimeoutMs = 3_000;
const answerTimeoutMs = 6_000;

/** Of these codes each says that nothing was appended by that attempt. */
const refusals: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'REPLICA_NOT_AVAILABLE',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_TOPIC_OR_PARTITION',
  // A batch came before the one that precedes it.
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
]);
const unknownOutcomes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);

type Batch = {
  readonly firstNumber: number;
  readonly count: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
};

type Attempt = { readonly baseOffset: number } | 'refused' | 'lost';

/**
 * One idempotent producer at one partition, with acks=all and several batches under way. Where it gives one up it
 * begins a new epoch, as Kafka's producer does, so that what is still on its way comes to nothing or before the rest.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #lane: Lane;
  #nextNumber = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#lane = { place: placeName(options.place), producerId: options.producerId };
  }

  async run(): Promise<void> {
    for (let producerEpoch = 0; !this.#options.stopping.aborted; producerEpoch++) {
      await this.#runEpoch(producerEpoch);
    }
  }

  async #runEpoch(producerEpoch: number): Promise<void> {
    const { random, stopping } = this.#options;
    const givenUp = { isSo: false };
    const underWay: { readonly ended: Promise<void>; isOver: boolean }[] = [];
    for (let baseSequence = 0; !givenUp.isSo && !stopping.aborted; ) {
      const count = 1 + random.integer(recordsMax);
      const batch = { firstNumber: this.#nextNumber, count, producerEpoch, baseSequence };
      this.#nextNumber += count;
      baseSequence += count;
      const delivery = { ended: this.#deliver(batch, givenUp), isOver: false };
      void delivery.ended.finally(() => (delivery.isOver = true)).catch(() => undefined);
      underWay.push(delivery);
      await pause(random.integer(pauseMaxMs));
      while (underWay[0]?.isOver === true) underWay.shift();
      // Counted from the oldest one, since a broker knows the last five of a producer.
      if (underWay.length >= underWayMax) await underWay.shift()?.ended;
    }
    await Promise.all(underWay.map(({ ended }) => ended));
  }

  async #deliver(batch: Batch, givenUp: { isSo: boolean }): Promise<void> {
    const untilMs = performance.now() + deliveryTimeoutMs;
    let mayBeThere = false;
    for (;;) {
      const attempt = await this.#attempt(batch);
      if (typeof attempt === 'object') {
        this.#enter(batch, 'acknowledged', attempt.baseOffset);
        return;
      }
      mayBeThere ||= attempt === 'lost';
      const isImpatient = this.#options.isImpatient && mayBeThere;
      const isLate = performance.now() >= untilMs || this.#options.abandoned.aborted;
      if (givenUp.isSo || isImpatient || isLate) {
        givenUp.isSo = true;
        this.#enter(batch, mayBeThere ? 'unknown' : 'refused', null);
        return;
      }
      await pause(retryPauseMs);
    }
  }

  #enter({ firstNumber, count }: Batch, outcome: RecordOutcome, baseOffset: number | null): void {
    for (let at = 0; at < count; at++) {
      const offset = baseOffset === null ? null : baseOffset + at;
      this.#options.ledger.add(this.#lane, firstNumber + at, { outcome, offset });
    }
  }

  async #attempt({ firstNumber, count, producerEpoch, baseSequence }: Batch): Promise<Attempt> {
    const { http, leaders, urlOf, producerId, place } = this.#options;
    const leader = leaders.leaderOf(place);
    if (leader === null) return 'refused';
    const records = Array.from({ length: count }, (_, at) => ({
      value: recordValue(producerId, firstNumber + at),
    }));
    const path = `/v1/topics/${place.topic}/partitions/${place.partition}/records`;
    const outcome = await http.send('POST', `${urlOf(leader)}${path}?timeout_ms=${acknowledgeTimeoutMs}`, {
      body: { records, producerId, producerEpoch, baseSequence },
      timeoutMs: answerTimeoutMs,
    });
    if (outcome.type === 'unreachable') return 'refused';
    if (outcome.type === 'lost') return 'lost';
    if (outcome.status === 200) return { baseOffset: numberField(outcome.body, 'baseOffset') };
    const code = codeOf(outcome.body);
    if (unknownOutcomes.has(code)) return 'lost';
    if (refusals.has(code)) return 'refused';
    throw new Error(`producer ${producerId} at ${placeName(place)} was answered: ${outcome.text}`);
  }
}
