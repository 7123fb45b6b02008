import { describe, expect, it } from 'vitest';
import { consistentRead } from '../../simulator/invariants/replicas/consistent-read.ts';
import { ClusterObservation } from '../../simulator/observation.ts';
import { ReplicaLedger, type Showing } from '../../simulator/workload/brokers/replica-ledger.ts';
import { World } from '../../simulator/world.ts';

/** A log of one partition that brokers show to a consumer, and the verdict on each showing. */
class Shown {
  readonly #ledger = new ReplicaLedger();

  constructor() {
    const cluster = new ClusterObservation(new World({ seed: 1 }), () => {
      throw new Error('no disk is looked at');
    });
    this.#ledger.judges.push(consistentRead(cluster));
  }

  /** Null where nothing is broken; otherwise what is. */
  upTo(endOffset: number, by: Showing): string | null {
    const records = Array.from({ length: endOffset }, (_, value) => ({ epoch: 0, value }));
    try {
      this.#ledger.visible('topic 0', by, endOffset, records);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

describe('ConsistentRead', () => {
  it('takes a later leader that shows less than one before it for a violation', () => {
    const shown = new Shown();
    expect(shown.upTo(7, { broker: 1, leaderEpoch: 3 })).toBeNull();
    expect(shown.upTo(7, { broker: 2, leaderEpoch: 4 })).toBeNull();
    expect(shown.upTo(6, { broker: 3, leaderEpoch: 5 })).toMatch('shown up to 7');
  });

  it('lets a leader that was deposed and does not know it show what it has', () => {
    const shown = new Shown();
    expect(shown.upTo(7, { broker: 2, leaderEpoch: 4 })).toBeNull();
    expect(shown.upTo(5, { broker: 1, leaderEpoch: 3 })).toBeNull();
  });
});
