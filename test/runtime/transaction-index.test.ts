import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Offset, offset } from '../../src/base/brands.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { nextStretch, stableOffset, TransactionIndex } from '../../src/runtime/log/transaction-index.ts';
import { ListLog } from './support/list-log.ts';
import { noOps } from './support/operations.ts';
import { abort, begin, end } from './support/transactions.ts';

function logOf(...batches: readonly (readonly MetadataRecord[] | 'control')[]): ListLog {
  const log = new ListLog(() => undefined);
  for (const records of batches) {
    if (records === 'control') log.control();
    else log.data(records);
  }
  return log;
}

/** A batch before, one that takes effect from 1 to 8, one that does not from 8 to 12, a batch behind them. */
const example = logOf(
  noOps(1),
  [begin, ...noOps(2)],
  'control',
  [...noOps(2), end],
  [begin, ...noOps(2)],
  [abort],
  noOps(3),
);

describe('the transactions of a log', () => {
  it('are known by where they begin and end, and whether they take effect', () => {
    const around = Array.from({ length: 16 }, (_, at) => {
      const found = example.transactions.around(offset(at));
      return found === null ? '.' : found.isAborted ? 'a' : 'c';
    });
    expect(around.join('')).toBe('..cccccc.aaa....');
    expect(example.transactions.firstFrom(offset(2))).toMatchObject({ baseOffset: 8, endOffset: 12 });
    expect(stableOffset(example.transactions, offset(10))).toBe(8);
    expect(stableOffset(example.transactions, offset(12))).toBe(12);
  });

  it('take an Abort or an End for what it is only behind a Begin', () => {
    const log = logOf([...noOps(1), end], [abort], [begin, end], noOps(1));
    expect(log.transactions.firstFrom(offset(0))).toMatchObject({ baseOffset: 3, endOffset: 5 });
    expect(log.transactions.firstFrom(offset(4))).toBeNull();
  });

  it('are open again once their end is truncated, and forgotten with their beginning', () => {
    const log = logOf(noOps(1), [begin, ...noOps(2)], [...noOps(2), end]);
    log.transactions.truncateTo(offset(4));
    expect(log.transactions.around(offset(4))).toMatchObject({ baseOffset: 1, endOffset: null });
    log.transactions.truncateTo(offset(1));
    expect(log.transactions.firstFrom(offset(0))).toBeNull();
  });

  it('count from where a log physically begins, if that is within one', () => {
    const index = new TransactionIndex();
    index.beginScan(offset(4));
    for (const batch of example.batches.filter(({ baseOffset }) => baseOffset >= 4)) index.add(batch);
    index.endScan();
    expect(index.firstFrom(offset(0))).toMatchObject({ baseOffset: 4, endOffset: 8, isAborted: false });
    expect(index.around(offset(9))).toMatchObject({ baseOffset: 8, endOffset: 12, isAborted: true });
  });

  it('are read whole, one by one, of aborted ones the Abort alone', () => {
    const stretches: (readonly number[])[] = [];
    for (let since = offset(0); since < 15; ) {
      const { from, to } = nextStretch(example.transactions, since, offset(15));
      stretches.push([since, from, to]);
      since = to;
    }
    expect(stretches).toEqual([
      [0, 0, 1],
      [1, 1, 8],
      [8, 11, 12],
      [12, 12, 15],
    ]);
    expect(nextStretch(example.transactions, offset(4), offset(15))).toMatchObject({ from: 4, to: 8 });
  });

  it('are the same after any truncations as those of a log that never held more', () => {
    const batchOf: Readonly<Record<string, readonly MetadataRecord[]>> = {
      begin: [begin, ...noOps(1)],
      more: noOps(2),
      end: [...noOps(1), end],
      abort: [abort],
    };
    const step = fc.oneof(fc.constantFrom(...Object.keys(batchOf)), fc.nat({ max: 3 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const log = logOf();
        let isOpen = false;
        for (const each of steps) {
          if (typeof each === 'number') {
            log.batches = log.batches.slice(0, Math.max(0, log.batches.length - each));
            log.transactions.truncateTo(log.endOffset);
          } else if (isOpen ? each !== 'begin' : each === 'begin' || each === 'more') {
            log.data(batchOf[each] ?? []);
          }
          const fresh = new TransactionIndex();
          for (const batch of log.batches) fresh.add(batch);
          isOpen = fresh.around(log.endOffset) !== null;
          expect(allOf(log.transactions, log.endOffset)).toEqual(allOf(fresh, log.endOffset));
        }
      }),
      { numRuns: 200 },
    );
  });
});

function allOf(index: TransactionIndex, to: Offset): readonly string[] {
  return Array.from({ length: to + 1 }, (_, at) => {
    const found = index.around(offset(at));
    return found === null ? '.' : `${found.baseOffset}-${found.endOffset ?? ''}${found.isAborted ? 'a' : ''}`;
  });
}
