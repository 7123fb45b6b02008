import { NoAnswerError, OttlaError, OutcomeUnknownError } from './errors.ts';
import type { Answer } from './typed.ts';

/** What became of a call. A program that has looked at all four has forgotten none. */
export type Outcome<Response> =
  | ({ readonly type: 'answered' } & Answer<Response>)
  /** The cluster has said no, and the call changed nothing; `error.code` is the catalogue's. */
  | { readonly type: 'refused'; readonly error: OttlaError }
  /** The write may or may not have taken effect, and nobody could be asked. */
  | { readonly type: 'unknown'; readonly error: OutcomeUnknownError }
  /** Nobody answered in time, and the call changed nothing. */
  | { readonly type: 'unanswered'; readonly error: NoAnswerError };

/**
 * A call's answer or error as one value. What is no word on the call is thrown as before: the reason of an aborted
 * signal, and an answer in a form that this client does not know.
 */
export async function toOutcome<Response>(call: Promise<Answer<Response>>): Promise<Outcome<Response>> {
  try {
    return { type: 'answered', ...(await call) };
  } catch (error) {
    if (error instanceof OttlaError) return { type: 'refused', error };
    if (error instanceof OutcomeUnknownError) return { type: 'unknown', error };
    if (error instanceof NoAnswerError) return { type: 'unanswered', error };
    throw error;
  }
}
