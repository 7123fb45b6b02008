import type { WriteOutcome } from './ledger-client.ts';

export type LedgerOperation = 'create topic' | 'delete topic' | 'register broker';

/** One operation as the client that asked for it knows it. */
export type LedgerEntry = {
  readonly operation: LedgerOperation;
  /** The topic's name or the broker's id. */
  readonly key: string;
  /** What was written: the number of partitions, or the incarnation. */
  readonly value: string;
  readonly outcome: WriteOutcome['type'];
  /** The offset that the answer reported; null without an acknowledgement. */
  readonly offset: number | null;
  /** What the cluster chose for it, by the answer: the topic's id or the broker epoch. */
  readonly identity: string | null;
  /** Why it was refused or is not known. */
  readonly reason: string | null;
};

/** What a read shows of one key. */
export type StoredEntry = { readonly key: string; readonly value: string; readonly identity: string };

/** How often the log says that a key was written. */
export type WriteCounts = ReadonlyMap<string, { readonly created: number; readonly deleted: number }>;

/**
 * What concurrent clients did to the cluster, to be compared with what it shows afterwards.
 *
 * Invariants
 * 1. A key belongs to one client, which writes it one operation after the other.
 * 2. After an operation whose outcome is not known its key is written no more: so whatever is unknown
 *    stands last.
 */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];
  readonly #byKey = new Map<string, LedgerEntry[]>();

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  get acknowledgedCount(): number {
    return this.#entries.filter(({ outcome }) => outcome === 'acknowledged').length;
  }

  get unknownCount(): number {
    return this.#entries.filter(({ outcome }) => outcome === 'unknown').length;
  }

  /** The highest offset that any client was answered: whoever reads must have come so far. */
  get offset(): number {
    return this.#entries.reduce((highest, { offset }) => Math.max(highest, offset ?? 0), 0);
  }

  add(entry: LedgerEntry): void {
    const known = this.#byKey.get(entry.key) ?? [];
    const last = known.at(-1);
    if (last?.outcome === 'unknown') throw new Error(`${entry.key} was written after an unknown outcome`);
    known.push(entry);
    this.#byKey.set(entry.key, known);
    this.#entries.push(entry);
  }

  get keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  entriesOf(key: string): readonly LedgerEntry[] {
    return this.#byKey.get(key) ?? [];
  }
}

export type Comparison = {
  readonly acknowledged: number;
  readonly missing: readonly string[];
  readonly duplicated: readonly string[];
  readonly unknown: number;
};

/** Compares the ledger with what one node shows. `stored` holds every entry whose key the ledger may know. */
export function compare(ledger: Ledger, stored: readonly StoredEntry[], where: string): Comparison {
  const byKey = new Map<string, StoredEntry>();
  const duplicated: string[] = [];
  for (const entry of stored) {
    if (byKey.has(entry.key)) duplicated.push(`${where} shows ${entry.key} twice`);
    byKey.set(entry.key, entry);
  }
  const missing = ledger.keys.flatMap((key) => {
    const complaint = complaintAbout(ledger.entriesOf(key), byKey.get(key));
    return complaint === null ? [] : [`${where}: ${key}: ${complaint}`];
  });
  duplicated.push(...contradictions(ledger));
  return { acknowledged: ledger.acknowledgedCount, missing, duplicated, unknown: ledger.unknownCount };
}

/** Why the state of one key cannot be what its history says; null when it can. */
function complaintAbout(history: readonly LedgerEntry[], stored: StoredEntry | undefined): string | null {
  const last = history.at(-1);
  if (last === undefined) return null;
  const settled = history.filter(({ outcome }) => outcome === 'acknowledged').at(-1);
  if (last.outcome !== 'unknown') return mismatch(settled, stored);
  // Both are allowed: that the unknown operation took effect, and that it did not.
  return mismatch(settled, stored) === null ? null : mismatch(last, stored);
}

function mismatch(wanted: LedgerEntry | undefined, stored: StoredEntry | undefined): string | null {
  const isGone = wanted === undefined || wanted.operation === 'delete topic';
  if (isGone) return stored === undefined ? null : `it is there, and should not be (${stored.identity})`;
  if (stored === undefined) return `acknowledged at ${wanted.offset ?? 'an unknown offset'}, and not there`;
  if (stored.value !== wanted.value) return `holds ${stored.value} where ${wanted.value} was written`;
  if (wanted.identity !== null && stored.identity !== wanted.identity)
    return `is ${stored.identity} where ${wanted.identity} was acknowledged`;
  return null;
}

/**
 * Every key is written by one client, one operation after the other. So a refusal that says that a topic
 * exists already, or is gone already, was given to an operation that had been carried out before.
 */
function contradictions(ledger: Ledger): string[] {
  const telltale = /TOPIC_ALREADY_EXISTS|UNKNOWN_TOPIC/;
  return ledger.entries
    .filter(({ outcome, reason }) => outcome === 'refused' && telltale.test(reason ?? ''))
    .map(({ operation, key, reason }) => `${operation} ${key} was refused as done already: ${reason ?? ''}`);
}

/** Compares with how often the log says that each key was written: an operation carried out twice shows here. */
export function compareWithLog(ledger: Ledger, counts: WriteCounts): readonly string[] {
  return ledger.keys.flatMap((key) => {
    const history = ledger.entriesOf(key);
    const found = counts.get(key) ?? { created: 0, deleted: 0 };
    const isDelete = (entry: LedgerEntry): boolean => entry.operation === 'delete topic';
    return [
      countComplaint(
        key,
        'created',
        history.filter((entry) => !isDelete(entry)),
        found.created,
      ),
      countComplaint(key, 'deleted', history.filter(isDelete), found.deleted),
    ].filter((complaint) => complaint !== null);
  });
}

function countComplaint(
  key: string,
  what: string,
  history: readonly LedgerEntry[],
  found: number,
): string | null {
  const least = history.filter(({ outcome }) => outcome === 'acknowledged').length;
  const most = least + history.filter(({ outcome }) => outcome === 'unknown').length;
  if (found >= least && found <= most) return null;
  return `the log says that ${key} was ${what} ${found} times, and its client knows of ${least} to ${most}`;
}

/** `acknowledged 812, missing 0, duplicated 0, unknown 3` */
export function formatComparison({ acknowledged, missing, duplicated, unknown }: Comparison): string {
  return `acknowledged ${acknowledged}, missing ${missing.length}, duplicated ${duplicated.length}, unknown ${unknown}`;
}
