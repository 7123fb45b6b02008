import type { BatchProducer } from '../../../src/replica/producer-state.ts';
import type { ProduceError } from '../../../src/replica/types.ts';
import type { ProduceAnswer } from './replica-shell.ts';

export type ModelProducerOptions = {
  readonly producerId: number;
  /** Takes a record to whoever is believed to lead; an answer may never come. */
  readonly send: (producer: BatchProducer, answered: ProduceAnswer) => void;
  readonly later: (delayUs: number, run: () => void) => { cancel(): void };
};

type Outstanding = {
  readonly producer: BatchProducer;
  attempt: number;
  isAcknowledged: boolean;
  timer: { cancel(): void } | null;
};

/** From the first that is not acknowledged on: as many as a leader remembers batches. */
const inFlightMax = 5;
const timeoutUs = 600_000;
const retryUs = 60_000;

/**
 * An idempotent producer of one partition (KIP-98): it numbers its records, sends up to five at a time, and each one
 * again and again until it is acknowledged, to whichever broker leads by then. What was sent before may arrive later.
 */
export class ModelProducer {
  readonly #options: ModelProducerOptions;
  /** Records that have no number yet. */
  #waiting = 0;
  readonly #outstanding: Outstanding[] = [];
  #producerEpoch = 0;
  #nextSequence = 0;

  constructor(options: ModelProducerOptions) {
    this.#options = options;
  }

  /** Records that are not acknowledged. */
  get pending(): number {
    return this.#waiting + this.#outstanding.filter((record) => !record.isAcknowledged).length;
  }

  produce(): void {
    this.#waiting++;
    this.#fill();
  }

  /** It begins anew, and does not know what has become of what it had sent. */
  restart(): void {
    for (const { timer } of this.#outstanding.splice(0)) timer?.cancel();
    this.#producerEpoch++;
    this.#nextSequence = 0;
    this.#fill();
  }

  /** It sends nothing new: what is still outstanding is to be acknowledged soon. */
  finish(): void {
    this.#waiting = 0;
  }

  #fill(): void {
    for (; this.#waiting > 0 && this.#outstanding.length < inFlightMax; this.#waiting--) {
      const { producerId } = this.#options;
      const producer = { producerId, producerEpoch: this.#producerEpoch, baseSequence: this.#nextSequence++ };
      const record: Outstanding = { producer, attempt: 0, isAcknowledged: false, timer: null };
      this.#outstanding.push(record);
      this.#send(record);
    }
  }

  #send(record: Outstanding): void {
    const attempt = ++record.attempt;
    record.timer = this.#options.later(timeoutUs, () => this.#send(record));
    this.#options.send(record.producer, (error) => {
      if (record.isAcknowledged || !this.#outstanding.includes(record)) return;
      // An earlier attempt that is refused says nothing of the later one.
      if (error !== null && attempt !== record.attempt) return;
      record.timer?.cancel();
      if (error === null) this.#acknowledged(record);
      else if (this.#isForgotten(record, error)) this.restart();
      else record.timer = this.#options.later(retryUs, () => this.#send(record));
    });
  }

  /**
   * All before it is acknowledged, and the leader knows nothing of that: retention has removed it, or one of it has
   * come late and was taken for the first. Or it stood there itself, with others behind it, before its answer was lost
   * and retention removed it. The producer can go on in another epoch alone, as after a loss (KIP-360).
   */
  #isForgotten(record: Outstanding, error: ProduceError): boolean {
    const isNext = this.#outstanding[0] === record;
    return isNext && (error === 'UNKNOWN_PRODUCER_ID' || error === 'OUT_OF_ORDER_SEQUENCE_NUMBER');
  }

  /** Answers may overtake each other, and those behind one that is not acknowledged keep their places. */
  #acknowledged(record: Outstanding): void {
    record.isAcknowledged = true;
    while (this.#outstanding[0]?.isAcknowledged === true) this.#outstanding.shift();
    this.#fill();
  }
}
