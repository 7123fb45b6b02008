import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BatchProducer,
  type ProducedBatch,
  ProducerState,
  type SequenceVerdict,
} from '../../src/replica/producer-state.ts';

/** A batch of `records` records of a producer, numbered from `baseSequence` on. */
type Sent = BatchProducer & { readonly records: number };

function sent(producerId: number, producerEpoch: number, baseSequence: number, records = 1): Sent {
  return { producerId, producerEpoch, baseSequence, records };
}

/** A log of one partition, and what a replica knows of the producers in it. */
class Log {
  state = new ProducerState();
  batches: ProducedBatch[] = [];
  endOffset = 0;
  committed = 0;

  /** As a leader does: what is next is appended. */
  send({ records, ...producer }: Sent): SequenceVerdict {
    const verdict = this.state.check(producer, records);
    if (verdict.kind === 'next') this.append({ records, ...producer });
    return verdict;
  }

  /** As a follower does: what its leader has is appended. */
  append({ records, ...producer }: Sent): void {
    const batch = { ...producer, baseOffset: this.endOffset, endOffset: this.endOffset + records };
    this.batches.push(batch);
    this.endOffset += records;
    this.state.append(batch, this.committed);
  }

  cut(to: number): void {
    this.batches = this.batches.filter((batch) => batch.endOffset <= to);
    this.endOffset = Math.min(this.endOffset, to);
    this.committed = Math.min(this.committed, to);
    this.state.truncate(to);
  }

  /** What the bytes say. */
  fromBytes(): readonly ProducedBatch[] {
    return new ProducerState(this.batches).snapshot();
  }
}

function codeOf(verdict: SequenceVerdict): string {
  return verdict.kind === 'refused' ? verdict.error : verdict.kind;
}

