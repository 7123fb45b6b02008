import { describe, expect, it } from 'vitest';
import { IoGate } from '../../src/runtime/io-gate.ts';

function gateWith(...ioIds: number[]): { readonly gate: IoGate; readonly done: string[] } {
  const gate = new IoGate();
  for (const ioId of ioIds) gate.began(ioId);
  return { gate, done: [] };
}

describe('the I/O gate', () => {
  it('holds an action back until its own I/O has completed, and keeps the order', () => {
    const { gate, done } = gateWith(1, 2);
    gate.whenCompleted(1, () => done.push('first'));
    gate.whenCompleted(1, () => done.push('second'));
    gate.whenCompleted(2, () => done.push('other'));
    expect(done).toEqual([]);
    gate.completed(1);
    expect(done).toEqual(['first', 'second']);
    gate.completed(1);
    gate.completed(2);
    expect(done).toEqual(['first', 'second', 'other']);
  });

  it('runs an action at once when its I/O has completed already', () => {
    const { gate, done } = gateWith(1);
    gate.completed(1);
    gate.whenCompleted(1, () => done.push('at once'));
    expect(done).toEqual(['at once']);
  });

  it('does not take a later I/O of another kind for the one that is waited for', () => {
    const { gate, done } = gateWith(1, 2, 3);
    gate.whenCompleted(1, () => done.push('vote'));
    gate.whenCompleted(2, () => done.push('flush'));
    gate.completedThrough(3, (ioId) => ioId !== 1);
    expect(done).toEqual(['flush']);
    expect(gate.pendingCount).toBe(1);
  });

  it('covers no log I/O that began after the flushed one', () => {
    const { gate, done } = gateWith(1, 2);
    gate.whenCompleted(2, () => done.push('later'));
    gate.completedThrough(1, () => true);
    expect(done).toEqual([]);
  });

  it('refuses ids that do not grow, and waiting for what never began', () => {
    const { gate } = gateWith(4);
    expect(() => gate.began(4)).toThrow('began after');
    expect(() => gate.whenCompleted(5, () => {})).toThrow('has begun');
  });
});
