import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { leaseDurationMs } from '../../src/client/broker-core.ts';
import {
  GroupMemberCore,
  type GroupHeartbeatResult,
  type GroupMemberEffect,
  type GroupMemberStep,
} from '../../src/client/group-member-core.ts';

const sessionTimeoutMs = 9_000;
const leaseMs = leaseDurationMs(sessionTimeoutMs);
const config = {
  memberId: 'me',
  heartbeatIntervalMs: 2_000,
  requestTimeoutMs: 2_000,
  backoff: { baseMs: 50, maxMs: 1_000 },
};

type Acknowledgement = Extract<GroupHeartbeatResult, { readonly type: 'acknowledged' }>;
const leading: Acknowledgement = { type: 'acknowledged', sessionTimeoutMs, leaderId: 'me', leaderEpoch: 6 };
const following = { leaderId: 'other', leaderEpoch: 3 };

class Driven {
  readonly core = new GroupMemberCore(config, seededRandom(3));
  readonly seen: GroupMemberEffect[] = [];
  nextWakeAtMs: number | null = null;

  take(step: GroupMemberStep): readonly string[] {
    this.seen.push(...step.effects);
    this.nextWakeAtMs = step.nextWakeAtMs;
    return step.effects.map(({ type }) => type);
  }

  /** The last request that was sent, of whichever kind. */
  get request() {
    const sent = this.seen.filter((effect) => 'requestId' in effect);
    const last = sent.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last;
  }

  joined(nowMs: number, memberEpoch = 5): readonly string[] {
    const { requestId } = this.request;
    return this.take(this.core.joinCompleted(requestId, { type: 'joined', memberEpoch }, nowMs));
  }

  acknowledged(nowMs: number, changes: Partial<Acknowledgement> = {}): readonly string[] {
    const result = { ...leading, ...changes };
    return this.take(this.core.heartbeatCompleted(this.request.requestId, result, nowMs));
  }

  refused(code: string, nowMs: number, retryable = false): readonly string[] {
    const refusal = { type: 'refused', code, message: code, retryable, retryAfterMs: null } as const;
    const { request, core } = this;
    if (request.type === 'join') return this.take(core.joinCompleted(request.requestId, refusal, nowMs));
    if (request.type === 'leave') return this.take(core.leaveCompleted(request.requestId, refusal, nowMs));
    return this.take(core.heartbeatCompleted(request.requestId, refusal, nowMs));
  }

  wake(nowMs: number): readonly string[] {
    return this.take(this.core.wake(nowMs));
  }
}

function leader(): Driven {
  const driven = new Driven();
  driven.take(driven.core.start(0));
  driven.joined(10);
  driven.acknowledged(20);
  return driven;
}

