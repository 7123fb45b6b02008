import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { requestHashOf } from '../../src/runtime/leader/request-hash.ts';

function hashOf(body: unknown, other: Partial<ControllerRequest> = {}): string {
  const request: ControllerRequest = {
    requestId: 1,
    operationId: 'createTopic',
    input: { params: {}, query: {}, body },
    principal: 'client',
    idempotencyKey: null,
    consistency: 'linearizable',
    minOffset: null,
    ifMatch: null,
    timeoutMs: 1_000,
    ...other,
  };
  return Buffer.from(requestHashOf(request)).toString('hex');
}

describe('the hash of a request', () => {
  it('is the same however the fields were ordered, and whatever does not say what is asked for', () => {
    const hash = hashOf({ name: 'orders', partitions: 3 });
    expect(hashOf({ partitions: 3, name: 'orders' })).toBe(hash);
    expect(hashOf({ partitions: 3, name: 'orders', replicationFactor: undefined })).toBe(hash);
    expect(hashOf({ name: 'orders', partitions: 3 }, { requestId: 2, timeoutMs: 5 })).toBe(hash);
  });

  it('differs where anything differs that is asked for, and where values begin or end elsewhere', () => {
    const bodies: unknown[] = [
      { name: 'orders', partitions: 3 },
      { name: 'orders', partitions: 4 },
      { name: 'orders', partitions: 3.5 },
      { name: 'orders', partitions: '3' },
      { name: 'order', spartitions: 3 },
      { name: 'orders' },
      { name: null },
      { name: false },
      { name: '' },
      { '': 'name' },
      {},
      [],
      [[]],
      [[], []],
      [1, [2]],
      [[1], 2],
      [{}, 'a'],
      [{ a: '' }],
      null,
    ];
    const hashes = bodies.map((body) => hashOf(body));
    hashes.push(hashOf({}, { operationId: 'deleteTopic' }), hashOf({}, { ifMatch: offset(7) }));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('differs for values that JSON tells apart', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        // JSON knows no -0.
        const [first, second] = [left, right].map((value) => JSON.stringify(sorted(value)));
        expect(hashOf(left) === hashOf(right)).toBe(first === second);
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
