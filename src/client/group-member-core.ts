import { assert, assertNever } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Random } from '../base/random.ts';
import { type BrokerFailure, type BrokerRefusal, leaseDurationMs } from './broker-core.ts';
import { backoffMs, type Backoff } from './core/backoff.ts';

/**
 * A member of a group, without any input or output of its own: it joins, keeps its session alive, knows for how
 * long it may believe that it is a member and that it leads, and leaves in an orderly way.
 *
 *   joining ──joined──▶ member ──asked to leave──▶ leaving ──it has left, or deadline──▶ stopped
 *      ▲                  │
 *      └─ no member any more
 *   joining ──asked to leave, or an error that does not pass──▶ stopped
 *
 * Invariants
 * 1. The lease ends, at the latest, a session timeout less drift and margin after the sending of the last
 *    acknowledged heartbeat, by this process's monotonic clock (design 13): before the controller, which
 *    counts from the arrival, may elect another. `src/metadata/resources/group/README.md` has the proof.
 * 2. It is the lease of a membership, held in `member` alone and under one member epoch. Leadership is held
 *    within it, under one leader epoch: with the lease it is over.
 * 3. Whoever is asked to leave leads no more before the request is made.
 * 4. At most one request is outstanding; an answer to any other is ignored.
 */
export type GroupMemberStateName = 'joining' | 'member' | 'leaving' | 'stopped';

const legalTransitions: Readonly<Record<GroupMemberStateName, readonly GroupMemberStateName[]>> = {
  joining: ['member', 'stopped'],
  member: ['joining', 'leaving'],
  leaving: ['stopped'],
  stopped: [],
};

export type GroupMemberCoreConfig = {
  /** This member's own id, as the controllers name it when it leads. */
  readonly memberId: string;
  readonly heartbeatIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly backoff: Backoff;
};

export type GroupMemberRefusal = BrokerRefusal;
export type GroupMemberFailure = BrokerFailure;

export type JoinResult =
  | { readonly type: 'joined'; readonly memberEpoch: number }
  | GroupMemberRefusal
  | GroupMemberFailure;

export type GroupLeader = { readonly leaderId: string; readonly leaderEpoch: number };

export type GroupHeartbeatResult =
  | ({ readonly type: 'acknowledged'; readonly sessionTimeoutMs: number } & GroupLeader)
  | GroupMemberRefusal
  | GroupMemberFailure;

export type LeaveResult = { readonly type: 'left' } | GroupMemberRefusal | GroupMemberFailure;

export type GroupMemberEffect =
  | { readonly type: 'join'; readonly requestId: number; readonly timeoutMs: number }
  | {
      readonly type: 'heartbeat' | 'leave';
      readonly requestId: number;
      readonly memberEpoch: number;
      readonly timeoutMs: number;
    }
  | { readonly type: 'leaseGranted'; readonly memberEpoch: number }
  | { readonly type: 'leaseLost'; readonly memberEpoch: number; readonly reason: string }
  | { readonly type: 'leadershipGranted'; readonly leaderEpoch: number }
  | { readonly type: 'leadershipLost'; readonly leaderEpoch: number; readonly reason: string }
  /** Another than was known leads the group, this member or not. */
  | ({ readonly type: 'leaderChanged' } & GroupLeader)
  /** It goes on trying; `reason` is for people. */
  | {
      readonly type: 'retrying';
      readonly reason: string;
      readonly code: string | null;
      readonly afterMs: number;
    }
  | { readonly type: 'stopped'; readonly hasLeft: boolean; readonly failure: GroupMemberRefusal | null };

export type GroupMemberStep = {
  readonly effects: readonly GroupMemberEffect[];
  readonly nextWakeAtMs: number | null;
};

type RequestKind = 'join' | 'heartbeat' | 'leave';
type Outstanding = { readonly requestId: number; readonly kind: RequestKind; readonly sentAtMs: number };

/** What is held until a time of this process's clock; `leaderEpoch` is null for a member that does not lead. */
type Lease = { readonly untilMs: number; readonly leaderEpoch: number | null };

