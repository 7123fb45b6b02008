import { assert, assertNever } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Random } from '../base/random.ts';
import { backoffMs, type Backoff } from './core/backoff.ts';

/**
 * A broker's agent, without any input or output of its own: it registers, keeps its session alive, knows
 * for how long it may believe itself unfenced, and leaves in an orderly way.
 *
 *   registering ──registered──▶ fenced ──acknowledged unfenced──▶ active
 *        ▲                        │ ▲                                │
 *        └─ stale or unknown ─────┘ └── fenced, or lease run out ────┤
 *        ▲                                                           │
 *        └──────────────────── stale or unknown ─────────────────────┘
 *   fenced, active ──shutdown──▶ shuttingDown ──allowed, or deadline──▶ stopped
 *   registering ──shutdown, or an error that does not pass──▶ stopped
 *
 * Invariants
 * 1. The lease ends, at the latest, a session timeout less drift and margin after the sending of the last
 *    acknowledged heartbeat, by this process's monotonic clock (design 13): before the controller, which
 *    counts from the arrival, may replace the broker. The timeout is the one that the acknowledgement names:
 *    the leader that gave it counts by that one, which may be shorter than an earlier leader's.
 * 2. The lease is held in `active` and `shuttingDown` only, and under one broker epoch.
 * 3. At most one request is outstanding; an answer to any other is ignored.
 */
export type BrokerStateName = 'registering' | 'fenced' | 'active' | 'shuttingDown' | 'stopped';

const legalTransitions: Readonly<Record<BrokerStateName, readonly BrokerStateName[]>> = {
  registering: ['fenced', 'stopped'],
  fenced: ['active', 'registering', 'shuttingDown', 'stopped'],
  active: ['fenced', 'registering', 'shuttingDown', 'stopped'],
  shuttingDown: ['stopped'],
  stopped: [],
};

export type BrokerCoreConfig = {
  readonly heartbeatIntervalMs: number;
  /** While fenced or leaving, the answer matters now; heartbeats come closer together. */
  readonly eagerHeartbeatIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly backoff: Backoff;
  /** While another incarnation holds the id: its session has to run out first. */
  readonly duplicateBackoff: Backoff;
};

export const defaultBrokerCoreConfig: BrokerCoreConfig = {
  heartbeatIntervalMs: 2_000,
  eagerHeartbeatIntervalMs: 200,
  requestTimeoutMs: 2_000,
  backoff: { baseMs: 50, maxMs: 1_000 },
  duplicateBackoff: { baseMs: 250, maxMs: 2_000 },
};

/** The two clocks may run apart by this much, and noticing that the lease is over takes a moment too. */
const driftPerMille = 10;
const marginPerMille = 50;

/** How long after sending an acknowledged heartbeat a broker may still believe itself unfenced. */
export function leaseDurationMs(sessionTimeoutMs: number): number {
  return Math.floor((sessionTimeoutMs * (1_000 - driftPerMille - marginPerMille)) / 1_000);
}

export type BrokerRefusal = {
  readonly type: 'refused';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
};
/** No answer, or none that says what happened. */
export type BrokerFailure = { readonly type: 'failed'; readonly reason: string };

export type RegistrationResult =
  | { readonly type: 'registered'; readonly brokerEpoch: number }
  | BrokerRefusal
  | BrokerFailure;

export type HeartbeatResult =
  | {
      readonly type: 'acknowledged';
      readonly isFenced: boolean;
      readonly shouldShutDown: boolean;
      readonly sessionTimeoutMs: number;
    }
  | BrokerRefusal
  | BrokerFailure;

export type BrokerEffect =
  | { readonly type: 'register'; readonly requestId: number; readonly timeoutMs: number }
  | {
      readonly type: 'heartbeat';
      readonly requestId: number;
      readonly brokerEpoch: number;
      readonly wantShutDown: boolean;
      readonly timeoutMs: number;
    }
  | { readonly type: 'leaseGranted'; readonly brokerEpoch: number }
  | { readonly type: 'leaseLost'; readonly brokerEpoch: number; readonly reason: string }
  | {
      readonly type: 'stateChanged';
      readonly from: BrokerStateName;
      readonly to: BrokerStateName;
      readonly reason: string;
    }
  /** It goes on trying; `reason` is for people. */
  | {
      readonly type: 'retrying';
      readonly reason: string;
      readonly code: string | null;
      readonly afterMs: number;
    }
  | { readonly type: 'stopped'; readonly isControlled: boolean; readonly failure: BrokerRefusal | null };