describe('what a leader knows of idempotent producers', () => {
  it('takes batches in the order of their sequences, and no others', () => {
    const log = new Log();
    expect(codeOf(log.send(sent(7, 0, 5)))).toBe('UNKNOWN_PRODUCER_ID');
    expect(codeOf(log.send(sent(7, 0, 0, 3)))).toBe('next');
    expect(codeOf(log.send(sent(7, 0, 4)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(codeOf(log.send(sent(7, 0, 3, 2)))).toBe('next');
    expect(codeOf(log.send(sent(8, 0, 0)))).toBe('next');
    expect(log.endOffset).toBe(6);
  });

  it('finds one of the last five where it stands, and takes an older one for out of order', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 12; sequence += 2) log.send(sent(7, 0, sequence, 2));
    expect(log.send(sent(7, 0, 4, 2))).toEqual({ kind: 'duplicate', baseOffset: 4, endOffset: 6 });
    expect(codeOf(log.send(sent(7, 0, 2, 2)))).toBe('duplicate');
    expect(codeOf(log.send(sent(7, 0, 0, 2)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    // One that begins there and has another length is another batch.
    expect(codeOf(log.send(sent(7, 0, 4, 1)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.endOffset).toBe(12);
  });

  it('lets a later epoch begin at 0, and the earlier one end', () => {
    const log = new Log();
    log.send(sent(7, 2, 0));
    expect(codeOf(log.send(sent(7, 3, 1)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(codeOf(log.send(sent(7, 3, 0)))).toBe('next');
    expect(codeOf(log.send(sent(7, 2, 1)))).toBe('INVALID_PRODUCER_EPOCH');
    expect(log.send(sent(7, 3, 0))).toEqual({ kind: 'duplicate', baseOffset: 1, endOffset: 2 });
  });

  it('counts on from 0 behind the highest sequence', () => {
    const log = new Log();
    log.append(sent(7, 0, 2 ** 31 - 3));
    expect(codeOf(log.send(sent(7, 0, 2 ** 31 - 2, 4)))).toBe('next');
    expect(codeOf(log.send(sent(7, 0, 2)))).toBe('next');
  });

  it('forgets with the log: what is cut off can be sent again', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 4; sequence++) log.send(sent(7, 0, sequence));
    log.cut(2);
    expect(log.state.isComplete).toBe(true);
    expect(codeOf(log.send(sent(7, 0, 3)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(codeOf(log.send(sent(7, 0, 2)))).toBe('next');
    expect(log.send(sent(7, 0, 1))).toEqual({ kind: 'duplicate', baseOffset: 1, endOffset: 2 });
  });

  it('does not know a producer all of whose batches retention has removed', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 3; sequence++) log.send(sent(7, 0, sequence));
    log.state.advanceLogStart(2);
    expect(codeOf(log.send(sent(7, 0, 1)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(codeOf(log.send(sent(7, 0, 2)))).toBe('duplicate');
    log.state.advanceLogStart(3);
    expect(codeOf(log.send(sent(7, 0, 3)))).toBe('UNKNOWN_PRODUCER_ID');
    expect(codeOf(log.send(sent(7, 1, 0)))).toBe('next');
  });

  it('follows a leader that had forgotten a producer sooner', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 3; sequence++) log.append(sent(7, 4, sequence));
    log.append(sent(7, 4, 0));
    expect(codeOf(log.send(sent(7, 4, 2)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.send(sent(7, 4, 0))).toEqual({ kind: 'duplicate', baseOffset: 3, endOffset: 4 });
    expect(codeOf(log.send(sent(7, 4, 1)))).toBe('next');
  });

  it('is incomplete after a cut that goes deeper than it remembers, until it is rebuilt from the bytes', () => {
    const log = new Log();
    for (let sequence = 0; sequence < 20; sequence++) {
      log.committed = log.endOffset;
      log.send(sent(7, 0, sequence));
    }
    log.cut(8);
    expect(log.state.isComplete).toBe(false);
    expect(() => log.state.check(sent(7, 0, 8), 1)).toThrow('producers are known');
    // Meanwhile the leader goes on.
    log.append(sent(7, 0, 8));
    log.state.rebuild(
      log.batches.filter((batch) => batch.baseOffset < 8),
      8,
    );
    expect(log.state.snapshot()).toEqual(log.fromBytes());
    expect(codeOf(log.send(sent(7, 0, 3)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(codeOf(log.send(sent(7, 0, 4)))).toBe('duplicate');
    expect(codeOf(log.send(sent(7, 0, 9)))).toBe('next');
  });
});

type Move =
  | { readonly kind: 'send'; readonly sent: Sent }
  /** The next of a producer, which a random sequence seldom is. */
  | {
      readonly kind: 'next';
      readonly producerId: number;
      readonly records: number;
      readonly isLater: boolean;
    }
  /** One of the last batches of all, as a client repeats what it has heard nothing of. */
  | { readonly kind: 'again'; readonly back: number }
  | { readonly kind: 'cut'; readonly part: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'restart' };

const producerId = fc.integer({ min: 1, max: 3 });
const records = fc.integer({ min: 1, max: 3 });
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('next' as const), producerId, records, isLater: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      sent: fc.record({
        producerId,
        producerEpoch: fc.nat({ max: 3 }),
        baseSequence: fc.nat({ max: 12 }),
        records,
      }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), part: fc.nat({ max: 100 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** Kafka's rules over the whole log, without forgetting anything. */
function specifiedVerdict(log: Log, { records: count, ...producer }: Sent): string {
  const own = log.batches.filter((batch) => batch.producerId === producer.producerId);
  const last = own.at(-1);
  if (last === undefined) return producer.baseSequence === 0 ? 'next' : 'UNKNOWN_PRODUCER_ID';
  if (producer.producerEpoch < last.producerEpoch) return 'INVALID_PRODUCER_EPOCH';
  const ofEpoch = own.filter((batch) => batch.producerEpoch === producer.producerEpoch);
  const isSame = (batch: ProducedBatch): boolean =>
    batch.baseSequence === producer.baseSequence && batch.endOffset - batch.baseOffset === count;
  if (ofEpoch.slice(-5).some(isSame)) return 'duplicate';
  const wanted = ofEpoch.reduce((total, batch) => total + batch.endOffset - batch.baseOffset, 0);
  return producer.baseSequence === wanted ? 'next' : 'OUT_OF_ORDER_SEQUENCE_NUMBER';
}

class Model {
  readonly log = new Log();
  duplicates = 0;
  rebuilt = 0;

  play(each: Move): void {
    const { log } = this;
    if (each.kind === 'send') this.#send(each.sent);
    else if (each.kind === 'next') this.#send(this.#nextOf(each));
    else if (each.kind === 'again') this.#again(each.back);
    else if (each.kind === 'cut') this.#cut(each.part);
    else if (each.kind === 'commit') log.committed = log.endOffset;
    else log.state = new ProducerState(log.state.snapshot(), log.endOffset);
    deepEqual(log.state.snapshot(), log.fromBytes());
  }

  #nextOf({ producerId: id, records: count, isLater }: Extract<Move, { kind: 'next' }>): Sent {
    const last = this.log.batches.findLast((batch) => batch.producerId === id);
    if (last === undefined) return sent(id, 0, 0, count);
    if (isLater && last.baseSequence > 8) return sent(id, last.producerEpoch + 1, 0, count);
    return sent(id, last.producerEpoch, last.baseSequence + last.endOffset - last.baseOffset, count);
  }

  #again(back: number): void {
    const batch = this.log.batches.at(-1 - back);
    if (batch === undefined) return;
    const { producerId: id, producerEpoch, baseSequence, baseOffset, endOffset } = batch;
    this.#send(sent(id, producerEpoch, baseSequence, endOffset - baseOffset));
  }

  #send(batch: Sent): void {
    const wanted = specifiedVerdict(this.log, batch);
    const verdict = this.log.send(batch);
    equal(codeOf(verdict), wanted);
    if (verdict.kind !== 'duplicate') return;
    this.duplicates++;
    const found = this.log.batches.find((each) => each.baseOffset === verdict.baseOffset);
    equal(found?.baseSequence, batch.baseSequence);
    equal(found.producerEpoch, batch.producerEpoch);
  }

  #cut(part: number): void {
    const { log } = this;
    const to = log.batches[Math.floor((part * log.batches.length) / 101)]?.baseOffset;
    if (to === undefined) return;
    log.cut(to);
    if (log.state.isComplete) return;
    this.rebuilt++;
    log.state.rebuild(log.batches, to);
  }
}

describe('the state of producers', () => {
  it('judges as the whole log would, whatever was appended, cut off, committed and read again', () => {
    let duplicates = 0;
    let rebuilt = 0;
    fc.assert(
      fc.property(fc.array(move, { minLength: 20, maxLength: 120, size: 'max' }), (moves) => {
        const model = new Model();
        for (const each of moves) model.play(each);
        duplicates += model.duplicates;
        rebuilt += model.rebuilt;
      }),
      { numRuns: 300 },
    );
    expect(duplicates).toBeGreaterThan(100);
    expect(rebuilt).toBeGreaterThan(10);
  });
});
