import { describe, expect, it } from 'vitest';
import { type Clock } from '../../src/ports/clock.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { runSequence, type Sequence } from '../../src/runtime/sequence.ts';
import { SlicedLoop, SlicedTasks } from '../../src/runtime/work-slices.ts';

/** A clock that only work moves on; turns of the event loop are taken one at a time. */
class WorkClock {
  nowMs = 0;
  readonly #turns: (() => void)[] = [];
  readonly clock: Clock = {
    monotonicMs: () => this.nowMs,
    wallMs: () => 0,
    setTimer: () => ({ cancel: () => undefined }),
    afterPendingEvents: (callback) => void this.#turns.push(callback),
  };

  /** False when nothing waits for a turn. */
  turn(): boolean {
    const waiting = this.#turns.splice(0);
    for (const callback of waiting) callback();
    return waiting.length > 0;
  }
}

describe('tasks in slices', () => {
  it('run at once while the turn has time, and the rest in later turns, in order', () => {
    const work = new WorkClock();
    const tasks = new SlicedTasks(work.clock);
    const done: number[] = [];
    for (let at = 0; at < 10; at++) {
      tasks.run(() => {
        work.nowMs += runtimeLimits.sliceMs / 2;
        done.push(at);
      });
    }
    expect(done).toEqual([0, 1]);
    expect(tasks.waitingCount).toBe(8);
    const perTurn: number[] = [];
    for (let before = done.length; work.turn(); before = done.length) perTurn.push(done.length - before);
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // The last turn finds nothing to do, and asks for no other.
    expect(perTurn).toEqual([2, 2, 2, 2, 0]);
  });

  it('have a slice of their own again after a turn, and one at least in each', () => {
    const work = new WorkClock();
    const tasks = new SlicedTasks(work.clock);
    const done: string[] = [];
    const slow = (name: string) => (): void => {
      work.nowMs += 10 * runtimeLimits.sliceMs;
      done.push(name);
    };
    tasks.run(slow('first'));
    tasks.run(slow('second'));
    tasks.run(slow('third'));
    expect(done).toEqual(['first']);
    work.turn();
    expect(done).toEqual(['first', 'second']);
    work.turn();
    work.turn();
    expect(work.turn()).toBe(false);
    tasks.run(slow('fourth'));
    expect(done).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('may be added by a task', () => {
    const work = new WorkClock();
    const tasks = new SlicedTasks(work.clock);
    const done: string[] = [];
    tasks.run(() => {
      done.push('outer');
      tasks.run(() => done.push('inner'));
    });
    while (work.turn());
    expect(done).toEqual(['outer', 'inner']);
  });
});

describe('a loop in slices', () => {
  it('lets the event loop have its turn when its time is over, and not before', () => {
    const work = new WorkClock();
    let rounds = 0;
    let isDone = false;
    function* loop(): Sequence<void> {
      const slices = new SlicedLoop(work.clock);
      for (; rounds < 12; rounds++) {
        work.nowMs += runtimeLimits.sliceMs / 4;
        yield* slices.pause();
      }
    }
    runSequence(loop(), () => {
      isDone = true;
    });
    const after: number[] = [rounds];
    while (work.turn()) after.push(rounds);
    expect(after).toEqual([3, 7, 11, 12]);
    expect(isDone).toBe(true);
  });
});