export type BrokerStep = { readonly effects: readonly BrokerEffect[]; readonly nextWakeAtMs: number | null };

type Outstanding = {
  readonly requestId: number;
  readonly kind: 'register' | 'heartbeat';
  readonly sentAtMs: number;
};

/** Errors that mean: this registration is no longer the one that counts. */
const registrationLostCodes: ReadonlySet<string> = new Set([
  'STALE_BROKER_EPOCH',
  'BROKER_ID_NOT_REGISTERED',
]);
/** A registration of the same incarnation may be repeated: it keeps its epoch (KAFKA-16952). */
const repeatableCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'UNKNOWN_SERVER_ERROR']);

export class BrokerCore {
  readonly #config: BrokerCoreConfig;
  readonly #random: Random;
  #effects: BrokerEffect[] = [];
  #state: BrokerStateName = 'registering';
  #brokerEpoch: number | null = null;
  #leaseUntilMs: number | null = null;
  #outstanding: Outstanding | null = null;
  #nextRequestId = 0;
  #sendAtMs: number | null = null;
  #failures = 0;
  #shutdownDeadlineMs: number | null = null;

  constructor(config: BrokerCoreConfig, random: Random) {
    assert(config.eagerHeartbeatIntervalMs <= config.heartbeatIntervalMs, 'eager means more often');
    this.#config = config;
    this.#random = random;
  }

  get state(): BrokerStateName {
    return this.#state;
  }

  /** The fencing token; null before the first registration and after this one was lost. */
  get brokerEpoch(): number | null {
    return this.#brokerEpoch;
  }

  holdsLease(nowMs: number): boolean {
    return this.#leaseUntilMs !== null && nowMs < this.#leaseUntilMs;
  }

  /** For how long the lease holds if no further heartbeat is acknowledged; 0 without one. */
  leaseRemainingMs(nowMs: number): number {
    return this.#leaseUntilMs === null ? 0 : Math.max(0, this.#leaseUntilMs - nowMs);
  }

  start(nowMs: number): BrokerStep {
    this.#sendAtMs = nowMs;
    return this.wake(nowMs);
  }