describe('the core of a group’s member', () => {
  it('joins, asks at once whether it leads, and holds both leases from then on', () => {
    const driven = leader();
    expect(driven.seen.map(({ type }) => type)).toEqual([
      'join',
      'heartbeat',
      'leaderChanged',
      'leaseGranted',
      'leadershipGranted',
    ]);
    expect(driven.core.leaderEpoch(20)).toBe(6);
    expect(driven.core.leader).toEqual({ leaderId: 'me', leaderEpoch: 6 });
    // Counted from the sending of the heartbeat, at 10.
    expect(driven.core.remainingMs(20)).toBe(leaseMs - 10);
  });

  it('believes nothing before a heartbeat is acknowledged, whatever its join was answered', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.joined(10);
    expect([driven.core.remainingMs(10), driven.core.leaderEpoch(10)]).toEqual([0, null]);
  });

  it('stops leading by its own clock, counted from when it sent what was acknowledged last', () => {
    const driven = leader();
    driven.wake(2_010);
    driven.acknowledged(3_000);
    expect(driven.core.leaderEpoch(2_010 + leaseMs - 1)).toBe(6);
    expect(driven.core.leaderEpoch(2_010 + leaseMs)).toBeNull();
    const effects = driven.wake(2_010 + leaseMs);
    expect(effects.slice(0, 2)).toEqual(['leadershipLost', 'leaseLost']);
    expect(driven.core.state).toBe('member');
  });

  it('goes on under the same epochs when it is heard again before its session has ended', () => {
    const driven = leader();
    driven.wake(2_010);
    driven.wake(10 + leaseMs);
    driven.wake(driven.nextWakeAtMs ?? 0);
    expect(driven.acknowledged(10 + leaseMs + 100)).toEqual(['leaseGranted', 'leadershipGranted']);
    expect(driven.core.memberEpoch).toBe(5);
  });

  it('is granted nothing by an acknowledgement that took longer than the lease', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.joined(10);
    const effects = driven.acknowledged(1_000, { sessionTimeoutMs: 500 });
    expect(effects).not.toContain('leaseGranted');
    expect(driven.core.leaderEpoch(1_000)).toBeNull();
  });

  it('follows another, and leads once an acknowledgement says so', () => {
    const driven = new Driven();
    driven.take(driven.core.start(0));
    driven.joined(10);
    expect(driven.acknowledged(20, following)).toEqual(['leaderChanged', 'leaseGranted']);
    expect(driven.core.leaderEpoch(20)).toBeNull();
    driven.wake(2_010);
    expect(driven.acknowledged(2_020)).toEqual(['leaderChanged', 'leadershipGranted']);
    driven.wake(4_010);
    expect(driven.acknowledged(4_020, following)).toEqual(['leaderChanged', 'leadershipLost']);
    expect(driven.core.leaderEpoch(4_020)).toBeNull();
  });

  it('gives everything up and joins again when it is no member any more', () => {
    for (const code of ['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH']) {
      const driven = leader();
      driven.wake(2_010);
      expect(driven.refused(code, 2_020)).toEqual(['leadershipLost', 'leaseLost', 'join']);
      expect(driven.core.memberEpoch).toBeNull();
      driven.joined(2_030, 90);
      expect(driven.core.memberEpoch).toBe(90);
    }
  });

  it('stops leading before it asks to leave, and takes no lease any more', () => {
    const driven = leader();
    driven.wake(2_010);
    const beat = driven.request;
    expect(driven.take(driven.core.leaveRequested(9_000, 2_020))).toEqual([
      'leadershipLost',
      'leaseLost',
      'leave',
    ]);
    expect(driven.take(driven.core.heartbeatCompleted(beat.requestId, leading, 2_030))).toEqual([]);
    expect(driven.core.leaderEpoch(2_030)).toBeNull();
    const { requestId } = driven.request;
    driven.take(driven.core.leaveCompleted(requestId, { type: 'left' }, 2_040));
    expect(driven.seen.at(-1)).toEqual({ type: 'stopped', hasLeft: true, failure: null });
    expect(driven.nextWakeAtMs).toBeNull();
  });

  it('has left when it is told that it is no member, as by a second attempt', () => {
    const driven = leader();
    driven.take(driven.core.leaveRequested(9_000, 100));
    driven.refused('OUTCOME_UNKNOWN', 110);
    driven.wake(1_200);
    driven.refused('UNKNOWN_MEMBER_ID', 1_210);
    expect(driven.seen.at(-1)).toEqual({ type: 'stopped', hasLeft: true, failure: null });
  });

  it('stops at its deadline without having left', () => {
    const driven = leader();
    driven.take(driven.core.leaveRequested(9_000, 100));
    driven.take(driven.core.leaveRequested(500, 100));
    expect(driven.wake(500)).toEqual(['stopped']);
    expect(driven.seen.at(-1)).toMatchObject({ hasLeft: false });
  });

  it('stops when it is not let in for good, and tries again where that may pass', () => {
    const refused = new Driven();
    refused.take(refused.core.start(0));
    expect(refused.refused('GROUP_MAX_SIZE_REACHED', 10, true)).toEqual(['retrying']);
    refused.wake(refused.nextWakeAtMs ?? 0);
    refused.refused('OUTCOME_UNKNOWN', 400);
    refused.wake(refused.nextWakeAtMs ?? 0);
    expect(refused.refused('CLUSTER_AUTHORIZATION_FAILED', 900)).toEqual(['stopped']);
    expect(refused.core.state).toBe('stopped');
  });

  it('never leads for longer than a lease after the sending of a heartbeat that named it the leader', () => {
    const steps = fc.array(
      fc.record({
        afterMs: fc.nat({ max: 6_000 }),
        what: fc.constantFrom('ack', 'ack', 'follow', 'silence', 'lost', 'busy'),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const driven = new Driven();
        driven.take(driven.core.start(0));
        let nowMs = 0;
        let namedSentMs: number | null = null;
        const sentAtMs = new Map<number, number>();
        /** What was answered may have led to the next request at once. */
        const noteSent = (): void => {
          const { requestId } = driven.request;
          if (!sentAtMs.has(requestId)) sentAtMs.set(requestId, nowMs);
        };
        noteSent();
        for (const { afterMs, what } of list) {
          nowMs = Math.max(nowMs, driven.nextWakeAtMs ?? nowMs);
          driven.wake(nowMs);
          const { request } = driven;
          const sentMs = sentAtMs.get(request.requestId) ?? nowMs;
          sentAtMs.set(request.requestId, sentMs);
          nowMs += afterMs;
          if (request.type === 'join') driven.joined(nowMs);
          else if (what === 'ack') driven.acknowledged(nowMs);
          else if (what === 'follow') driven.acknowledged(nowMs, following);
          else if (what === 'lost') driven.refused('UNKNOWN_MEMBER_ID', nowMs);
          else if (what === 'busy') driven.refused('NOT_CONTROLLER', nowMs, true);
          if (request.type === 'heartbeat' && what === 'ack') namedSentMs = sentMs;
          noteSent();
          if (driven.core.leaderEpoch(nowMs) === null) continue;
          expect(namedSentMs).not.toBeNull();
          expect(nowMs - (namedSentMs ?? 0)).toBeLessThan(leaseMs);
        }
      }),
      { numRuns: 300 },
    );
  });
});
