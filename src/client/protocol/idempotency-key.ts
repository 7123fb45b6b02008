import { failed, ok, type Result } from '../../base/result.ts';
import type { IdempotencyKey } from '../../ports/transport.ts';

/**
 * What a caller may put into `Idempotency-Key` (design 14): `<sessionId>:<sequence>[:<forgetBelow>]` for
 * one that has opened a session, or a text of its own choice that is remembered for a published time.
 */
export type ParsedIdempotencyKey =
  | { readonly form: 'session'; readonly key: IdempotencyKey }
  | { readonly form: 'bare'; readonly key: string };

export const bareKeyLengthMax = 128;

const sessionPattern = /^(\d{1,16}):(\d{1,16})(?::(\d{1,16}))?$/;
/** Letters first: digits and colons alone would be taken for a mistyped session key. */
const barePattern = /^(?=.*[A-Za-z])[A-Za-z0-9._~+/=-]+$/;

export function parseIdempotencyKey(text: string): Result<ParsedIdempotencyKey, string> {
  const session = sessionPattern.exec(text);
  if (session !== null) return parseSessionKey(session);
  if (text.length > bareKeyLengthMax) {
    return failed(`The Idempotency-Key is longer than ${bareKeyLengthMax} characters.`);
  }
  if (barePattern.test(text)) return ok({ form: 'bare', key: text });
  return failed(
    'The Idempotency-Key is neither <sessionId>:<sequence>[:<forgetBelow>] nor a text of letters, digits and . _ ~ + / = - with at least one letter.',
  );
}

function parseSessionKey(match: RegExpExecArray): Result<ParsedIdempotencyKey, string> {
  const sessionId = Number(match[1]);
  const sequence = Number(match[2]);
  // Without a third part nothing is given up yet.
  const forgetBelow = Number(match[3] ?? 0);
  for (const part of [sessionId, sequence, forgetBelow]) {
    if (!Number.isSafeInteger(part)) return failed(`The Idempotency-Key holds ${part}, which is too large.`);
  }
  if (forgetBelow > sequence) {
    return failed('The Idempotency-Key asks to forget the very sequence that it names.');
  }
  return ok({ form: 'session', key: { sessionId, sequence, forgetBelow } });
}

export function formatIdempotencyKey(key: IdempotencyKey): string {
  return `${key.sessionId}:${key.sequence}:${key.forgetBelow}`;
}
