import { assert, assertNever } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Random } from '../../base/random.ts';
import type { FailureKind } from '../connection-failure.ts';
import type { Problem } from '../protocol/problem.ts';
import { backoffMs, type Backoff } from './backoff.ts';

/** What one attempt came to. */
export type AttemptOutcome<Answer> =
  | { readonly type: 'answered'; readonly answer: Answer }
  | { readonly type: 'refused'; readonly problem: Problem }
  /** Nothing was sent: the connection was refused, or there was none in time. */
  | { readonly type: 'unreachable'; readonly reason: string; readonly kind?: FailureKind }
  /** It was sent, and no answer that can be understood came back. */
  | { readonly type: 'lost'; readonly reason: string; readonly kind?: FailureKind };

/** What to do next. */
export type CallDecision<Answer> =
  | { readonly type: 'attempt'; readonly afterMs: number }
  /** Take a new session and a new sequence, and attempt again: this one was never executed. */
  | { readonly type: 'renewSession'; readonly afterMs: number }
  | { readonly type: 'answered'; readonly answer: Answer }
  /** A definite error: nothing was changed. */
  | { readonly type: 'refused'; readonly problem: Problem }
  | { readonly type: 'unreachable'; readonly reason: string }
  /** A write that may or may not have taken effect. */
  | { readonly type: 'unknown'; readonly reason: string; readonly problem: Problem | null };

/**
 * What it means to send a request again.
 * `harmless`: reads, heartbeats and the like, which may be executed any number of times.
 * `keyed`: a write under a session's key, which the cluster executes once however often it arrives.
 * `never`: a write without a key.
 */
export type Repeat = 'harmless' | 'keyed' | 'never';

export type CallSettings = {
  readonly repeat: Repeat;
  readonly endpointCount: number;
  readonly deadlineMs: number;
  /** After this many attempts it gives up before the deadline. */
  readonly attemptsMax: number;
  /** Once all endpoints have refused the connection for so long, it gives up before the deadline. */
  readonly refusedMaxMs: number;
  readonly backoff: Backoff;
  readonly random: Random;
};

