/** How a record ended for the producer that sent it. */
export type RecordOutcome =
  | 'acknowledged'
  /** An answer was lost: it may be there or not, but once at most, and in its place. */
  | 'unknown'
  /** Every attempt was answered with that nothing was appended. */
  | 'refused';

/** Records of one producer in one partition, numbered from 0 in the order in which they were sent. */
export type Lane = { readonly place: string; readonly producerId: number };

export type StoredRecord = { readonly offset: number; readonly value: string };

type Sent = { readonly outcome: RecordOutcome; readonly offset: number | null };

/** What a record says of itself, so that it is known wherever it turns up. */
export function recordValue(producerId: number, number: number): string {
  return `${producerId}:${number}`;
}

/**
 * What producers were told of each record that they sent.
 *
 * Invariants
 * 1. A lane belongs to one producer, and each of its numbers is sent as one record only, however often that is.
 */
export class RecordLedger {
  readonly #lanes = new Map<string, Map<number, Sent>>();

  add(lane: Lane, number: number, sent: Sent): void {
    const key = laneKey(lane.place, lane.producerId);
    const known = this.#lanes.get(key) ?? new Map<number, Sent>();
    if (known.has(number)) throw new Error(`record ${number} of ${key} has ended already`);
    known.set(number, sent);
    this.#lanes.set(key, known);
  }

  count(outcome: RecordOutcome): number {
    let count = 0;
    for (const lane of this.#lanes.values()) {
      for (const sent of lane.values()) if (sent.outcome === outcome) count += 1;
    }
    return count;
  }

  acknowledgedAt(place: string): number {
    const lanes = [...this.lanesOf(place).values()].flatMap((lane) => [...lane.values()]);
    return lanes.filter(({ outcome }) => outcome === 'acknowledged').length;
  }

  /** The lanes of one partition, by producer. */
  lanesOf(place: string): ReadonlyMap<number, ReadonlyMap<number, Sent>> {
    const found = new Map<number, ReadonlyMap<number, Sent>>();
    for (const [key, lane] of this.#lanes) {
      const [of = '', producerId] = key.split(' ');
      if (of === place) found.set(Number(producerId), lane);
    }
    return found;
  }

  get places(): readonly string[] {
    return [...new Set([...this.#lanes.keys()].map((key) => key.split(' ')[0] ?? ''))];
  }
}

function laneKey(place: string, producerId: number): string {
  return `${place} ${producerId}`;
}

/** What is wrong is named record by record, and what is allowed either way is counted. */
export type Comparison = {
  readonly acknowledged: number;
  readonly missing: string[];
  readonly duplicated: string[];
  readonly outOfOrder: string[];
  /** There, though every attempt was refused, or nobody has sent it. */
  readonly unasked: string[];
  readonly unknown: number;
  unknownPresent: number;
  readonly refused: number;
};

/** Compares what producers were told with everything that the partitions show, from their beginnings. */
export function compare(
  ledger: RecordLedger,
  stored: ReadonlyMap<string, readonly StoredRecord[]>,
): Comparison {
  const comparison: Comparison = {
    acknowledged: ledger.count('acknowledged'),
    missing: [],
    duplicated: [],
    outOfOrder: [],
    unasked: [],
    unknown: ledger.count('unknown'),
    unknownPresent: 0,
    refused: ledger.count('refused'),
  };
  for (const place of new Set([...ledger.places, ...stored.keys()])) {
    comparePlace(place, ledger.lanesOf(place), stored.get(place) ?? [], comparison);
  }
  return comparison;
}

function comparePlace(
  place: string,
  lanes: ReturnType<RecordLedger['lanesOf']>,
  stored: readonly StoredRecord[],
  comparison: Comparison,
): void {
  const offsets = new Map<string, number>();
  const highest = new Map<number, number>();
  for (const { offset, value } of stored) {
    const [producerId = -1, number = -1] = value.split(':').map(Number);
    const name = `${place} ${value} at ${offset}`;
    const earlier = offsets.get(value);
    if (earlier !== undefined) comparison.duplicated.push(`${name} stands at ${earlier}, too`);
    else {
      offsets.set(value, offset);
      const before = highest.get(producerId) ?? -1;
      if (number < before) comparison.outOfOrder.push(`${name} comes after ${before}`);
      highest.set(producerId, Math.max(before, number));
    }
    const sent = lanes.get(producerId)?.get(number);
    if (sent === undefined || sent.outcome === 'refused') comparison.unasked.push(name);
  }
  for (const [producerId, lane] of lanes) {
    for (const [number, { outcome, offset }] of lane) {
      const value = recordValue(producerId, number);
      const found = offsets.get(value);
      if (outcome === 'unknown' && found !== undefined) comparison.unknownPresent += 1;
      if (outcome !== 'acknowledged' || found === offset) continue;
      const seen = found === undefined ? 'is not there' : `stands at ${found}`;
      comparison.missing.push(`${place} ${value} was acknowledged at ${offset} and ${seen}`);
    }
  }
}

/** What a consumer was shown while things went wrong, and what is not so afterwards. */
export function compareShown(
  shown: ReadonlyMap<string, readonly StoredRecord[]>,
  stored: ReadonlyMap<string, readonly StoredRecord[]>,
): readonly string[] {
  const gone: string[] = [];
  for (const [place, records] of shown) {
    const kept = new Map((stored.get(place) ?? []).map(({ offset, value }) => [offset, value]));
    for (const { offset, value } of records) {
      const found = kept.get(offset);
      if (found !== value)
        gone.push(`${place} showed ${value} at ${offset}, where ${found ?? 'nothing'} stands`);
    }
  }
  return gone;
}

/** `acknowledged 812, missing 0, duplicated 0, out of order 0, unknown 3 of which present 2` */
export function formatComparison(comparison: Comparison): string {
  const { acknowledged, missing, duplicated, outOfOrder, unknown, unknownPresent } = comparison;
  const wrong = `missing ${missing.length}, duplicated ${duplicated.length}, out of order ${outOfOrder.length}`;
  return `acknowledged ${acknowledged}, ${wrong}, unknown ${unknown} of which present ${unknownPresent}`;
}

export function complaintsOf({ missing, duplicated, outOfOrder, unasked }: Comparison): readonly string[] {
  return [
    ...missing.map((each) => `missing: ${each}`),
    ...duplicated.map((each) => `duplicated: ${each}`),
    ...outOfOrder.map((each) => `out of order: ${each}`),
    ...unasked.map((each) => `not asked for: ${each}`),
  ];
}
