import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../src/base/assert.ts';
import { Endpoints } from '../../src/client/core/endpoints.ts';
import { SessionCore } from '../../src/client/core/session-core.ts';
import { SessionKeys } from '../../src/client/sessions.ts';
import { nodeClock } from '../../src/client/node-clock.ts';

describe('a session on the client’s side', () => {
  it('gives each sequence out once and lets the server forget what is over', () => {
    const core = new SessionCore(100);
    core.opened(7);
    const [first, second, third] = [core.allocate(), core.allocate(), core.allocate()];
    expect([first, second, third].map((slot) => slot.sequence)).toEqual([0, 1, 2]);
    core.release(second);
    expect(core.keyFor(third)).toEqual({ sessionId: 7, sequence: 2, forgetBelow: 0 });
    core.release(first);
    expect(core.keyFor(third)).toEqual({ sessionId: 7, sequence: 2, forgetBelow: 2 });
  });

  it('keeps its sequences within the window that the server remembers', () => {
    const core = new SessionCore(3);
    core.opened(7);
    const slots = [core.allocate(), core.allocate(), core.allocate()];
    for (const slot of slots.slice(1)) core.release(slot);
    expect(core.outstandingCount).toBe(1);
    expect(core.canAllocate()).toBe(false);
    expect(() => core.allocate()).toThrow(InvariantViolation);
    for (const slot of slots) core.release(slot);
    expect(core.canAllocate()).toBe(true);
  });

  it('forgets nothing on behalf of a session that is over', () => {
    const core = new SessionCore(100);
    core.opened(7);
    const old = core.allocate();
    core.lost(7);
    core.lost(7);
    core.opened(9);
    const slot = core.allocate();
    core.release(old);
    expect(core.keyFor(old)).toEqual({ sessionId: 7, sequence: 0, forgetBelow: 0 });
    expect(core.keyFor(slot)).toEqual({ sessionId: 9, sequence: 0, forgetBelow: 0 });
    core.lost(7);
    expect(core.sessionId).toBe(9);
  });

  it('lets a later session’s sequences say nothing about those of an earlier one', () => {
    const core = new SessionCore(100);
    core.opened(7);
    core.allocate();
    const old = core.allocate();
    core.lost(7);
    core.opened(9);
    core.release(core.allocate());
    expect(core.keyFor(core.allocate())).toEqual({ sessionId: 9, sequence: 1, forgetBelow: 1 });
    expect(core.keyFor(old)).toEqual({ sessionId: 7, sequence: 1, forgetBelow: 0 });
  });
});

describe('the choice of an endpoint', () => {
  it('goes to the leader as soon as it is known where that is', () => {
    const endpoints = new Endpoints(3, 0);
    endpoints.answered(0, 10, 12, 0);
    expect(endpoints.choose(0)).toBe(0);
    endpoints.answered(2, 12, 12, 0);
    expect(endpoints.choose(0)).toBe(2);
  });

  it('passes over what failed lately, and comes back to it', () => {
    const endpoints = new Endpoints(3, 0);
    endpoints.answered(2, 12, 12, 0);
    endpoints.failed(2, 0);
    expect(endpoints.choose(0)).toBe(0);
    endpoints.failed(0, 0);
    expect(endpoints.choose(0)).toBe(1);
    endpoints.answered(1, 11, 12, 10);
    expect(endpoints.choose(10)).toBe(1);
    endpoints.answered(1, 11, 12, 1_000);
    expect(endpoints.choose(1_000)).toBe(2);
  });

  it('stays with the one that took over when the failed one may be asked again', () => {
    const endpoints = new Endpoints(3, 0);
    endpoints.failed(0, 0);
    endpoints.answered(1, 11, null, 10);
    expect(endpoints.choose(5_000)).toBe(1);
  });

  it('names one even when all have failed', () => {
    const endpoints = new Endpoints(2, 1);
    endpoints.failed(0, 0);
    endpoints.failed(1, 0);
    expect([0, 1]).toContain(endpoints.choose(0));
  });
});

describe('the endpoint of the leader', () => {
  it('is looked for while answers name a leader that is at no known endpoint, each of them now and then', () => {
    const endpoints = new Endpoints(3, 0);
    endpoints.answered(0, 10, 12, 0);
    expect(endpoints.choose(0)).toBe(0);
    expect([endpoints.toLookAt(12, 0), endpoints.toLookAt(12, 0), endpoints.toLookAt(12, 0)]).toEqual([
      0, 1, 2,
    ]);
    expect(endpoints.toLookAt(12, 1)).toBeNull();
    endpoints.learned(1, 11);
    expect(endpoints.toLookAt(12, 5_000)).toBe(0);
    endpoints.learned(2, 12);
    expect(endpoints.toLookAt(12, 5_000)).toBeNull();
    endpoints.answered(0, 10, 12, 5_000);
    expect(endpoints.choose(5_000)).toBe(2);
  });

  it('is not looked for when there is no leader, or when it is known', () => {
    const endpoints = new Endpoints(2, 0);
    expect(endpoints.toLookAt(null, 0)).toBeNull();
    endpoints.learned(0, 7);
    expect(endpoints.toLookAt(7, 0)).toBeNull();
  });
});

describe('room in a session', () => {
  it('goes to whoever waits longest, before anybody who comes later can take it', async () => {
    const keys = new SessionKeys({
      open: () => Promise.resolve(7),
      windowMax: 100,
      outstandingMax: 1,
      waitingMax: 10,
      openTimeoutMs: 1_000,
      clock: nodeClock,
    });
    const acquire = () => keys.acquire(performance.now() + 60_000, null);
    const first = await acquire();
    const order: string[] = [];
    const waiting = acquire().then((slot) => {
      order.push('waited');
      return slot;
    });
    keys.release(first);
    const late = acquire().then(() => order.push('late'));
    keys.release(await waiting);
    await late;
    expect(order).toEqual(['waited', 'late']);
  });

  it('is not waited for in a session that is over: all go on in the next one', async () => {
    let opened = 6;
    const keys = new SessionKeys({
      open: () => Promise.resolve(++opened),
      windowMax: 100,
      outstandingMax: 1,
      waitingMax: 10,
      openTimeoutMs: 1_000,
      clock: nodeClock,
    });
    const acquire = () => keys.acquire(performance.now() + 60_000, null);
    await acquire();
    const waiting = acquire();
    keys.lost(7);
    expect(await waiting).toEqual({ sessionId: 8, sequence: 0 });
  });
});
