import { afterEach, expect, test } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import { decodePeerMessage } from '../../src/codec/peer-message.ts';
import { frameTypes } from '../../src/transport/frame.ts';
import { fetchIdOf, fetchRequest, fetchResponse } from './support/messages.ts';
import { RawListener } from './support/raw-peer.ts';
import { TestNodes } from './support/test-node.ts';

const nodes = new TestNodes();
const listeners: RawListener[] = [];
afterEach(async () => {
  await nodes.closeAll();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

const mebibyte = 1_048_576;
const third = { id: nodeId(3) };

/** Far longer than any test runs, so that only the limits on memory are at work. */
const patient = { pingIntervalMs: 300_000, silenceMaxMs: 600_000, writeStallMaxMs: 600_000 };
const small = { queueBytesMax: 4 * mebibyte, messageBytesMax: 2 * mebibyte, socketBytesMax: mebibyte };

async function listenWithoutReading(): Promise<RawListener> {
  const listener = await RawListener.listen(3, (peer) => peer.socket.pause());
  listeners.push(listener);
  return listener;
}

test('a peer that never reads holds bounded memory and slows no other peer down', async () => {
  const listener = await listenWithoutReading();
  const first = await nodes.start({ id: 1, limits: { ...patient, ...small } });
  const second = await nodes.start({ id: 2, limits: patient });
  first.setEndpoints(
    new Map([
      [second.id, second.endpoint],
      [third.id, listener.endpoint],
    ]),
  );
  await first.opened(second);
  await first.opened(third);
  const count = 200;
  const answer = fetchResponse(1, [new Uint8Array(mebibyte)]);
  for (let id = 0; id < count; id++) {
    first.send(third, answer);
    first.send(second, fetchRequest(id));
    expect(first.peer(third).queuedBytes).toBeLessThanOrEqual(4 * mebibyte);
    await new Promise(setImmediate);
  }
  const stats = first.peer(third);
  // The kernel takes some megabytes in on both sides; the rest was dropped instead of kept.
  expect(stats.droppedMessages).toBeGreaterThan(count / 2);
  expect(stats.sentMessages + stats.droppedMessages + stats.queuedMessages).toBe(count);
  const ids = (await second.messages(count)).map(fetchIdOf);
  expect(ids).toEqual(Array.from({ length: count }, (_, id) => id));
});

test('a peer that never reads is cut off, and what was queued for it is given up', async () => {
  const listener = await listenWithoutReading();
  const first = await nodes.start({
    id: 1,
    limits: {
      ...small,
      pingIntervalMs: 100,
      silenceMaxMs: 600_000,
      writeStallMaxMs: 100,
      reconnectBackoffMs: 1_000,
    },
  });
  first.setEndpoints(new Map([[third.id, listener.endpoint]]));
  await first.opened(third);
  const answer = fetchResponse(1, [new Uint8Array(mebibyte)]);
  const isCutOff = (): boolean =>
    first.log.items.some(({ fields }) => fields['code'] === 'PEER_DOES_NOT_READ');
  while (!isCutOff()) {
    if (first.peer(third).queuedMessages < 2) first.send(third, answer);
    await new Promise(setImmediate);
  }
  expect(await first.closedHint(third)).toBe(false);
  expect(first.peer(third)).toMatchObject({ queuedMessages: 0, queuedBytes: 0 });
});

test('when a peer reads again, what the queue kept arrives in order with the newest last', async () => {
  const listener = await listenWithoutReading();
  const first = await nodes.start({ id: 1, limits: { ...patient, queueMessagesMax: 10 } });
  first.setEndpoints(new Map([[third.id, listener.endpoint]]));
  await first.opened(third);
  const raw = await listener.accepted.first(() => true);
  const large = new Uint8Array(mebibyte);
  const count = 100;
  for (let id = 0; id < count; id++) {
    first.send(third, fetchResponse(id, [large]));
    await new Promise(setImmediate);
  }
  expect(first.peer(third).droppedMessages).toBeGreaterThan(0);
  raw.socket.resume();
  const { droppedMessages } = first.peer(third);
  const arrived = await raw.frames.count(count - droppedMessages, ({ type }) => type === frameTypes.message);
  expect(first.peer(third)).toMatchObject({ droppedMessages, sentMessages: count - droppedMessages });
  const ids = arrived.map(({ payload }) => fetchIdIn(payload));
  expect(ids).toEqual(ids.toSorted((left, right) => left - right));
  expect(ids.at(-1)).toBe(count - 1);
});

function fetchIdIn(payload: Uint8Array): number {
  const decoded = decodePeerMessage(payload);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return fetchIdOf(decoded.value) ?? -1;
}
