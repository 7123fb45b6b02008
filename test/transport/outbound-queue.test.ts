import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../src/ports/transport.ts';
import { type OutboundItem, OutboundQueue } from '../../src/transport/outbound-queue.ts';
import { fetchRequest, fetchResponse, forwardRequest } from './support/messages.ts';

function item(message: PeerMessage, sizeInBytes = 1): OutboundItem {
  return { message, parts: [new Uint8Array(sizeInBytes)], sizeInBytes };
}

function queueOf(messagesMax: number, bytesMax: number) {
  const dropped: OutboundItem[] = [];
  const queue = new OutboundQueue({ messagesMax, bytesMax }, (one) => dropped.push(one));
  const drain = (): OutboundItem[] => {
    const left: OutboundItem[] = [];
    for (let next = queue.shift(); next !== null; next = queue.shift()) left.push(next);
    return left;
  };
  return { queue, dropped, drain };
}

describe('a full queue', () => {
  test("lets the oldest of Raft's messages give way to the newest", () => {
    const { queue, dropped, drain } = queueOf(2, 100);
    const items = [item(fetchRequest(1)), item(fetchRequest(2)), item(fetchRequest(3))];
    for (const one of items) queue.push(one);
    expect(dropped).toEqual([items[0]]);
    expect(drain()).toEqual([items[1], items[2]]);
  });

  test('refuses a forwarded message and keeps all that it holds', () => {
    const { queue, dropped, drain } = queueOf(2, 100);
    const items = [item(fetchRequest(1)), item(fetchRequest(2)), item(forwardRequest(3))];
    for (const one of items) queue.push(one);
    expect(dropped).toEqual([items[2]]);
    expect(drain()).toEqual([items[0], items[1]]);
  });

  test("gives up Raft's older messages before forwarded ones, and those before Raft's newest", () => {
    const { queue, dropped, drain } = queueOf(10, 10);
    const forward = item(forwardRequest(1), 4);
    const older = item(fetchRequest(2), 4);
    const newer = item(fetchRequest(3), 6);
    const newest = item(fetchRequest(4), 10);
    for (const one of [forward, older, newer]) queue.push(one);
    expect(dropped).toEqual([older]);
    queue.push(newest);
    expect(dropped).toEqual([older, newer, forward]);
    expect(drain()).toEqual([newest]);
  });

  test('drops at once what could never fit, and nothing else for it', () => {
    const { queue, dropped } = queueOf(10, 10);
    queue.push(item(fetchRequest(1), 10));
    queue.push(item(fetchRequest(2), 11));
    expect([queue.messages, dropped.length]).toEqual([1, 1]);
  });
});

test('without a connection only the newest message of each type stays, and no forwarded one', () => {
  const { queue, dropped, drain } = queueOf(10, 100);
  const items = [fetchRequest(1), fetchResponse(2, []), forwardRequest(3), fetchRequest(4)].map((one) =>
    item(one),
  );
  for (const one of items) queue.pushWhileDisconnected(one);
  expect(dropped).toEqual([items[2], items[0]]);
  expect(drain()).toEqual([items[1], items[3]]);
});

test('whatever is pushed, the limits hold, the order is kept, and each message is sent or dropped once', () => {
  const pushes = fc.record({
    forward: fc.boolean(),
    size: fc.integer({ min: 0, max: 40 }),
    shift: fc.boolean(),
    clear: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(pushes, { maxLength: 60 }), (list) => {
      const { queue, dropped, drain } = queueOf(5, 60);
      const pushed: OutboundItem[] = [];
      const sent: OutboundItem[] = [];
      list.forEach(({ forward, size, shift, clear }, index) => {
        const one = item(forward ? forwardRequest(index) : fetchRequest(index), size);
        pushed.push(one);
        queue.push(one);
        expect(queue.messages).toBeLessThanOrEqual(5);
        expect(queue.bytes).toBeLessThanOrEqual(60);
        const taken = shift ? queue.shift() : null;
        if (taken !== null) sent.push(taken);
        if (clear === 0) queue.clear();
      });
      sent.push(...drain());
      expect(queue.bytes).toBe(0);
      expect(sent).toEqual(pushed.filter((one) => sent.includes(one)));
      expect(new Set([...sent, ...dropped])).toEqual(new Set(pushed));
      expect(sent.length + dropped.length).toBe(pushed.length);
    }),
  );
});
