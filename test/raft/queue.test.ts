import { describe, expect, it } from 'vitest';
import { Queue } from '../../src/raft/queue.ts';

describe('a queue', () => {
  it('gives what it was given in the same order, however much was removed before', () => {
    const queue = new Queue<number>();
    let pushed = 0;
    let removed = 0;
    for (let round = 0; round < 60; round++) {
      for (let count = 0; count < 7; count++) queue.push(pushed++);
      for (let count = 0; count < 5 + (round % 3); count++) {
        expect(queue.first()).toBe(removed++);
        queue.removeFirst();
      }
      expect(queue.length).toBe(pushed - removed);
      expect(queue.last()).toBe(pushed === removed ? undefined : pushed - 1);
    }
    expect(queue.drain()).toEqual(Array.from({ length: pushed - removed }, (_, at) => removed + at));
    expect([queue.length, queue.first(), queue.last()]).toEqual([0, undefined, undefined]);
  });

  it('has neither a first nor a last item when it is empty, also after the only one was removed', () => {
    const queue = new Queue<string>();
    expect([queue.first(), queue.last()]).toEqual([undefined, undefined]);
    queue.removeFirst();
    queue.push('a');
    expect([queue.first(), queue.last()]).toEqual(['a', 'a']);
    queue.removeFirst();
    expect([queue.length, queue.first(), queue.last()]).toEqual([0, undefined, undefined]);
  });

  it('changes the items that are in it', () => {
    const queue = new Queue<number>();
    for (const item of [1, 2, 3]) queue.push(item);
    queue.removeFirst();
    queue.update((item) => item * 10);
    expect(queue.drain()).toEqual([20, 30]);
  });
});
