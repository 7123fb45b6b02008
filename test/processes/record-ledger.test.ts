import { describe, expect, it } from 'vitest';
import {
  compare,
  compareShown,
  complaintsOf,
  formatComparison,
  RecordLedger,
  type RecordOutcome,
  type StoredRecord,
} from '../../scripts/ledger/account.ts';

const place = 'orders/0';

/** What one producer was told of its records 0, 1, …; an acknowledged one stands at the offset given. */
function told(...outcomes: readonly (number | Exclude<RecordOutcome, 'acknowledged'>)[]): RecordLedger {
  const ledger = new RecordLedger();
  for (const [number, outcome] of outcomes.entries()) {
    const isAcknowledged = typeof outcome === 'number';
    const sent = isAcknowledged
      ? ({ outcome: 'acknowledged', offset: outcome } as const)
      : { outcome, offset: null };
    ledger.add({ place, producerId: 7 }, number, sent);
  }
  return ledger;
}

/** The records 0, 1, … of the log, by their numbers. */
function log(...numbers: readonly number[]): ReadonlyMap<string, readonly StoredRecord[]> {
  return new Map([[place, numbers.map((number, offset) => ({ offset, value: `7:${number}` }))]]);
}

describe('the ledger of records', () => {
  it('finds nothing where all that was acknowledged stands where it was said, in its order', () => {
    const comparison = compare(told(0, 1, 'unknown', 2, 'unknown', 'refused'), log(0, 1, 3, 4));
    expect(complaintsOf(comparison)).toEqual([]);
    expect(formatComparison(comparison)).toBe(
      'acknowledged 3, missing 0, duplicated 0, out of order 0, unknown 2 of which present 1',
    );
  });

  it('finds a record that was acknowledged and is gone, or stands elsewhere', () => {
    expect(compare(told(0, 1), log(0)).missing).toEqual([
      'orders/0 7:1 was acknowledged at 1 and is not there',
    ]);
    expect(compare(told('unknown', 0), log(0, 1)).missing).toEqual([
      'orders/0 7:1 was acknowledged at 0 and stands at 1',
    ]);
  });

  it('finds a record that stands there twice, known or not', () => {
    expect(compare(told('unknown', 1), log(0, 1, 0)).duplicated).toEqual([
      'orders/0 7:0 at 2 stands at 0, too',
    ]);
  });

  it('finds a record that comes after a later one, known or not', () => {
    expect(compare(told('unknown', 0), log(1, 0)).outOfOrder).toEqual(['orders/0 7:0 at 1 comes after 1']);
  });

  it('finds a record that is there though it was refused or never sent', () => {
    expect(compare(told('refused'), log(0, 1)).unasked).toEqual(['orders/0 7:0 at 0', 'orders/0 7:1 at 1']);
  });

  it('finds what a consumer was shown and nobody has any more', () => {
    expect(compareShown(log(0, 1), log(0, 1, 2))).toEqual([]);
    expect(compareShown(log(0, 1), log(0, 2))).toEqual(['orders/0 showed 7:1 at 1, where 7:2 stands']);
    expect(compareShown(log(0, 1), log(0))).toEqual(['orders/0 showed 7:1 at 1, where nothing stands']);
  });
});