/** Errors that say "not here, not now": the same request may go through a moment later. */
const passingCodes: ReadonlySet<string> = new Set([
  'NOT_CONTROLLER',
  'THROTTLING_QUOTA_EXCEEDED',
  'STORAGE_LOW',
  'SESSION_TABLE_FULL',
]);
/** Errors after which nobody can tell whether an attempt was executed. */
const unknownCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);
const sessionCodes: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'SEQUENCE_FORGOTTEN']);
/** Refusals given before the key is looked up: they say nothing about an attempt made before. */
const borderCodes: ReadonlySet<string> = new Set([
  'INVALID_REQUEST',
  'REQUEST_TOO_LARGE',
  'METHOD_NOT_ALLOWED',
  'RESOURCE_NOT_FOUND',
  'UNSUPPORTED_VERSION',
  'UNKNOWN_SERVER_ERROR',
  'SASL_AUTHENTICATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/**
 * One call over all its attempts, without any input or output of its own.
 *
 * Invariants
 * 1. A write without a key is never sent again after an attempt that may have been executed (design,
 *    "Running": a write without a key is never retried).
 * 2. Once an attempt may have been executed, the call ends `answered`, `refused` by an answer that was
 *    found under its key, or `unknown`; never in an error that claims that nothing was changed.
 * 3. No attempt begins at or after the deadline.
 */
export class CallCore<Answer> {
  readonly #settings: CallSettings;
  #failures = 0;
  #unreachableInARow = 0;
  /** When the first of the refused connections in a row was refused; null when the last attempt was not one. */
  #refusedSinceMs: number | null = null;
  #mayHaveExecuted = false;

  constructor(settings: CallSettings) {
    this.#settings = settings;
  }

  /** How often the call failed so far. */
  get failures(): number {
    return this.#failures;
  }

  completed(outcome: AttemptOutcome<Answer>, nowMs: number): CallDecision<Answer> {
    const isRefused = outcome.type === 'unreachable' && outcome.kind === 'refused';
    this.#refusedSinceMs = isRefused ? (this.#refusedSinceMs ?? nowMs) : null;
    switch (outcome.type) {
      case 'answered':
        return outcome;
      case 'unreachable':
        this.#unreachableInARow += 1;
        return this.#retry(outcome.reason, null, nowMs);
      case 'lost':
        this.#unreachableInARow = 0;
        return this.#afterUnknown(outcome.reason, null, nowMs);
      case 'refused':
        this.#unreachableInARow = 0;
        return this.#refused(outcome.problem, nowMs);
      default:
        return assertNever(outcome);
    }
  }

  /** The caller gives up while no attempt is under way, or while one is. */
  abandoned(isAttemptUnderWay: boolean, reason: string): CallDecision<Answer> {
    if (isAttemptUnderWay && this.#settings.repeat !== 'harmless') this.#mayHaveExecuted = true;
    return this.#giveUp(reason, null);
  }

  #refused(problem: Problem, nowMs: number): CallDecision<Answer> {
    const { code, detail } = problem;
    if (passingCodes.has(code)) return this.#retry(detail, problem, nowMs);
    if (unknownCodes.has(code)) return this.#afterUnknown(detail, problem, nowMs);
    if (sessionCodes.has(code)) return this.#afterSessionLoss(problem, nowMs);
    if (borderCodes.has(code) && this.#mayHaveExecuted) {
      coverageMark('call: a refusal says nothing of an earlier attempt');
      return { type: 'unknown', reason: detail, problem };
    }
    return { type: 'refused', problem };
  }

  #afterUnknown(reason: string, problem: Problem | null, nowMs: number): CallDecision<Answer> {
    const { repeat } = this.#settings;
    if (repeat !== 'harmless') this.#mayHaveExecuted = true;
    if (repeat === 'never') {
      coverageMark('call: a write without a key is not sent again');
      return { type: 'unknown', reason, problem };
    }
    if (repeat === 'keyed') coverageMark('call: sent again under its key');
    return this.#retry(reason, problem, nowMs);
  }

  /** The key means nothing to the server now. What an earlier attempt did can no longer be found out. */
  #afterSessionLoss(problem: Problem, nowMs: number): CallDecision<Answer> {
    if (this.#mayHaveExecuted) {
      coverageMark('call: its session is lost, and with it the outcome');
      return { type: 'unknown', reason: problem.detail, problem };
    }
    // Without a key there is no session of ours that could be renewed: the error is the caller's.
    if (this.#settings.repeat !== 'keyed') return { type: 'refused', problem };
    const next = this.#retry(problem.detail, problem, nowMs);
    if (next.type !== 'attempt') return next;
    coverageMark('call: a session is renewed');
    return { type: 'renewSession', afterMs: next.afterMs };
  }

  #retry(reason: string, problem: Problem | null, nowMs: number): CallDecision<Answer> {
    const { backoff, random, deadlineMs, attemptsMax, endpointCount } = this.#settings;
    this.#failures += 1;
    // Each endpoint is tried once without a wait: one dead node should cost no more than a refused connect.
    const isFreshEndpoint = this.#unreachableInARow > 0 && this.#unreachableInARow < endpointCount;
    const waitMs = isFreshEndpoint ? 0 : backoffMs(backoff, this.#failures, random);
    const afterMs = Math.max(waitMs, problem?.retryAfterMs ?? 0);
    const isOver = nowMs + afterMs >= deadlineMs || this.#failures >= attemptsMax;
    if (isOver || this.#isRefusedTooLong(nowMs + afterMs)) return this.#giveUp(reason, problem);
    return { type: 'attempt', afterMs };
  }

  /** A restart refuses for a moment; where nobody listens for longer, to try on only hides it. */
  #isRefusedTooLong(nextMs: number): boolean {
    const { refusedMaxMs, endpointCount } = this.#settings;
    if (this.#refusedSinceMs === null || this.#unreachableInARow < endpointCount) return false;
    return nextMs - this.#refusedSinceMs >= refusedMaxMs;
  }

  #giveUp(reason: string, problem: Problem | null): CallDecision<Answer> {
    if (this.#mayHaveExecuted) {
      assert(this.#settings.repeat !== 'harmless', 'what may be repeated has no unknown outcome');
      return { type: 'unknown', reason, problem };
    }
    return problem === null ? { type: 'unreachable', reason } : { type: 'refused', problem };
  }
}
