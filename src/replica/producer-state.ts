import { assert } from '../base/assert.ts';

/** The numbers that an idempotent producer gives a batch of its own (KIP-98). */
export type BatchProducer = {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of the batch's first record; 0 to 2^31 - 1, and 0 again after that. */
  readonly baseSequence: number;
};

/** A batch in the log that has a producer; the end is exclusive. */
export type ProducedBatch = BatchProducer & { readonly baseOffset: number; readonly endOffset: number };

export type SequenceError =
  /** A gap, or one that was appended so long ago that nobody knows where. */
  | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  /** A producer of the same id and a later epoch has taken its place. */
  | 'INVALID_PRODUCER_EPOCH'
  /** Its first batch here does not begin at 0, or all that it wrote here is gone. */
  | 'UNKNOWN_PRODUCER_ID';

export type SequenceVerdict =
  | { readonly kind: 'next' }
  /** It stands in the log already, there. */
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly endOffset: number }
  | { readonly kind: 'refused'; readonly error: SequenceError };

/** A producer has so many requests under way at most, so that older batches are never sent again (KIP-98). */
export const batchesRemembered = 5;
const sequences = 2 ** 31;

/**
 * Which batches of each idempotent producer stand in one replica's log, as far as duplicates and gaps are told by it.
 * It follows from the log's bytes alone, so that every replica that has the same bytes knows the same, and a leader
 * goes on where the one before it was. Nothing expires by time: whoever's last batch retention removes is unknown.
 *
 * What counts of a producer is its last run: batches of one epoch, each with the sequence that follows from the one
 * before, and the last five of them. A run that does not continue the one before it has taken its place: by a later
 * epoch, or because retention had removed the one before where the leader was, and not yet here.
 *
 * Invariants
 * 1. A producer's batches are in the order of their offsets.
 * 2. As of each offset that is at or above `prunedTo`, what counts of each producer is known; so a cut down to there
 *    leaves what the bytes below would give. A deeper one makes the state incomplete, until it is rebuilt from them.
 */
export class ProducerState {
  readonly #producers = new Map<number, ProducedBatch[]>();
  #prunedTo: number;
  #isComplete = true;

  /** From the batches of a log, or from a `snapshot` at `prunedTo`. */
  constructor(batches: readonly ProducedBatch[] = [], prunedTo = 0) {
    this.#prunedTo = prunedTo;
    for (const batch of batches) this.append(batch, prunedTo);
  }

  /** False after a cut to below what was kept: until it is rebuilt, nobody can say what is a duplicate. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What becomes of a batch that a client sends (Kafka's ProducerAppendInfo). */
  check(batch: BatchProducer, recordCount: number): SequenceVerdict {
    assert(this.#isComplete, 'producers are known when a batch is judged');
    const { producerId, producerEpoch, baseSequence } = batch;
    const known = this.#remembered(producerId);
    const last = known.at(-1);
    const isFirst = baseSequence === 0;
    if (last === undefined) return isFirst ? next : refused('UNKNOWN_PRODUCER_ID');
    if (producerEpoch < last.producerEpoch) return refused('INVALID_PRODUCER_EPOCH');
    if (producerEpoch > last.producerEpoch) return isFirst ? next : refused('OUT_OF_ORDER_SEQUENCE_NUMBER');
    const same = known.find(
      (each) => each.baseSequence === baseSequence && each.endOffset - each.baseOffset === recordCount,
    );
    if (same !== undefined) {
      return { kind: 'duplicate', baseOffset: same.baseOffset, endOffset: same.endOffset };
    }
    return sequenceAfter(last) === baseSequence ? next : refused('OUT_OF_ORDER_SEQUENCE_NUMBER');
  }

  /** A batch stands in the log. Nothing below `committedTo` will be cut off, as long as elections are clean. */
  append(batch: ProducedBatch, committedTo: number): void {
    const batches = this.#producers.get(batch.producerId) ?? [];
    const last = batches.at(-1);
    assert(last === undefined || last.endOffset <= batch.baseOffset, 'batches are appended in order');
    batches.push(batch);
    this.#producers.set(batch.producerId, batches);
    this.#prune(batches, committedTo);
  }

  /** Batches that begin at or behind `to` are gone. */
  truncate(to: number): void {
    this.#keep((batch) => batch.baseOffset < to);
    if (to >= this.#prunedTo) return;
    this.#prunedTo = to;
    this.#isComplete = false;
  }

  /** Retention has removed what lies below. */
  advanceLogStart(logStartOffset: number): void {
    this.#keep((batch) => batch.endOffset > logStartOffset);
  }

  /** The log is empty and begins at `logStartOffset`. */
  reset(logStartOffset: number): void {
    this.#producers.clear();
    this.#prunedTo = logStartOffset;
    this.#isComplete = true;
  }

  /** After a cut that went too deep: `batches` are those that the log holds below `to`, where it was cut. */
  rebuild(batches: readonly ProducedBatch[], to: number): void {
    const since = [...this.#producers.values()].flat().filter((batch) => batch.baseOffset >= to);
    this.#producers.clear();
    this.#isComplete = true;
    const inOrder = [...batches, ...since].toSorted((left, right) => left.baseOffset - right.baseOffset);
    for (const batch of inOrder) this.append(batch, this.#prunedTo);
  }

  /** What a later `new ProducerState` at this log end needs: of each producer its last batches, in order of offsets. */
  snapshot(): readonly ProducedBatch[] {
    return [...this.#producers.keys()]
      .flatMap((producerId) => this.#remembered(producerId))
      .toSorted((left, right) => left.baseOffset - right.baseOffset);
  }

  /** The last five of the last run: those that are kept for a cut alone do not count. */
  #remembered(producerId: number): readonly ProducedBatch[] {
    const recent = this.#producers.get(producerId)?.slice(-batchesRemembered) ?? [];
    const begins = recent.findLastIndex((batch, at) => !follows(recent[at - 1], batch));
    return recent.slice(Math.max(0, begins));
  }

  #prune(batches: ProducedBatch[], committedTo: number): void {
    for (let oldest = batches[0]; oldest !== undefined; oldest = batches[0]) {
      const successor = batches[1];
      const isReplaced =
        successor !== undefined && !follows(oldest, successor) && successor.endOffset <= committedTo;
      const isSixth = (batches[batchesRemembered]?.endOffset ?? Number.POSITIVE_INFINITY) <= committedTo;
      if (!isReplaced && !isSixth) return;
      batches.shift();
      this.#prunedTo = Math.max(this.#prunedTo, committedTo);
    }
  }

  #keep(isKept: (batch: ProducedBatch) => boolean): void {
    for (const [producerId, batches] of this.#producers) {
      const kept = batches.filter(isKept);
      if (kept.length === 0) this.#producers.delete(producerId);
      else if (kept.length < batches.length) this.#producers.set(producerId, kept);
    }
  }
}

function follows(before: ProducedBatch | undefined, batch: ProducedBatch): boolean {
  return before?.producerEpoch === batch.producerEpoch && sequenceAfter(before) === batch.baseSequence;
}

function sequenceAfter({ baseSequence, baseOffset, endOffset }: ProducedBatch): number {
  return (baseSequence + endOffset - baseOffset) % sequences;
}

const next: SequenceVerdict = { kind: 'next' };

function refused(error: SequenceError): SequenceVerdict {
  return { kind: 'refused', error };
}
