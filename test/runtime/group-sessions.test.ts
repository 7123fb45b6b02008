import { describe, expect, it } from 'vitest';
import { GroupSessions } from '../../src/runtime/sessions/group-sessions.ts';
import { incarnationId } from '../metadata/cluster.ts';

const member = (memberEpoch: number, sessionTimeoutMs = 1_000) => ({
  group: 'jobs',
  memberId: incarnationId(memberEpoch),
  memberEpoch,
  sessionTimeoutMs,
});

describe('the sessions of groups', () => {
  it('begin whole for every member that there is, each with its own timeout', () => {
    const sessions = new GroupSessions([member(1), member(2, 3_000)], 500);
    expect(sessions.takeExpired(1_499)).toEqual([]);
    expect(sessions.takeExpired(1_500).map(({ memberEpoch }) => memberEpoch)).toEqual([1]);
    expect(sessions.takeExpired(3_500).map(({ memberEpoch }) => memberEpoch)).toEqual([2]);
  });

  it('go on from when a member was heard last, and end once', () => {
    const sessions = new GroupSessions([member(1)], 0);
    sessions.heard(member(1), 900);
    expect(sessions.takeExpired(1_800)).toEqual([]);
    expect(sessions.isLive(1)).toBe(true);
    expect(sessions.takeExpired(1_900)).toHaveLength(1);
    expect(sessions.isLive(1)).toBe(false);
    expect(sessions.takeExpired(5_000)).toEqual([]);
  });

  it('are told of again when a member was heard after its end', () => {
    const sessions = new GroupSessions([member(1)], 0);
    sessions.takeExpired(1_000);
    sessions.heard(member(1), 1_001);
    expect(sessions.isLive(1)).toBe(true);
    expect(sessions.takeExpired(2_001)).toHaveLength(1);
  });

  it('are forgotten with their members', () => {
    const sessions = new GroupSessions([member(1)], 0);
    sessions.remove(1);
    expect(sessions.isLive(1)).toBe(false);
    expect(sessions.takeExpired(9_000)).toEqual([]);
  });

  it('are credited what the leader itself was away, never beyond the present', () => {
    const sessions = new GroupSessions([member(1)], 0);
    sessions.creditStall(600, 700);
    expect(sessions.takeExpired(1_599)).toEqual([]);
    sessions.creditStall(99_999, 1_599);
    expect(sessions.takeExpired(2_598)).toEqual([]);
    expect(sessions.takeExpired(2_599)).toHaveLength(1);
  });
});
