import { type Comparer, compareNumbers, compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { OrderedMap, type OrderedMapDraft } from '../../../base/ordered-map.ts';
import { bytes, int32, int64, string, type StructOf } from '../../schema.ts';

export const sessionFields = {
  sessionId: int64,
  principal: string(256),
  timeoutMs: int32,
  /** Wall clock of the last record of this session. */
  lastUsedMs: int64,
  forgetBelow: int64,
  lastModified: int64,
};

export const sessionAnswerFields = {
  sessionId: int64,
  sequence: int64,
  requestHash: bytes(64),
  status: string(64),
  answer: bytes(4_096),
  lastModified: int64,
};

export const headerAnswerFields = {
  principal: string(256),
  key: string(128),
  requestHash: bytes(64),
  status: string(64),
  answer: bytes(4_096),
  answeredMs: int64,
  lastModified: int64,
};

/** A session: sequences below `forgetBelow` are forgotten and refused. */
export type SessionRow = StructOf<typeof sessionFields>;
/** An answer: it belongs to a session of the table, at a sequence of at least its `forgetBelow`. */
export type SessionAnswerRow = StructOf<typeof sessionAnswerFields>;
export type HeaderAnswerRow = StructOf<typeof headerAnswerFields>;

export type AnswerKey = { readonly sessionId: number; readonly sequence: number };
export type HeaderKey = { readonly principal: string; readonly key: string };

export const compareAnswerKeys: Comparer<AnswerKey> = (left, right) =>
  left.sessionId - right.sessionId || left.sequence - right.sequence;

export const compareHeaderKeys: Comparer<HeaderKey> = (left, right) =>
  compareStrings(left.principal, right.principal) || compareStrings(left.key, right.key);

export type SessionState = {
  readonly sessions: KeyedTable<number, SessionRow>;
  readonly answers: KeyedTable<AnswerKey, SessionAnswerRow>;
  /** By the offset at which they were answered, which is the order in which they expire. */
  readonly headerAnswers: KeyedTable<number, HeaderAnswerRow>;
  /** Offset of the answer of each header key. */
  readonly headerOffsets: OrderedMap<HeaderKey, number>;
};

export type SessionDraft = {
  readonly sessions: KeyedTableDraft<number, SessionRow>;
  readonly answers: KeyedTableDraft<AnswerKey, SessionAnswerRow>;
  readonly headerAnswers: KeyedTableDraft<number, HeaderAnswerRow>;
  readonly headerOffsets: OrderedMapDraft<HeaderKey, number>;
};

export const emptySessionState: SessionState = Object.freeze({
  sessions: KeyedTable.empty<number, SessionRow>(compareNumbers),
  answers: KeyedTable.empty<AnswerKey, SessionAnswerRow>(compareAnswerKeys),
  headerAnswers: KeyedTable.empty<number, HeaderAnswerRow>(compareNumbers),
  headerOffsets: OrderedMap.empty<HeaderKey, number>(compareHeaderKeys),
});
