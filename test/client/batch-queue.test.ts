import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../src/base/assert.ts';
import { BatchQueue, type BatchLimits } from '../../src/client/core/batch-queue.ts';
import { readBatchResults } from '../../src/client/core/batch-results.ts';
import { makeProblem } from '../../src/client/protocol/problem.ts';

type Entry = { readonly name: number; readonly bytes: number };

const limits: BatchLimits = { operationsMax: 3, bytesMax: 100, inFlightMax: 2 };

function queueOf(...sizes: readonly number[]): BatchQueue<Entry> {
  const queue = new BatchQueue<Entry>(limits);
  for (const [name, bytes] of sizes.entries()) queue.offer({ name, bytes });
  return queue;
}

const names = (batch: readonly Entry[] | null) => batch?.map((entry) => entry.name) ?? null;

describe('what waits to travel together', () => {
  it('leaves in order of arrival, within the count', () => {
    const queue = queueOf(1, 1, 1, 1);
    expect([names(queue.take()), names(queue.take()), names(queue.take())]).toEqual([[0, 1, 2], [3], null]);
  });

  it('leaves within the bytes, and alone when it is larger than any batch', () => {
    const queue = queueOf(60, 41, 500, 59);
    expect([names(queue.take()), names(queue.take())]).toEqual([[0], [1]]);
    queue.finished();
    queue.finished();
    expect([names(queue.take()), names(queue.take())]).toEqual([[2], [3]]);
    expect(names(queueOf(60, 40, 1).take())).toEqual([0, 1]);
  });

  it('waits while as many batches are under way as may be', () => {
    const queue = queueOf(100, 100, 100);
    queue.take();
    queue.take();
    expect(queue.take()).toBeNull();
    queue.finished();
    expect(names(queue.take())).toEqual([2]);
    expect(queue.inFlightCount).toBe(2);
  });

  it('does not leave once it was withdrawn, and cannot be withdrawn once it has left', () => {
    const queue = new BatchQueue<Entry>(limits);
    const [first, second] = [
      { name: 0, bytes: 1 },
      { name: 1, bytes: 1 },
    ];
    queue.offer(first);
    queue.offer(second);
    expect(queue.withdraw(first)).toBe(true);
    expect(names(queue.take())).toEqual([1]);
    expect(queue.withdraw(second)).toBe(false);
  });

  it('takes it for a bug when more batches end than were under way', () => {
    expect(() => queueOf(1).finished()).toThrow(InvariantViolation);
  });

  it('leaves exactly once whatever the order of events, and never beyond the limits', () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant('offer' as const), bytes: fc.integer({ min: 1, max: 150 }) }),
      fc.record({ type: fc.constantFrom('take' as const, 'finish' as const) }),
      fc.record({ type: fc.constant('withdraw' as const), pick: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const queue = new BatchQueue<Entry>(limits);
        const offered: Entry[] = [];
        const gone: Entry[] = [];
        let inFlight = 0;
        const wrongs: string[] = [];
        const check = (isRight: boolean, wrong: string): void => void (isRight || wrongs.push(wrong));
        const take = (): boolean => {
          const before = offered.length - gone.length;
          const batch = queue.take() ?? [];
          if (batch.length === 0) {
            check(before === 0 || inFlight === limits.inFlightMax, 'something waits and could leave');
            return false;
          }
          inFlight += 1;
          gone.push(...batch);
          check(inFlight <= limits.inFlightMax, 'too many batches are under way');
          check(batch.length <= limits.operationsMax, 'too many in a batch');
          const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
          check(batch.length === 1 || bytes <= limits.bytesMax, 'too many bytes in a batch');
          return true;
        };
        for (const each of events) {
          if (each.type === 'offer') {
            const entry = { name: offered.length, bytes: each.bytes };
            offered.push(entry);
            queue.offer(entry);
          } else if (each.type === 'take') take();
          else if (each.type === 'finish' && inFlight > 0) {
            queue.finished();
            inFlight -= 1;
          } else if (each.type === 'withdraw') {
            const entry = offered[each.pick % Math.max(1, offered.length)];
            if (entry !== undefined && queue.withdraw(entry)) gone.push(entry);
          }
          check(queue.waitingCount === offered.length - gone.length, 'one was lost or left twice');
        }
        while (queue.waitingCount > 0) {
          if (take()) continue;
          queue.finished();
          inFlight -= 1;
        }
        expect(wrongs).toEqual([]);
        expect(new Set(gone).size).toBe(offered.length);
        expect(gone).toHaveLength(offered.length);
      }),
    );
  });
});

describe('the results of a batch', () => {
  const standing = { offset: 5, epoch: 2, leaderId: 1, forwarded: false };
  const good = { status: 201, ...standing, response: { topicId: 'x' } };

  it('are read each by itself', () => {
    const problem = makeProblem({ code: 'TOPIC_ALREADY_EXISTS', message: 'm' });
    const body = {
      results: [good, { status: 409, ...standing, problem }, { status: 204, ...standing, leaderId: null }],
    };
    expect(readBatchResults(body, 3)).toEqual([
      { type: 'answer', status: 201, body: { topicId: 'x' }, standing },
      { type: 'problem', problem, standing },
      { type: 'answer', status: 204, body: {}, standing: { ...standing, leaderId: null } },
    ]);
  });

  it.each([
    [{ ...good, status: '201' }],
    [{ ...good, offset: -1 }],
    [{ ...good, epoch: undefined }],
    [{ ...good, response: undefined }],
    [{ ...standing, status: 409, problem: { code: 'X' } }],
    [null],
    ['text'],
  ])('that are no results, %o, say nothing about their operations', (result) => {
    expect(readBatchResults({ results: [good, result] }, 2)?.map(({ type }) => type)).toEqual([
      'answer',
      'unreadable',
    ]);
  });

  it.each([[null], [[]], [{}], [{ results: {} }], [{ results: [good] }], [{ results: [good, good, good] }]])(
    'are not told apart when their number is another: %o',
    (body) => {
      expect(readBatchResults(body, 2)).toBeNull();
    },
  );
});
