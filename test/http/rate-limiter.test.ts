import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/http/rate-limiter.ts';

function limiterAt(clock: { nowMs: number }, principalsMax = 10): RateLimiter {
  return new RateLimiter({ perSecond: 10, burst: 3, principalsMax }, () => clock.nowMs);
}

describe('a principal’s rate', () => {
  it('allows a burst, then as much as fills up again', () => {
    const clock = { nowMs: 0 };
    const limiter = limiterAt(clock);
    expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([0, 0, 0]);
    const waitMs = limiter.take('a');
    expect(waitMs).toBe(100);
    clock.nowMs += waitMs;
    expect(limiter.take('a')).toBe(0);
    expect(limiter.take('a')).toBe(100);
  });

  it('is a principal’s own', () => {
    const limiter = limiterAt({ nowMs: 0 });
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 100]);
    expect(limiter.take('b')).toBe(0);
  });

  it('never fills beyond the burst', () => {
    const clock = { nowMs: 0 };
    const limiter = limiterAt(clock);
    limiter.take('a');
    clock.nowMs = 3_600_000;
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 100]);
  });

  it('lets a batch overdraw, for which the next request waits', () => {
    const clock = { nowMs: 0 };
    const limiter = limiterAt(clock);
    expect(limiter.take('a')).toBe(0);
    limiter.charge('a', 12);
    expect(limiter.take('a')).toBe(1_100);
    clock.nowMs += 1_100;
    expect(limiter.take('a')).toBe(0);
  });

  it('is forgotten for whoever was quiet for longest, and its memory is bounded', () => {
    const limiter = limiterAt({ nowMs: 0 }, 2);
    for (const principal of ['a', 'b', 'a', 'c']) limiter.take(principal);
    expect(limiter.principalCount).toBe(2);
    // 'a' was heard after 'b', and is the one that is remembered.
    expect([1, 2].map(() => limiter.take('a'))).toEqual([0, 100]);
  });
});
