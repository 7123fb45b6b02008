import { defineKind } from '../../resource.ts';
import { defineRecord, nullable, string } from '../../schema.ts';

/** Level of `metadata.version` from which on they may be written. */
export const transactionsMetadataVersion = 2;

const since = [transactionsMetadataVersion] as const;

/** Names and ids are Kafka's (KIP-868). `name` is the operation's, for people. */
export const beginTransactionRecord = defineRecord({
  name: 'BeginTransactionRecord',
  id: 23,
  metadataVersions: since,
  fields: { name: nullable(string(249)) },
});

export const endTransactionRecord = defineRecord({
  name: 'EndTransactionRecord',
  id: 24,
  metadataVersions: since,
  fields: {},
});

/** Everything from the last Begin on takes no effect. */
export const abortTransactionRecord = defineRecord({
  name: 'AbortTransactionRecord',
  id: 25,
  metadataVersions: since,
  fields: { reason: nullable(string(249)) },
});

/** There is nothing to know: every state that anybody is shown is one outside of transactions. */
export type TransactionState = Readonly<Record<string, never>>;

const nothing: TransactionState = Object.freeze({});

type Records = readonly [
  typeof beginTransactionRecord,
  typeof endTransactionRecord,
  typeof abortTransactionRecord,
];

export const resource = defineKind<'transaction', Records, TransactionState, TransactionState>({
  name: 'transaction',
  records: [beginTransactionRecord, endTransactionRecord, abortTransactionRecord],
  empty: () => nothing,
  edit: (state) => state,
  freeze: (draft) => draft,
  // Whether what stands between them takes effect is decided by whoever reads the log (README.md), before the replay.
  replay: {
    BeginTransactionRecord: () => {},
    EndTransactionRecord: () => {},
    AbortTransactionRecord: () => {},
  },
  tables: [],
  toRecords: () => [],
});
