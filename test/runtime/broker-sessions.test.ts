import { describe, expect, it } from 'vitest';
import { brokerId, offset } from '../../src/base/brands.ts';
import { BrokerSessions } from '../../src/runtime/sessions/broker-sessions.ts';

const one = brokerId(1);
const two = brokerId(2);

function sessionsOf(nowMs: number): BrokerSessions {
  const sessions = new BrokerSessions(1_000);
  sessions.startAfresh([one, two], nowMs);
  return sessions;
}

describe('broker sessions', () => {
  it('begin whole with a new leader, and expire when their time is over and not before', () => {
    const sessions = sessionsOf(500);
    expect(sessions.takeExpired(1_499)).toEqual([]);
    expect(sessions.isLive(one)).toBe(true);
    expect(sessions.takeExpired(1_500)).toEqual([one, two]);
    expect(sessions.isLive(one)).toBe(false);
  });

  it('are reported once, and again only after the broker was heard', () => {
    const sessions = sessionsOf(0);
    sessions.takeExpired(1_000);
    expect(sessions.takeExpired(9_000)).toEqual([]);
    sessions.heard(one, offset(7), 9_000);
    expect(sessions.isLive(one)).toBe(true);
    expect(sessions.metadataOffset(one)).toBe(7);
    expect(sessions.takeExpired(10_000)).toEqual([one]);
  });

  it('are put off by a stall of the leader, but never beyond a whole session from now', () => {
    const sessions = sessionsOf(0);
    sessions.heard(two, null, 5_000);
    sessions.creditStall(5_000, 5_000);
    expect(sessions.takeExpired(5_999)).toEqual([]);
    expect(sessions.takeExpired(6_000)).toEqual([one, two]);
  });

  it('are gone with leadership, and with the broker', () => {
    const sessions = sessionsOf(0);
    sessions.remove(one);
    expect(sessions.isLive(one)).toBe(false);
    expect(sessions.takeExpired(1_000)).toEqual([two]);
    sessions.clear();
    expect(sessions.isLive(two)).toBe(false);
    expect(sessions.metadataOffset(two)).toBeNull();
  });
});
