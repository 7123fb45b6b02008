import { describe, expect, it } from 'vitest';
import type { Input } from '../../src/raft/inputs.ts';
import { EventQueue } from '../../src/runtime/event-queue.ts';
import { VirtualProcess } from './support/clock.ts';

const never = Number.POSITIVE_INFINITY;

function start(step: (input: Input, queue: EventQueue) => number): {
  readonly host: VirtualProcess;
  readonly queue: EventQueue;
  readonly inputs: Input[];
  readonly stalls: number[];
} {
  const host = new VirtualProcess();
  const inputs: Input[] = [];
  const stalls: number[] = [];
  const queue: EventQueue = new EventQueue(
    host.clock,
    (input) => {
      inputs.push(input);
      return step(input, queue);
    },
    (stalledMs) => stalls.push(stalledMs),
  );
  return { host, queue, inputs, stalls };
}

const barrier = (barrierId: number) => ({ type: 'readBarrierRequested', barrierId }) as const;

describe('the event queue', () => {
  it('never enters a step within a step: what is handed in meanwhile waits, in order', () => {
    let depth = 0;
    let deepest = 0;
    const { queue, inputs } = start((input, self) => {
      depth++;
      deepest = Math.max(deepest, depth);
      if (input.type === 'readBarrierRequested' && input.barrierId === 1) {
        self.push(barrier(2));
        self.push(barrier(3));
      }
      depth--;
      return never;
    });
    queue.push(barrier(1));
    expect(deepest).toBe(1);
    expect(inputs.map((input) => 'barrierId' in input && input.barrierId)).toEqual([1, 2, 3]);
  });

  it('wakes the core when it asked to be woken, and not before', () => {
    let wakeAtMs = 50;
    const { host, queue, inputs } = start(() => wakeAtMs);
    queue.push(barrier(1));
    host.run(49);
    expect(inputs).toHaveLength(1);
    wakeAtMs = never;
    host.run(2);
    expect(inputs[1]).toMatchObject({ type: 'wake', stalledMs: 0, nowMs: 50 });
    host.run(1_000);
    expect(inputs).toHaveLength(2);
  });

  it('takes an earlier wish for the wake-up in the place of a later one', () => {
    let wakeAtMs = 500;
    const { host, queue, inputs } = start(() => wakeAtMs);
    queue.push(barrier(1));
    wakeAtMs = 20;
    queue.push(barrier(2));
    wakeAtMs = never;
    host.run(30);
    expect(inputs.map((input) => input.type)).toContain('wake');
  });

  it('hands in what waits in the sockets before a timeout is believed', () => {
    const { host, queue, inputs } = start(() => (inputs.length === 1 ? 10 : never));
    queue.push(barrier(1));
    // The message is read in the turn of the event loop in which the timer fires, behind it.
    host.clock.setTimer(10, () => queue.push(barrier(2)));
    host.run(20);
    expect(inputs.map((input) => input.type)).toEqual([
      'readBarrierRequested',
      'readBarrierRequested',
      'wake',
    ]);
  });

  it('counts a stall once, whatever waited in the sockets meanwhile', () => {
    // A deadline of the core's at 50 ms, which only the word of a stall puts off.
    let deadlineMs = 50;
    const { host, queue, inputs, stalls } = start((input) => {
      if (input.type === 'wake') deadlineMs += input.stalledMs > 0 ? input.stalledMs : 60_000;
      return deadlineMs;
    });
    queue.push(barrier(1));
    host.process.pause(1_000_000);
    for (let id = 2; id < 6; id++) host.clock.setTimer(900, () => queue.push(barrier(id)));
    host.run(1_010);
    expect(stalls).toEqual([950]);
    const wakes = inputs.filter((input) => input.type === 'wake');
    expect(wakes).toMatchObject([{ stalledMs: 950 }, { stalledMs: 0 }]);
    expect(inputs.slice(0, 5).map((input) => input.type)).not.toContain('wake');
  });

  it('does not take the core’s own delay for a stall', () => {
    // The core asks to be woken in its past, as it may.
    const { host, queue, inputs, stalls } = start(() => (inputs.length < 3 ? 0 : never));
    host.run(5_000);
    queue.push(barrier(1));
    host.run(10);
    expect(inputs.filter((input) => input.type === 'wake')).toMatchObject([
      { stalledMs: 0 },
      { stalledMs: 0 },
    ]);
    expect(stalls).toEqual([]);
  });

  it('is silent once it is closed', () => {
    const { host, queue, inputs } = start(() => 10);
    queue.push(barrier(1));
    queue.close();
    queue.push(barrier(2));
    host.run(100);
    expect(inputs).toHaveLength(1);
  });

  it('drops what waits when a step closes it', () => {
    const { queue, inputs } = start((_input, self) => {
      self.push(barrier(2));
      self.close();
      return 10;
    });
    queue.push(barrier(1));
    expect(inputs).toHaveLength(1);
  });
});
