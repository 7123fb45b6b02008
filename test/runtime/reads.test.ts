import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { ReadQueue } from '../../src/runtime/reads.ts';
import { VirtualProcess } from './support/clock.ts';

function start(): {
  readonly host: VirtualProcess;
  readonly reads: ReadQueue;
  readonly barriers: number[];
  readonly told: string[];
  readonly read: (name: string) => void;
} {
  const host = new VirtualProcess();
  const barriers: number[] = [];
  const told: string[] = [];
  const reads = new ReadQueue(host.clock, (barrierId) => barriers.push(barrierId));
  const read = (name: string): void =>
    reads.add({ confirmed: () => told.push(name), fail: () => told.push(`${name} failed`) });
  return { host, reads, barriers, told, read };
}

describe('the read queue', () => {
  it('lets reads that arrive together share one barrier', () => {
    const { host, reads, barriers, told, read } = start();
    read('a');
    read('b');
    host.run(1);
    expect(barriers).toEqual([1]);
    reads.completed(1, offset(5), offset(5));
    expect(told).toEqual(['a', 'b']);
  });

  it('never lets a read join a barrier that was asked for before it arrived', () => {
    const { host, reads, barriers, told, read } = start();
    read('a');
    host.run(1);
    read('late');
    reads.completed(1, offset(5), offset(5));
    expect(told).toEqual(['a']);
    host.run(1);
    expect(barriers).toEqual([1, 2]);
    reads.completed(2, offset(5), offset(5));
    expect(told).toEqual(['a', 'late']);
  });

  it('answers only when the state has reached the offset of the barrier', () => {
    const { host, reads, told, read } = start();
    read('a');
    host.run(1);
    reads.completed(1, offset(9), offset(5));
    reads.applied(offset(8));
    expect(told).toEqual([]);
    reads.applied(offset(9));
    expect(told).toEqual(['a']);
  });

  it('fails the reads of the barriers that failed, and no others', () => {
    const { host, reads, told, read } = start();
    read('a');
    host.run(1);
    read('b');
    host.run(1);
    reads.failed([1]);
    expect(told).toEqual(['a failed']);
    reads.completed(2, offset(1), offset(1));
    expect(told).toEqual(['a failed', 'b']);
  });

  it('asks for no more barriers at once than its limit, and forgets no read over it', () => {
    const { host, reads, barriers, told, read } = start();
    const { barriersInFlightMax } = runtimeLimits;
    for (let at = 0; at < barriersInFlightMax + 10; at++) {
      read(String(at));
      host.run(1);
    }
    expect(barriers).toHaveLength(barriersInFlightMax);
    reads.completed(1, offset(1), offset(1));
    host.run(1);
    expect(barriers).toHaveLength(barriersInFlightMax + 1);
    reads.failed(barriers);
    expect(told).toHaveLength(barriersInFlightMax + 10);
    read('after');
    host.run(1);
    expect(barriers).toHaveLength(barriersInFlightMax + 2);
  });

  it('leaves nobody waiting when the node stops', () => {
    const { host, reads, told, read } = start();
    read('confirmed');
    host.run(1);
    reads.completed(1, offset(9), offset(5));
    read('in flight');
    host.run(1);
    read('gathering');
    reads.failAll();
    expect(told.toSorted()).toEqual(['confirmed failed', 'gathering failed', 'in flight failed']);
    expect(reads.size).toBe(0);
  });
});