  wake(nowMs: number): BrokerStep {
    this.#expire(nowMs);
    if (this.#sendAtMs !== null && nowMs >= this.#sendAtMs && this.#outstanding === null) this.#send(nowMs);
    return this.#step();
  }

  registrationCompleted(requestId: number, result: RegistrationResult, nowMs: number): BrokerStep {
    if (!this.#take(requestId, 'register')) return this.wake(nowMs);
    if (result.type === 'registered') this.#registered(result.brokerEpoch, nowMs);
    else if (this.#isFatal(result)) this.#stop(false, result.message, result);
    else this.#retry(result, nowMs);
    return this.wake(nowMs);
  }

  heartbeatCompleted(requestId: number, result: HeartbeatResult, nowMs: number): BrokerStep {
    const sentAtMs = this.#outstanding?.sentAtMs ?? nowMs;
    if (!this.#take(requestId, 'heartbeat')) return this.wake(nowMs);
    if (result.type === 'acknowledged') this.#acknowledged(result, sentAtMs, nowMs);
    else if (result.type === 'refused' && registrationLostCodes.has(result.code))
      this.#registrationLost(result, nowMs);
    else this.#retry(result, nowMs);
    return this.wake(nowMs);
  }

  /** It has taken in its own registration, for want of which it may have been kept fenced: it says so at once. */
  caughtUp(nowMs: number): BrokerStep {
    if (this.#state === 'fenced' && this.#sendAtMs !== null) this.#sendAtMs = nowMs;
    return this.wake(nowMs);
  }

  /** Leave in an orderly way; at `deadlineMs` it stops all the same. */
  shutdownRequested(deadlineMs: number, nowMs: number): BrokerStep {
    switch (this.#state) {
      case 'registering':
        this.#stop(false, 'it was stopped before it was registered', null);
        break;
      case 'fenced':
      case 'active':
        this.#transitionTo('shuttingDown', 'it was asked to stop');
        this.#shutdownDeadlineMs = deadlineMs;
        this.#sendAtMs = nowMs;
        break;
      case 'shuttingDown':
        this.#shutdownDeadlineMs = Math.min(this.#shutdownDeadlineMs ?? deadlineMs, deadlineMs);
        break;
      case 'stopped':
        break;
      default:
        assertNever(this.#state);
    }
    return this.wake(nowMs);
  }

  #step(): BrokerStep {
    const effects = this.#effects;
    this.#effects = [];
    this.#assertInvariants();
    return { effects, nextWakeAtMs: this.#nextWakeAtMs() };
  }

  #nextWakeAtMs(): number | null {
    if (this.#state === 'stopped') return null;
    const requestEndMs = this.#outstanding === null ? null : this.#requestEndMs(this.#outstanding);
    const sendAtMs = this.#outstanding === null ? this.#sendAtMs : null;
    const times = [this.#leaseUntilMs, this.#shutdownDeadlineMs, requestEndMs, sendAtMs];
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  #requestEndMs(outstanding: Outstanding): number {
    return outstanding.sentAtMs + this.#config.requestTimeoutMs;
  }

  #expire(nowMs: number): void {
    if (this.#leaseUntilMs !== null && nowMs >= this.#leaseUntilMs) this.#leaseRanOut();
    const outstanding = this.#outstanding;
    if (outstanding !== null && nowMs >= this.#requestEndMs(outstanding)) {
      this.#outstanding = null;
      this.#retry({ type: 'failed', reason: 'no answer came in time' }, nowMs);
    }
    if (this.#shutdownDeadlineMs !== null && nowMs >= this.#shutdownDeadlineMs && this.#state !== 'stopped') {
      this.#stop(false, 'its time to leave in an orderly way was over', null);
    }
  }

  #leaseRanOut(): void {
    coverageMark('lease: runs out');
    const reason = 'no heartbeat was acknowledged in time';
    this.#loseLease(reason);
    if (this.#state === 'active') this.#transitionTo('fenced', reason);
  }

  #send(nowMs: number): void {
    const requestId = this.#nextRequestId++;
    const { requestTimeoutMs: timeoutMs } = this.#config;
    this.#sendAtMs = null;
    if (this.#state === 'stopped') return;
    if (this.#state === 'registering') {
      this.#outstanding = { requestId, kind: 'register', sentAtMs: nowMs };
      this.#effects.push({ type: 'register', requestId, timeoutMs });
      return;
    }
    assert(this.#brokerEpoch !== null, 'a registered broker has an epoch');
    const wantShutDown = this.#state === 'shuttingDown';
    this.#outstanding = { requestId, kind: 'heartbeat', sentAtMs: nowMs };
    this.#effects.push({
      type: 'heartbeat',
      requestId,
      brokerEpoch: this.#brokerEpoch,
      wantShutDown,
      timeoutMs,
    });
  }

  /** Whether this is the request that is waited for; it is waited for no longer. */
  #take(requestId: number, kind: Outstanding['kind']): boolean {
    const outstanding = this.#outstanding;
    if (outstanding === null || outstanding.requestId !== requestId || this.#state === 'stopped')
      return false;
    assert(outstanding.kind === kind, `request ${requestId} was a ${outstanding.kind}, not a ${kind}`);
    this.#outstanding = null;
    return true;
  }

  #registered(brokerEpoch: number, nowMs: number): void {
    this.#brokerEpoch = brokerEpoch;
    this.#failures = 0;
    this.#transitionTo('fenced', `it is registered with epoch ${brokerEpoch}`);
    this.#sendAtMs = nowMs;
  }

  #acknowledged(
    result: Extract<HeartbeatResult, { readonly type: 'acknowledged' }>,
    sentAtMs: number,
    nowMs: number,
  ): void {
    const { sessionTimeoutMs } = result;
    assert(sessionTimeoutMs > 0, `a session timeout of ${sessionTimeoutMs} ms is none`);
    this.#failures = 0;
    if (this.#state === 'shuttingDown' && result.shouldShutDown) {
      this.#stop(true, 'the controller has moved what it led', null);
      return;
    }
    if (result.isFenced) this.#fencedByController();
    else this.#unfencedByController(sentAtMs + leaseDurationMs(sessionTimeoutMs), nowMs);
    const isEager = result.isFenced || this.#state === 'shuttingDown';
    const { eagerHeartbeatIntervalMs, heartbeatIntervalMs } = this.#config;
    // Several heartbeats fit one session, however short the leader makes it.
    const intervalMs = Math.min(heartbeatIntervalMs, Math.floor(sessionTimeoutMs / 4));
    this.#sendAtMs = sentAtMs + (isEager ? eagerHeartbeatIntervalMs : intervalMs);
  }

  #fencedByController(): void {
    const reason = 'the controller has fenced it';
    this.#loseLease(reason);
    if (this.#state === 'active') this.#transitionTo('fenced', reason);
  }

  #unfencedByController(untilMs: number, nowMs: number): void {
    if (this.#state === 'fenced') {
      // An acknowledgement that took longer than the lease itself grants nothing any more.
      if (nowMs >= untilMs) {
        coverageMark('lease: an acknowledgement comes too late to grant it');
        return;
      }
      this.#transitionTo('active', 'the controller has unfenced it');
      assert(this.#brokerEpoch !== null, 'a registered broker has an epoch');
      this.#effects.push({ type: 'leaseGranted', brokerEpoch: this.#brokerEpoch });
      this.#leaseUntilMs = untilMs;
      return;
    }
    // A broker that leaves keeps the lease that it has, and takes no new one. Under a leader with a shorter
    // timeout the lease ends earlier than it would have, at once if that time is over.
    if (this.#leaseUntilMs !== null) this.#leaseUntilMs = untilMs;
  }

  #registrationLost(refusal: BrokerRefusal, nowMs: number): void {
    this.#loseLease(refusal.message);
    if (this.#state === 'shuttingDown') {
      this.#stop(false, refusal.message, null);
      return;
    }
    coverageMark('broker: its registration is lost');
    this.#brokerEpoch = null;
    this.#failures = 0;
    this.#transitionTo('registering', refusal.message);
    this.#sendAtMs = nowMs;
  }

  /** Whether trying again could not help, whoever is asked and whenever. */
  #isFatal(result: BrokerRefusal | BrokerFailure): result is BrokerRefusal {
    return result.type === 'refused' && !result.retryable && !repeatableCodes.has(result.code);
  }

  #retry(result: BrokerRefusal | BrokerFailure, nowMs: number): void {
    this.#failures += 1;
    const code = result.type === 'refused' ? result.code : null;
    const isDuplicate = code === 'DUPLICATE_BROKER_REGISTRATION';
    const backoff = isDuplicate ? this.#config.duplicateBackoff : this.#config.backoff;
    const waitMs = backoffMs(backoff, this.#failures, this.#random);
    const hintMs = result.type === 'refused' ? (result.retryAfterMs ?? 0) : 0;
    const afterMs = Math.max(waitMs, Math.min(hintMs, backoff.maxMs));
    const reason = result.type === 'refused' ? result.message : result.reason;
    this.#sendAtMs = nowMs + afterMs;
    this.#effects.push({ type: 'retrying', reason, code, afterMs });
  }

  #loseLease(reason: string): void {
    if (this.#leaseUntilMs === null) return;
    assert(this.#brokerEpoch !== null, 'a lease stands under a broker epoch');
    this.#leaseUntilMs = null;
    this.#effects.push({ type: 'leaseLost', brokerEpoch: this.#brokerEpoch, reason });
  }

  #stop(isControlled: boolean, reason: string, failure: BrokerRefusal | null): void {
    this.#loseLease(reason);
    this.#outstanding = null;
    this.#sendAtMs = null;
    this.#transitionTo('stopped', reason);
    this.#effects.push({ type: 'stopped', isControlled, failure });
  }

  #transitionTo(to: BrokerStateName, reason: string): void {
    const from = this.#state;
    assert(legalTransitions[from].includes(to), `a broker never goes from ${from} to ${to}`);
    this.#state = to;
    this.#effects.push({ type: 'stateChanged', from, to, reason });
  }

  #assertInvariants(): void {
    const mayHoldLease = this.#state === 'active' || this.#state === 'shuttingDown';
    assert(this.#leaseUntilMs === null || mayHoldLease, `a lease is held while ${this.#state}`);
    assert(this.#state !== 'active' || this.#leaseUntilMs !== null, 'an active broker holds a lease');
    const isUnregistered = this.#state === 'registering' || this.#state === 'stopped';
    assert(isUnregistered || this.#brokerEpoch !== null, `no broker epoch while ${this.#state}`);
    const isWaiting = this.#outstanding !== null || this.#sendAtMs !== null || this.#state === 'stopped';
    assert(isWaiting, 'a broker that is not stopped has something to wait for');
  }
}
