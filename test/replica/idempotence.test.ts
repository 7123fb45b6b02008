import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/replica/replica.ts';
import type { BatchProducer, ProducedBatch } from '../../src/replica/producer-state.ts';
import type { FetchAnswer, ReplicaEffect } from '../../src/replica/types.ts';
import { config, type Untimed } from './inputs.ts';

/** Broker 1 alone with a partition that it leads from leader epoch 1 on, after what it had on its disk. */
class Led {
  readonly replica: Replica;
  #nowMs = 0;

  constructor(logEndOffset = 0, produced: readonly ProducedBatch[] = []) {
    const epochs = logEndOffset === 0 ? [] : [{ epoch: 0, startOffset: 0 }];
    this.replica = new Replica(
      config,
      { brokerEpoch: 5, epochs, logStartOffset: 0, logEndOffset, produced },
      0,
    );
    this.step({ type: 'leaseChanged', holdsLease: true, brokerEpoch: 5 });
  }

  lead(leader: number, leaderEpoch: number): readonly ReplicaEffect[] {
    const view = {
      leader,
      leaderEpoch,
      partitionEpoch: leaderEpoch,
      replicas: [1, 2],
      isr: [leader],
      minIsr: 1,
    };
    return this.step({ type: 'partitionChanged', view: { ...view, eligible: new Map([[1, 5]]) } });
  }

  produce(produceId: number, producer: BatchProducer): readonly ReplicaEffect[] {
    return this.step({ type: 'produceRequested', produceId, recordCount: 1, producer });
  }

  flush(): readonly ReplicaEffect[] {
    return this.step({ type: 'flushed', endOffset: this.replica.logEndOffset, generation: 0 });
  }

  /** As a follower: the answer to its fetch. */
  answer(answer: FetchAnswer, produced: readonly ProducedBatch[]): readonly ReplicaEffect[] {
    const sent = this.step({ type: 'wake' }, 2_000).find((effect) => effect.type === 'sendFetch');
    const fetchId = sent?.type === 'sendFetch' ? sent.fetchId : -1;
    return this.step({ type: 'fetchAnswered', fetchId, answer, produced });
  }

  step(input: Untimed, afterMs = 1): readonly ReplicaEffect[] {
    this.#nowMs += afterMs;
    return this.replica.step({ ...input, nowMs: this.#nowMs }).effects;
  }
}

function sequence(baseSequence: number): BatchProducer {
  return { producerId: 7, producerEpoch: 0, baseSequence };
}

function stored(baseSequence: number, baseOffset: number): ProducedBatch {
  return { ...sequence(baseSequence), baseOffset, endOffset: baseOffset + 1 };
}

function outcomes(effects: readonly ReplicaEffect[]): readonly unknown[] {
  return effects.flatMap((effect) => {
    if (effect.type === 'completeProduce') return [[effect.produceId, effect.baseOffset]];
    return effect.type === 'failProduce' ? [[effect.produceId, effect.error]] : [];
  });
}

describe('a leader that is sent a batch again', () => {
  it('appends it once, and acknowledges it when the first is, in the order of the log', () => {
    const led = new Led();
    led.lead(1, 1);
    led.produce(1, sequence(0));
    led.produce(2, sequence(1));
    expect(outcomes(led.produce(3, sequence(0)))).toEqual([]);
    expect(led.replica.logEndOffset).toBe(2);
    expect(outcomes(led.flush())).toEqual([
      [1, 0],
      [3, 0],
      [2, 1],
    ]);
    expect(outcomes(led.produce(4, sequence(1)))).toEqual([[4, 1]]);
  });

  it('says that the outcome is unknown when its leadership ends before', () => {
    const led = new Led();
    led.lead(1, 1);
    led.produce(1, sequence(0));
    led.produce(2, sequence(0));
    expect(outcomes(led.lead(2, 2))).toEqual([
      [1, 'OUTCOME_UNKNOWN'],
      [2, 'OUTCOME_UNKNOWN'],
    ]);
  });

  it('finds what an earlier leader has appended, in what it holds after a restart', () => {
    const led = new Led(2, [stored(0, 0), stored(1, 1)]);
    led.lead(1, 1);
    expect(outcomes(led.produce(1, sequence(1)))).toEqual([[1, 1]]);
    expect(outcomes(led.produce(2, sequence(3)))).toEqual([[2, 'OUT_OF_ORDER_SEQUENCE_NUMBER']]);
    expect(led.replica.logEndOffset).toBe(2);
  });

  it('finds what it has fetched itself while it followed', () => {
    const led = new Led();
    led.lead(2, 1);
    const epochs = [{ epoch: 1, startOffset: 0 }];
    const answer = {
      kind: 'records',
      leaderEpoch: 1,
      fetchOffset: 0,
      endOffset: 1,
      epochs,
      highWatermark: 1,
      logStartOffset: 0,
    } as const;
    led.answer(answer, [stored(0, 0)]);
    led.flush();
    led.lead(1, 2);
    expect(outcomes(led.produce(1, sequence(0)))).toEqual([[1, 0]]);
  });

  it('takes nothing that is numbered while it does not know what a truncation has left', () => {
    const led = new Led(3, [stored(0, 0), stored(1, 1), stored(2, 2)]);
    led.lead(2, 1);
    const cut = led.answer({ kind: 'diverging', leaderEpoch: 1, epoch: 0, endOffset: 1 }, []);
    expect(cut).toContainEqual({ type: 'truncate', to: 1, generation: 1, rebuildsProducers: true });
    led.lead(1, 2);
    expect(outcomes(led.produce(1, sequence(1)))).toEqual([[1, 'REPLICA_NOT_AVAILABLE']]);
    expect(led.replica.produced).toBeNull();
    // What was read before the truncation is of no use.
    led.step({ type: 'producersRebuilt', generation: 0, produced: [stored(0, 0), stored(1, 1)] });
    expect(led.replica.produced).toBeNull();
    led.step({ type: 'producersRebuilt', generation: 1, produced: [stored(0, 0)] });
    expect(led.replica.produced).toEqual([stored(0, 0)]);
    led.produce(2, sequence(1));
    expect(led.replica.logEndOffset).toBe(2);
  });

  it('knows no producer whose batches retention has removed', () => {
    const led = new Led(2, [stored(0, 0), stored(1, 1)]);
    led.lead(1, 1);
    led.step({ type: 'retentionDue', logStartOffset: 2 });
    expect(outcomes(led.produce(1, sequence(2)))).toEqual([[1, 'UNKNOWN_PRODUCER_ID']]);
  });
});