/** Errors that mean: this membership is no longer there. */
const membershipLostCodes: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH']);
/** A join under the same member id may be repeated: it keeps its epoch. */
const repeatableCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'UNKNOWN_SERVER_ERROR']);

export class GroupMemberCore {
  readonly #config: GroupMemberCoreConfig;
  readonly #random: Random;
  #effects: GroupMemberEffect[] = [];
  #state: GroupMemberStateName = 'joining';
  #memberEpoch: number | null = null;
  #lease: Lease | null = null;
  #leader: GroupLeader | null = null;
  #outstanding: Outstanding | null = null;
  #nextRequestId = 0;
  #sendAtMs: number | null = null;
  #failures = 0;
  #deadlineMs: number | null = null;

  constructor(config: GroupMemberCoreConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  get state(): GroupMemberStateName {
    return this.#state;
  }

  /** Null before the first join and after this membership was lost. */
  get memberEpoch(): number | null {
    return this.#memberEpoch;
  }

  /** Who leads, as this member heard last. */
  get leader(): GroupLeader | null {
    return this.#leader;
  }

  /** For how long it may still take itself for a member; 0 when it may not. */
  remainingMs(nowMs: number): number {
    return this.#lease === null ? 0 : Math.max(0, this.#lease.untilMs - nowMs);
  }

  /** The fencing token while it may take itself for the leader, otherwise null. */
  leaderEpoch(nowMs: number): number | null {
    return this.remainingMs(nowMs) > 0 ? (this.#lease?.leaderEpoch ?? null) : null;
  }

  start(nowMs: number): GroupMemberStep {
    this.#sendAtMs = nowMs;
    return this.wake(nowMs);
  }

  wake(nowMs: number): GroupMemberStep {
    this.#expire(nowMs);
    if (this.#sendAtMs !== null && nowMs >= this.#sendAtMs && this.#outstanding === null) this.#send(nowMs);
    return this.#step();
  }

  joinCompleted(requestId: number, result: JoinResult, nowMs: number): GroupMemberStep {
    if (this.#take(requestId, 'join') === null) return this.wake(nowMs);
    if (result.type === 'joined') this.#joined(result.memberEpoch, nowMs);
    else if (isFatal(result)) this.#stop(false, result.message, result);
    else this.#retry(result, nowMs);
    return this.wake(nowMs);
  }

  heartbeatCompleted(requestId: number, result: GroupHeartbeatResult, nowMs: number): GroupMemberStep {
    const sentAtMs = this.#take(requestId, 'heartbeat');
    if (sentAtMs === null) return this.wake(nowMs);
    if (result.type === 'acknowledged') this.#acknowledged(result, sentAtMs, nowMs);
    else if (isMembershipLost(result)) this.#membershipLost(result.message, nowMs);
    else this.#retry(result, nowMs);
    return this.wake(nowMs);
  }

  leaveCompleted(requestId: number, result: LeaveResult, nowMs: number): GroupMemberStep {
    if (this.#take(requestId, 'leave') === null) return this.wake(nowMs);
    // That it is not there any more is what it asked for, whichever attempt has done it.
    if (result.type === 'left' || isMembershipLost(result)) this.#stop(true, 'it has left', null);
    else this.#retry(result, nowMs);
    return this.wake(nowMs);
  }

  /** Leave in an orderly way; at `deadlineMs` it stops all the same, and its session runs out. */
  leaveRequested(deadlineMs: number, nowMs: number): GroupMemberStep {
    switch (this.#state) {
      case 'joining':
        this.#stop(false, 'it was stopped before it was a member', null);
        break;
      case 'member':
        this.#loseLease('it was asked to leave');
        this.#transitionTo('leaving');
        this.#outstanding = null;
        this.#failures = 0;
        this.#deadlineMs = deadlineMs;
        this.#sendAtMs = nowMs;
        break;
      case 'leaving':
        this.#deadlineMs = Math.min(this.#deadlineMs ?? deadlineMs, deadlineMs);
        break;
      case 'stopped':
        break;
      default:
        assertNever(this.#state);
    }
    return this.wake(nowMs);
  }

  #step(): GroupMemberStep {
    const effects = this.#effects;
    this.#effects = [];
    this.#assertInvariants();
    return { effects, nextWakeAtMs: this.#nextWakeAtMs() };
  }

  #nextWakeAtMs(): number | null {
    if (this.#state === 'stopped') return null;
    const outstanding = this.#outstanding;
    const requestMs = outstanding === null ? this.#sendAtMs : this.#requestEndMs(outstanding);
    const times = [this.#lease?.untilMs ?? null, this.#deadlineMs, requestMs].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  #requestEndMs({ sentAtMs }: Outstanding): number {
    return sentAtMs + this.#config.requestTimeoutMs;
  }

  #expire(nowMs: number): void {
    if (this.#lease !== null && nowMs >= this.#lease.untilMs) {
      coverageMark('group lease: runs out');
      this.#loseLease('no heartbeat was acknowledged in time');
    }
    const outstanding = this.#outstanding;
    if (outstanding !== null && nowMs >= this.#requestEndMs(outstanding)) {
      this.#outstanding = null;
      this.#retry({ type: 'failed', reason: 'no answer came in time' }, nowMs);
    }
    if (this.#deadlineMs !== null && nowMs >= this.#deadlineMs && this.#state === 'leaving') {
      this.#stop(false, 'its time to leave was over', null);
    }
  }

  #send(nowMs: number): void {
    const requestId = this.#nextRequestId++;
    const { requestTimeoutMs: timeoutMs } = this.#config;
    this.#sendAtMs = null;
    if (this.#state === 'stopped') return;
    if (this.#state === 'joining') {
      this.#outstanding = { requestId, kind: 'join', sentAtMs: nowMs };
      this.#effects.push({ type: 'join', requestId, timeoutMs });
      return;
    }
    const { memberEpoch } = this;
    assert(memberEpoch !== null, 'a member has an epoch');
    const type = this.#state === 'leaving' ? 'leave' : 'heartbeat';
    this.#outstanding = { requestId, kind: type, sentAtMs: nowMs };
    this.#effects.push({ type, requestId, memberEpoch, timeoutMs });
  }

  /** When the request that is waited for was sent, and it is waited for no longer; null for any other. */
  #take(requestId: number, kind: RequestKind): number | null {
    const outstanding = this.#outstanding;
    if (outstanding === null || outstanding.requestId !== requestId) return null;
    assert(outstanding.kind === kind, `request ${requestId} was a ${outstanding.kind}, not a ${kind}`);
    this.#outstanding = null;
    return outstanding.sentAtMs;
  }

  /** It is heard from now on, and holds a lease once a majority has confirmed a heartbeat. */
  #joined(memberEpoch: number, nowMs: number): void {
    this.#memberEpoch = memberEpoch;
    this.#failures = 0;
    this.#transitionTo('member');
    this.#sendAtMs = nowMs;
  }

  #acknowledged(
    result: Extract<GroupHeartbeatResult, { readonly type: 'acknowledged' }>,
    sentAtMs: number,
    nowMs: number,
  ): void {
    const { sessionTimeoutMs, leaderId, leaderEpoch } = result;
    this.#failures = 0;
    // Several heartbeats fit one session, however short it is.
    const intervalMs = Math.min(this.#config.heartbeatIntervalMs, Math.floor(sessionTimeoutMs / 4));
    this.#sendAtMs = sentAtMs + intervalMs;
    if (this.#leader?.leaderEpoch !== leaderEpoch) {
      this.#leader = { leaderId, leaderEpoch };
      this.#effects.push({ type: 'leaderChanged', leaderId, leaderEpoch });
    }
    const untilMs = sentAtMs + leaseDurationMs(sessionTimeoutMs);
    // An acknowledgement that took longer than the lease itself grants nothing any more.
    if (nowMs >= untilMs) coverageMark('group lease: an acknowledgement comes too late to grant it');
    else this.#hold({ untilMs, leaderEpoch: leaderId === this.#config.memberId ? leaderEpoch : null });
  }

  #hold(lease: Lease): void {
    const before = this.#lease;
    assert(this.#memberEpoch !== null, 'a lease stands under a member epoch');
    if (before === null) this.#effects.push({ type: 'leaseGranted', memberEpoch: this.#memberEpoch });
    if (before !== null && before.leaderEpoch !== lease.leaderEpoch) this.#loseLeadership('another leads');
    this.#lease = lease;
    if (lease.leaderEpoch !== null && lease.leaderEpoch !== before?.leaderEpoch) {
      this.#effects.push({ type: 'leadershipGranted', leaderEpoch: lease.leaderEpoch });
    }
  }

  #membershipLost(reason: string, nowMs: number): void {
    coverageMark('group member: it is none any more');
    this.#loseLease(reason);
    this.#memberEpoch = null;
    this.#failures = 0;
    this.#transitionTo('joining');
    this.#sendAtMs = nowMs;
  }

  #retry(result: GroupMemberRefusal | GroupMemberFailure, nowMs: number): void {
    this.#failures += 1;
    const { backoff } = this.#config;
    const waitMs = backoffMs(backoff, this.#failures, this.#random);
    const hintMs = result.type === 'refused' ? (result.retryAfterMs ?? 0) : 0;
    const afterMs = Math.max(waitMs, Math.min(hintMs, backoff.maxMs));
    const reason = result.type === 'refused' ? result.message : result.reason;
    const code = result.type === 'refused' ? result.code : null;
    this.#sendAtMs = nowMs + afterMs;
    this.#effects.push({ type: 'retrying', reason, code, afterMs });
  }

  /** Leadership goes first: nobody leads who is no member. */
  #loseLease(reason: string): void {
    if (this.#lease === null) return;
    assert(this.#memberEpoch !== null, 'a lease stands under a member epoch');
    this.#loseLeadership(reason);
    this.#lease = null;
    this.#effects.push({ type: 'leaseLost', memberEpoch: this.#memberEpoch, reason });
  }

  #loseLeadership(reason: string): void {
    const leaderEpoch = this.#lease?.leaderEpoch ?? null;
    if (leaderEpoch !== null) this.#effects.push({ type: 'leadershipLost', leaderEpoch, reason });
  }

  #stop(hasLeft: boolean, reason: string, failure: GroupMemberRefusal | null): void {
    this.#loseLease(reason);
    this.#outstanding = null;
    this.#sendAtMs = null;
    this.#transitionTo('stopped');
    this.#effects.push({ type: 'stopped', hasLeft, failure });
  }

  #transitionTo(to: GroupMemberStateName): void {
    const from = this.#state;
    assert(legalTransitions[from].includes(to), `a member never goes from ${from} to ${to}`);
    this.#state = to;
  }

  #assertInvariants(): void {
    const isMember = this.#state === 'member';
    assert(this.#lease === null || isMember, `a lease is held while ${this.#state}`);
    const hasEpoch = this.#state === 'member' || this.#state === 'leaving';
    assert(!hasEpoch || this.#memberEpoch !== null, `no member epoch while ${this.#state}`);
    const isWaiting = this.#outstanding !== null || this.#sendAtMs !== null || this.#state === 'stopped';
    assert(isWaiting, 'a member that is not stopped has something to wait for');
  }
}

function isMembershipLost(result: GroupMemberRefusal | GroupMemberFailure): result is GroupMemberRefusal {
  return result.type === 'refused' && membershipLostCodes.has(result.code);
}

/** Whether trying again could not help, whoever is asked and whenever. */
function isFatal(result: GroupMemberRefusal | GroupMemberFailure): result is GroupMemberRefusal {
  return result.type === 'refused' && !result.retryable && !repeatableCodes.has(result.code);
}
