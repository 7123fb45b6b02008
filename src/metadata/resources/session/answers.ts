import { assert } from '../../../base/assert.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { ErrorCode } from '../../errors.ts';
import { errorCatalogue } from '../../errors.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import type { HeaderAnswerRecord, SessionAnswerRecord } from './records.ts';

/** A key of a session (design 14): sequences below `forgetBelow` will not be asked about again. */
export type SessionKey = {
  readonly sessionId: number;
  readonly sequence: number;
  readonly forgetBelow: number;
};

/** A bare Idempotency-Key header: its text, which is the principal's own. */
export type HeaderKey = { readonly headerKey: string };

export type AnswerKey = SessionKey | HeaderKey;

/** `status` null for a success; `answer` as it was given to `answerRecord`. */
export type RecordedAnswer = {
  readonly kind: 'recorded';
  readonly status: ErrorCode | null;
  readonly answer: Uint8Array;
};

export type AnswerLookup =
  | { readonly kind: 'execute' }
  | RecordedAnswer
  | { readonly kind: 'refused'; readonly error: OperationError };

/**
 * What to do with a request under a key: execute it and record its answer, give the recorded answer again,
 * or refuse it. `requestHash` is over operation and input: another request under the same key is refused.
 * A refusal here is not recorded; it changes nothing and comes again for the same key.
 */
export function lookupAnswer(
  image: MetadataImage,
  key: AnswerKey,
  requestHash: Uint8Array,
  principal: string,
): AnswerLookup {
  return 'headerKey' in key
    ? lookupHeaderAnswer(image, key, requestHash, principal)
    : lookupSessionAnswer(image, key, requestHash, principal);
}

function lookupSessionAnswer(
  image: MetadataImage,
  key: SessionKey,
  requestHash: Uint8Array,
  principal: string,
): AnswerLookup {
  const { sessions, answers } = image.session;
  const session = sessions.get(key.sessionId);
  // Another principal's session is none of this caller's business, so it looks as if there were none.
  if (session === null || session.principal !== principal) {
    coverageMark('exactly once: the session is not known');
    return refused('SESSION_EXPIRED', `There is no session ${key.sessionId}; nothing was executed.`);
  }
  if (key.sequence < session.forgetBelow || key.sequence < key.forgetBelow) {
    coverageMark('exactly once: a forgotten sequence');
    return refused('SEQUENCE_FORGOTTEN', `Sequence ${key.sequence} may be forgotten; nothing was executed.`);
  }
  const recorded = answers.get({ sessionId: key.sessionId, sequence: key.sequence });
  if (recorded !== null) return recall(recorded, requestHash);
  const forgetBelow = Math.max(session.forgetBelow, key.forgetBelow);
  if (key.sequence >= forgetBelow + limits.sessionWindow) {
    return refused(
      'SESSION_TABLE_FULL',
      `A session remembers ${limits.sessionWindow} sequences (sessionWindow); raise forgetBelow first.`,
    );
  }
  return answers.size < limits.answersMax ? execute : tableFull;
}

function lookupHeaderAnswer(
  image: MetadataImage,
  key: HeaderKey,
  requestHash: Uint8Array,
  principal: string,
): AnswerLookup {
  const { headerOffsets, headerAnswers } = image.session;
  if (key.headerKey.length === 0 || key.headerKey.length > limits.headerKeyLengthMax) {
    return refused('INVALID_REQUEST', `An Idempotency-Key has 1 to ${limits.headerKeyLengthMax} characters.`);
  }
  if (principal.length > limits.principalLengthMax) return longPrincipal;
  const answeredAt = headerOffsets.get({ principal, key: key.headerKey });
  const recorded = answeredAt === undefined ? null : headerAnswers.get(answeredAt);
  if (recorded !== null) return recall(recorded, requestHash);
  return headerAnswers.size < limits.headerAnswersMax ? execute : tableFull;
}

const execute: AnswerLookup = Object.freeze({ kind: 'execute' });
const tableFull = refused('SESSION_TABLE_FULL', 'No further answer can be remembered; nothing was executed.');
const longPrincipal = refused(
  'INVALID_REQUEST',
  `Keys are remembered for principals of at most ${limits.principalLengthMax} characters.`,
);

function refused(code: ErrorCode, message: string): AnswerLookup {
  return { kind: 'refused', error: { code, message } };
}

function recall(
  row: { readonly requestHash: Uint8Array; readonly status: string; readonly answer: Uint8Array },
  requestHash: Uint8Array,
): AnswerLookup {
  if (!sameBytes(row.requestHash, requestHash)) {
    return refused(
      'IDEMPOTENCY_KEY_REUSED',
      'The key was used for another request; this one was not executed.',
    );
  }
  return { kind: 'recorded', status: row.status === '' ? null : statusCode(row.status), answer: row.answer };
}

function statusCode(status: string): ErrorCode {
  assert(isErrorCode(status), `an answer was recorded with an unknown status ${status}`);
  return status;
}

function isErrorCode(status: string): status is ErrorCode {
  return Object.hasOwn(errorCatalogue, status);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Whether an answer of this size can be remembered; the runtime asks before it appends anything. */
export function fitsAnswer(answer: Uint8Array): boolean {
  return answer.length <= limits.answerBytesMax;
}

/**
 * The record that remembers an answer, to stand in the operation's own batch, after its records. Every
 * definitive answer under a key is recorded, errors and answers without any change included: otherwise a
 * delayed duplicate of a refused request would execute later (design 14). `status` null for a success.
 */
export function answerRecord(
  key: AnswerKey,
  principal: string,
  requestHash: Uint8Array,
  status: ErrorCode | null,
  answer: Uint8Array,
): SessionAnswerRecord | HeaderAnswerRecord {
  assert(fitsAnswer(answer), `an answer of ${answer.length} bytes is too large to be remembered`);
  const common = { requestHash, status: status ?? '', answer };
  if ('headerKey' in key) {
    return { type: 'HeaderAnswerRecord', principal, key: key.headerKey, ...common };
  }
  const { sessionId, sequence, forgetBelow } = key;
  return { type: 'SessionAnswerRecord', sessionId, sequence, forgetBelow, ...common };
}

/** Whether a record is no change of its own, but what is remembered of one. */
export function isAnswerRecord({ type }: MetadataRecord): boolean {
  return type === 'HeaderAnswerRecord' || type === 'SessionAnswerRecord';
}
