import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderEpochs } from '../../src/replica/leader-epochs.ts';

describe('the leader epochs of a log', () => {
  it('name the newest epoch that is not newer than the one asked for, and where it ends', () => {
    const epochs = new LeaderEpochs([
      { epoch: 1, startOffset: 0 },
      { epoch: 4, startOffset: 10 },
      { epoch: 7, startOffset: 30 },
    ]);
    expect(epochs.endOf(0, 50)).toEqual({ epoch: -1, endOffset: 0 });
    expect(epochs.endOf(1, 50)).toEqual({ epoch: 1, endOffset: 10 });
    expect(epochs.endOf(5, 50)).toEqual({ epoch: 4, endOffset: 30 });
    expect(epochs.endOf(9, 50)).toEqual({ epoch: 7, endOffset: 50 });
  });

  it('forget an epoch that wrote nothing once another begins at the same place', () => {
    const epochs = new LeaderEpochs([{ epoch: 1, startOffset: 0 }]);
    epochs.begin(2, 5);
    epochs.begin(3, 5);
    expect(epochs.entries.map(({ epoch }) => epoch)).toEqual([1, 3]);
  });

  it('find the last record that two logs share, in as many steps as there are epochs at most', () => {
    const log = fc.array(
      fc.record({ skip: fc.integer({ min: 1, max: 3 }), count: fc.integer({ min: 1, max: 5 }) }),
      {
        maxLength: 8,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(log, log, log, (shared, left, right) => {
        const base = recordsOf(shared, 0);
        const first = base.at(-1) ?? 0;
        // After what they share the epochs are odd in one log and even in the other: none is in both.
        const one = [...base, ...recordsOf(left, first).map((epoch) => 2 * epoch + 101)];
        const other = [...base, ...recordsOf(right, first).map((epoch) => 2 * epoch + 100)];
        expect(converge(one, other)).toBe(base.length);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});

/** The epoch of each record. */
function recordsOf(
  spans: readonly { readonly skip: number; readonly count: number }[],
  after: number,
): readonly number[] {
  const records: number[] = [];
  let epoch = after;
  for (const { skip, count } of spans) {
    epoch += skip;
    for (let at = 0; at < count; at++) records.push(epoch);
  }
  return records;
}

function epochsOf(records: readonly number[]): LeaderEpochs {
  const epochs = new LeaderEpochs();
  for (const [offset, epoch] of records.entries()) epochs.begin(epoch, offset);
  return epochs;
}

/** Where a follower stands once its leader sends it records. */
function converge(leader: readonly number[], follower: readonly number[]): number {
  const leaders = epochsOf(leader);
  let records = follower;
  for (let step = 0; step < 40; step++) {
    const own = epochsOf(records);
    const last = records.at(-1) ?? -1;
    const answer = leaders.endOf(last, leader.length);
    if (records.length === 0 || (answer.epoch === last && answer.endOffset >= records.length))
      return records.length;
    const end = own.endOf(answer.epoch, records.length);
    const to = end.epoch === answer.epoch ? Math.min(end.endOffset, answer.endOffset) : end.endOffset;
    expect(to).toBeLessThan(records.length);
    records = records.slice(0, to);
  }
  return -1;
}
