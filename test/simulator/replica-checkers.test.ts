import { describe, expect, it } from 'vitest';
import { acknowledgedFromDisk } from '../../simulator/invariants/replicas/acknowledged-from-disk.ts';
import { consistentRead } from '../../simulator/invariants/replicas/consistent-read.ts';
import { logsMatch } from '../../simulator/invariants/replicas/logs-match.ts';
import { producedOnceInOrder } from '../../simulator/invariants/replicas/produced-once-in-order.ts';
import { ClusterObservation } from '../../simulator/observation.ts';
import { ModelDisk } from '../../simulator/workload/brokers/model-disk.ts';
import {
  type ReplicaJudge,
  ReplicaLedger,
  type Showing,
} from '../../simulator/workload/brokers/replica-ledger.ts';
import { World } from '../../simulator/world.ts';

function observation(): ClusterObservation {
  return new ClusterObservation(new World({ seed: 1 }), () => {
    throw new Error('no disk is looked at');
  });
}

/** Null where nothing is broken; otherwise what is. */
function verdictOf(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A log of one partition that brokers show to a consumer, and the verdict on each showing. */
class Shown {
  readonly #ledger = new ReplicaLedger();

  constructor() {
    this.#ledger.judges.push(consistentRead(observation()));
  }

  /** Null where nothing is broken; otherwise what is. */
  upTo(endOffset: number, by: Showing): string | null {
    const records = Array.from({ length: endOffset }, (_, value) => ({ epoch: 0, value, producer: null }));
    return verdictOf(() => {
      this.#ledger.visible('topic 0', by, endOffset, { records, startOffset: 0, flushed: endOffset });
    });
  }
}

/** Brokers 1 and 2 with a disk each, and one judge of what happens there. */
function disksUnder(judge: ReplicaJudge): { readonly ledger: ReplicaLedger; readonly disks: ModelDisk[] } {
  const ledger = new ReplicaLedger();
  ledger.judges.push(judge);
  const disks = [new ModelDisk(), new ModelDisk()];
  for (const [at, disk] of disks.entries()) ledger.addDisk(at + 1, disk);
  return { ledger, disks };
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

describe('logs of replicas match', () => {
  const records = (...epochs: number[]) => epochs.map((epoch, value) => ({ epoch, value, producer: null }));

  it('as long as a follower has what its leader has, whatever it had to cut off before', () => {
    const { disks } = disksUnder(logsMatch(observation()));
    const verdict = verdictOf(() => {
      disks[0]?.append('topic 0', 0, records(1, 1, 3));
      disks[1]?.append('topic 0', 0, records(1, 1, 2));
      disks[1]?.truncate('topic 0', 2);
      disks[1]?.append('topic 0', 2, [{ epoch: 3, value: 2, producer: null }]);
    });
    expect(verdict).toBeNull();
  });

  it('no more where a follower goes on behind a record that its leader does not have', () => {
    const { disks } = disksUnder(logsMatch(observation()));
    disks[0]?.append('topic 0', 0, records(1, 1, 3));
    disks[1]?.append('topic 0', 0, records(1, 2));
    const verdict = verdictOf(() => disks[1]?.append('topic 0', 2, [{ epoch: 3, value: 2, producer: null }]));
    expect(verdict).toMatch('follows a record of epoch 2');
  });
});

describe('a follower acknowledges what is on its disk', () => {
  const fetch = { brokerId: 1, brokerEpoch: 1, currentLeaderEpoch: 1, fetchOffset: 2, lastFetchedEpoch: 1 };

  it('and nothing that its disk could still lose', () => {
    const { ledger, disks } = disksUnder(acknowledgedFromDisk(observation()));
    disks[0]?.append('topic 0', 0, [
      { epoch: 1, value: 1, producer: null },
      { epoch: 1, value: 2, producer: null },
    ]);
    disks[0]?.flush('topic 0', 1);
    expect(verdictOf(() => ledger.fetching('topic 0', 1, { ...fetch, flushedOffset: 1 }))).toBeNull();
    expect(verdictOf(() => ledger.fetching('topic 0', 1, { ...fetch, flushedOffset: 2 }))).toMatch(
      'its disk is flushed up to 1',
    );
  });
});

describe('what is produced under a sequence stands once and in order', () => {
  /** Records of one producer by their epochs and sequences. */
  const numbered = (...numbers: readonly (readonly [number, number])[]) =>
    numbers.map(([producerEpoch, baseSequence], value) => ({
      epoch: 1,
      value,
      producer: { producerId: 7, producerEpoch, baseSequence },
    }));
  const verdictOn = (...numbers: readonly (readonly [number, number])[]): string | null => {
    const ledger = new ReplicaLedger();
    const disk = new ModelDisk();
    ledger.judges.push(producedOnceInOrder(observation(), ledger));
    ledger.addDisk(1, disk);
    return verdictOf(() => {
      for (const [at, record] of numbered(...numbers).entries()) disk.append('topic 0', at, [record]);
    });
  };

  it('as long as each follows the one before, or begins anew in a later epoch', () => {
    expect(verdictOn([0, 0], [0, 1], [2, 0], [2, 1])).toBeNull();
  });

  it.each<readonly [string, readonly (readonly [number, number])[]]>([
    [
      'twice',
      [
        [0, 0],
        [0, 1],
        [0, 1],
      ],
    ],
    [
      'behind a later one',
      [
        [0, 0],
        [0, 1],
        [0, 0],
      ],
    ],
    [
      'after a gap',
      [
        [0, 0],
        [0, 2],
      ],
    ],
    [
      'in an earlier epoch',
      [
        [1, 0],
        [0, 0],
      ],
    ],
    ['first of all, and not from its beginning', [[0, 1]]],
  ])('and not where it stands %s', (_name, numbers) => {
    expect(verdictOn(...numbers)).toMatch('broker 1 appends');
  });

  it('and is acknowledged at one offset', () => {
    const ledger = new ReplicaLedger();
    const disk = new ModelDisk();
    ledger.judges.push(producedOnceInOrder(observation(), ledger));
    ledger.addDisk(1, disk);
    const verdict = verdictOf(() => {
      disk.append('topic 0', 0, numbered([0, 0]));
      ledger.acknowledged('topic 0', 0, 0, 1);
      disk.truncate('topic 0', 0);
      disk.append('topic 0', 0, [{ epoch: 2, value: 9, producer: null }, ...numbered([0, 0])]);
      ledger.acknowledged('topic 0', 1, 0, 1);
    });
    expect(verdict).toMatch('it stood at 0');
  });
});
