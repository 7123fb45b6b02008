import { array, bytes, defineRecord, int32, int64, type RecordOf, string } from '../../schema.ts';

/**
 * The records of exactly once (design 14). They are ours: Kafka has none of these, and shows them to its
 * brokers as no-ops.
 */

/** A session begins; its id is this record's offset. */
export const openSessionRecord = defineRecord({
  name: 'OpenSessionRecord',
  id: 1000,
  fields: { sessionId: int64, principal: string(256), timeoutMs: int32 },
});

/** A session ends, because its client says so or because it was idle: it expires by record only. */
export const closeSessionRecord = defineRecord({
  name: 'CloseSessionRecord',
  id: 1001,
  fields: { sessionId: int64 },
});

/**
 * What was answered to one sequence of a session. `status` is the error code, or empty for a success;
 * `answer` is the compact response. Sequences below `forgetBelow` are forgotten with it.
 */
export const sessionAnswerRecord = defineRecord({
  name: 'SessionAnswerRecord',
  id: 1002,
  fields: {
    sessionId: int64,
    sequence: int64,
    forgetBelow: int64,
    requestHash: bytes(64),
    status: string(64),
    answer: bytes(4_096),
  },
});

/** What was answered to a request with a bare Idempotency-Key header. */
export const headerAnswerRecord = defineRecord({
  name: 'HeaderAnswerRecord',
  id: 1003,
  fields: {
    principal: string(256),
    key: string(128),
    requestHash: bytes(64),
    status: string(64),
    answer: bytes(4_096),
  },
});

/** Answers to header keys, written at these offsets, are older than the published window. */
export const forgetHeaderAnswersRecord = defineRecord({
  name: 'ForgetHeaderAnswersRecord',
  id: 1004,
  fields: { offsets: array(int64, 1_000) },
});

export type OpenSessionRecord = RecordOf<typeof openSessionRecord>;
export type CloseSessionRecord = RecordOf<typeof closeSessionRecord>;
export type SessionAnswerRecord = RecordOf<typeof sessionAnswerRecord>;
export type HeaderAnswerRecord = RecordOf<typeof headerAnswerRecord>;
export type ForgetHeaderAnswersRecord = RecordOf<typeof forgetHeaderAnswersRecord>;
