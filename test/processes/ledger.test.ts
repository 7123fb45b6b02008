import { describe, expect, it } from 'vitest';
import { compare, compareWithLog, formatComparison, Ledger, type LedgerEntry } from './ledger.ts';

function entry(change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    operation: 'create topic',
    key: 'orders',
    value: '3',
    outcome: 'acknowledged',
    offset: 10,
    identity: 'id-1',
    reason: null,
    ...change,
  };
}

function ledgerOf(...entries: readonly LedgerEntry[]): Ledger {
  const ledger = new Ledger();
  for (const each of entries) ledger.add(each);
  return ledger;
}

const deletion = entry({ operation: 'delete topic', offset: 20, identity: null });
const orders = { key: 'orders', value: '3', identity: 'id-1' };

describe('the ledger', () => {
  it('finds nothing to complain about when every node shows what was acknowledged', () => {
    const comparison = compare(ledgerOf(entry()), [orders], 'node 0');
    expect(formatComparison(comparison)).toBe('acknowledged 1, missing 0, duplicated 0, unknown 0');
  });

  it('misses an acknowledged topic that a node does not show', () => {
    expect(compare(ledgerOf(entry()), [], 'node 0').missing).toHaveLength(1);
  });

  it('misses an acknowledged topic in whose place another one stands', () => {
    expect(compare(ledgerOf(entry()), [{ ...orders, identity: 'id-2' }], 'node 0').missing).toHaveLength(1);
    expect(compare(ledgerOf(entry()), [{ ...orders, value: '4' }], 'node 0').missing).toHaveLength(1);
  });

  it('misses an acknowledged deletion whose topic is still there', () => {
    expect(compare(ledgerOf(entry(), deletion), [orders], 'node 0').missing).toHaveLength(1);
    expect(compare(ledgerOf(entry(), deletion), [], 'node 0').missing).toHaveLength(0);
  });

  it('allows either end of an operation whose outcome is unknown, and nothing third', () => {
    const unknown = ledgerOf(entry(), { ...deletion, outcome: 'unknown', offset: null });
    expect(compare(unknown, [orders], 'node 0').missing).toHaveLength(0);
    expect(compare(unknown, [], 'node 0').missing).toHaveLength(0);
    expect(compare(unknown, [{ ...orders, identity: 'id-2' }], 'node 0').missing).toHaveLength(1);
  });

  it('counts a topic that is shown twice as duplicated', () => {
    expect(compare(ledgerOf(entry()), [orders, orders], 'node 0').duplicated).toHaveLength(1);
  });

  it('takes a refusal that finds the work done already for a second execution', () => {
    const twice = entry({ outcome: 'refused', offset: null, reason: 'TOPIC_ALREADY_EXISTS: orders' });
    expect(compare(ledgerOf(twice), [], 'node 0').duplicated).toHaveLength(1);
  });

  it('does not let a key be written again after an unknown outcome', () => {
    expect(() => ledgerOf(entry({ outcome: 'unknown' }), entry())).toThrow('unknown outcome');
  });

  it('finds an operation in the log that was carried out twice', () => {
    const counts = (
      created: number,
      deleted: number,
    ): ReadonlyMap<string, { created: number; deleted: number }> =>
      new Map([['orders', { created, deleted }]]);
    expect(compareWithLog(ledgerOf(entry(), deletion), counts(1, 1))).toEqual([]);
    expect(compareWithLog(ledgerOf(entry(), deletion), counts(2, 1))).toHaveLength(1);
    expect(compareWithLog(ledgerOf(entry(), deletion), counts(1, 0))).toHaveLength(1);
    expect(compareWithLog(ledgerOf(entry({ outcome: 'unknown' })), counts(1, 0))).toEqual([]);
  });
});
