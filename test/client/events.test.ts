import { describe, expect, it } from 'vitest';
import { iterateEvents } from '../../src/client/events.ts';

/** A source that a test drives. */
function source() {
  const listeners = new Set<(event: number) => void>();
  return {
    listeners,
    emit: (event: number): void => {
      for (const listener of listeners) listener(event);
    },
    subscribe: (listener: (event: number) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    isOver: false,
    /** Negative numbers are the last. */
    isLast: (event: number) => event < 0,
  };
}

describe('events as an iterator', () => {
  it('give everything since it was made, in order, and end after the last', async () => {
    const given = source();
    const events = iterateEvents(given);
    for (const event of [1, 2, 3]) given.emit(event);
    const seen: number[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event === 3) queueMicrotask(() => given.emit(-1));
    }
    expect(seen).toEqual([1, 2, 3, -1]);
    expect(given.listeners.size).toBe(0);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('stop listening when the loop is left, and when a read is given up', async () => {
    const given = source();
    const events = iterateEvents(given);
    given.emit(1);
    for await (const event of events) if (event === 1) break;
    expect(given.listeners.size).toBe(0);
    const waiting = iterateEvents(given);
    const next = waiting.next();
    await waiting.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('end at once where nothing comes any more', async () => {
    const given = source();
    const events = iterateEvents({ ...given, isOver: true });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(given.listeners.size).toBe(0);
  });

  it('fail, once what waits is read, when their reader has fallen too far behind', async () => {
    const given = source();
    const events = iterateEvents(given);
    for (let event = 0; event < 10_001; event++) given.emit(event);
    expect(given.listeners.size).toBe(0);
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const event of events) seen.push(event);
    };
    await expect(read()).rejects.toThrow('10000 events wait');
    expect(seen.length).toBe(10_000);
  });
});
