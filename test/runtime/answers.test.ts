import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { Deadlines } from '../../src/runtime/answers/deadlines.ts';
import { DeferredAnswers } from '../../src/runtime/answers/deferred-answers.ts';
import { VirtualProcess } from './support/clock.ts';

function deferredAt(...offsets: number[]): { readonly answers: DeferredAnswers; readonly told: string[] } {
  const answers = new DeferredAnswers();
  const told: string[] = [];
  for (const at of offsets) {
    const give = (): void => void told.push(`give ${at}`);
    answers.defer({ offset: offset(at), give, fail: () => void told.push(`fail ${at}`) });
  }
  return { answers, told };
}

describe('deferred answers', () => {
  it('are given when what they saw is committed, and not an offset earlier', () => {
    const { answers, told } = deferredAt(3, 5, 5, 8);
    answers.release(offset(4));
    expect(told).toEqual(['give 3']);
    answers.release(offset(5));
    expect(told).toEqual(['give 3', 'give 5', 'give 5']);
    expect(answers.size).toBe(1);
  });

  it('fail when leadership is lost, and each is told once', () => {
    const { answers, told } = deferredAt(3, 5);
    answers.release(offset(3));
    answers.failAll();
    answers.failAll();
    answers.release(offset(9));
    expect(told).toEqual(['give 3', 'fail 5']);
  });

  it('may be given while others are added', () => {
    const { answers, told } = deferredAt(1);
    answers.defer({
      offset: offset(2),
      give: () => answers.defer({ offset: offset(2), give: () => void told.push('late'), fail: () => {} }),
      fail: () => {},
    });
    answers.release(offset(2));
    expect(told).toEqual(['give 1', 'late']);
    expect(answers.size).toBe(0);
  });

  it('never go backwards', () => {
    const { answers } = deferredAt(5);
    expect(() => answers.defer({ offset: offset(4), give: () => {}, fail: () => {} })).toThrow('backwards');
  });
});

describe('deadlines', () => {
  it('expire at their time or up to a bucket later, never earlier', () => {
    const host = new VirtualProcess();
    const deadlines = new Deadlines(host.clock);
    const expired: [number, number][] = [];
    host.run(7);
    for (const delayMs of [1, 40, 60, 1_000, 333]) {
      deadlines.add(delayMs, { expire: () => expired.push([delayMs, host.clock.monotonicMs() - 7]) });
    }
    host.run(2_000);
    expect(expired.map(([delayMs]) => delayMs)).toEqual([1, 40, 60, 333, 1_000]);
    for (const [delayMs, atMs] of expired) {
      expect(atMs).toBeGreaterThanOrEqual(delayMs);
      expect(atMs).toBeLessThanOrEqual(delayMs + 50);
    }
  });

  it('do not expire when they were taken back, or after the end', () => {
    const host = new VirtualProcess();
    const deadlines = new Deadlines(host.clock);
    const expired: string[] = [];
    const forget = deadlines.add(100, { expire: () => expired.push('forgotten') });
    deadlines.add(200, { expire: () => expired.push('closed') });
    forget();
    host.run(150);
    deadlines.close();
    deadlines.add(10, { expire: () => expired.push('after the end') });
    host.run(1_000);
    expect(expired).toEqual([]);
    expect(host.world.scheduler.next(Number.MAX_SAFE_INTEGER)).toBeNull();
  });

  it('wake nobody for those that were taken back', () => {
    const host = new VirtualProcess();
    const deadlines = new Deadlines(host.clock);
    const nobody = { expire: () => expect.unreachable('nothing expires') };
    for (let request = 0; request < 100; request++) {
      const forget = deadlines.add(1_000, nobody);
      host.run(60);
      forget();
    }
    // The first timer was set already; each after it is set for what still waits.
    const wakesMax = (100 * 60) / 1_000 + 1;
    expect(host.world.trace.count).toBeLessThanOrEqual(wakesMax);
  });

  it('that are added while others expire are kept', () => {
    const host = new VirtualProcess();
    const deadlines = new Deadlines(host.clock);
    const expired: string[] = [];
    const expire = (): void => {
      expired.push('first');
      deadlines.add(500, { expire: () => expired.push('second') });
    };
    deadlines.add(10, { expire });
    host.run(1_000);
    expect(expired).toEqual(['first', 'second']);
  });
});
