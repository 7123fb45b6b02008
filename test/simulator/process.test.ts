import { describe, expect, it } from 'vitest';
import type { SimulatedProcess } from '../../src/testing/world/process.ts';
import { World } from '../../simulator/world.ts';

const ms = 1000;

function running(world: World): SimulatedProcess {
  const process = world.addProcess('node', { driftPpm: 0, wallOffsetMs: 0 });
  process.begin();
  return process;
}

describe('a process whose machine is suspended', () => {
  it('believes afterwards that no time has passed, and its timers come so much later', () => {
    const world = new World({ seed: 1 });
    const process = running(world);
    const clock = process.clock();
    const seen: (readonly [number, number])[] = [];
    for (const delayMs of [5, 30]) {
      clock.setTimer(delayMs, () => seen.push([world.nowUs / ms, clock.monotonicMs()]));
    }
    world.runUntil(10 * ms);
    process.suspend(100 * ms);
    world.runUntil(60 * ms);
    expect(clock.monotonicMs()).toBe(10);
    world.runUntil(200 * ms);
    expect(seen).toEqual([
      [5, 5],
      [130, 30],
    ]);
    expect(clock.monotonicMs()).toBe(100);
  });

  it('takes up what reached it meanwhile when it wakes', () => {
    const world = new World({ seed: 1 });
    const process = running(world);
    const taken: number[] = [];
    process.suspend(100 * ms);
    process.schedule(20 * ms, 4, () => taken.push(world.nowUs / ms));
    world.runUntil(200 * ms);
    expect(taken).toEqual([100]);
  });

  it('goes on at once when it is woken early, with its timers where they were', () => {
    const world = new World({ seed: 1 });
    const process = running(world);
    const clock = process.clock();
    const seen: (readonly [number, number])[] = [];
    clock.setTimer(30, () => seen.push([world.nowUs / ms, clock.monotonicMs()]));
    process.suspend(100 * ms);
    world.runUntil(50 * ms);
    process.resume();
    world.runUntil(200 * ms);
    expect(seen).toEqual([[80, 30]]);
  });

  it('sleeps until the later end when it is suspended twice', () => {
    const world = new World({ seed: 1 });
    const process = running(world);
    const clock = process.clock();
    process.suspend(100 * ms);
    world.runUntil(50 * ms);
    process.suspend(10 * ms);
    process.suspend(80 * ms);
    world.runUntil(140 * ms);
    expect(clock.monotonicMs()).toBe(10);
  });
});
