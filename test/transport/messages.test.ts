import { afterEach, describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import { directoryOf, fetchIdOf, fetchRequest, fetchResponse, forwardRequest } from './support/messages.ts';
import { TestNodes } from './support/test-node.ts';

const nodes = new TestNodes();
afterEach(() => nodes.closeAll());

const mebibyte = 1_048_576;

function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + seed) & 255;
  return bytes;
}

describe('messages between connected nodes', () => {
  test('arrive in both directions with the sender that the handshake named', async () => {
    const [first, second] = await nodes.startPair();
    first.send(second, fetchRequest(7));
    second.send(first, forwardRequest(8));
    const atSecond = await second.events.first(({ kind }) => kind === 'message');
    const atFirst = await first.events.first(({ kind }) => kind === 'message');
    expect(atSecond).toEqual({
      kind: 'message',
      from: { id: 1, directoryId: directoryOf(1) },
      message: fetchRequest(7),
    });
    expect(atFirst).toMatchObject({
      from: { id: 2, directoryId: directoryOf(2) },
      message: { channel: 'forward', message: { requestId: 8, operationId: 'createTopic' } },
    });
  });

  test('keep their order, many of them sent in one tick and in several', async () => {
    const [first, second] = await nodes.startPair({ queueMessagesMax: 100_000 });
    const countPerTick = 500;
    for (let tick = 0; tick < 20; tick++) {
      const ids = Array.from({ length: countPerTick }, (_, index) => tick * countPerTick + index);
      first.send(second, ...ids.map((id) => fetchRequest(id)));
      await new Promise(setImmediate);
    }
    const received = await second.messages(20 * countPerTick);
    expect(received.map(fetchIdOf)).toEqual(Array.from({ length: 20 * countPerTick }, (_, index) => index));
    expect(first.peer(second)).toMatchObject({ sentMessages: 20 * countPerTick, droppedMessages: 0 });
  });

  test.each([1, 2, 4, 8])(
    'carry a fetch answer of %i MiB unchanged, between small ones',
    async (mebibytes) => {
      const [first, second] = await nodes.startPair();
      const payloads = Array.from({ length: mebibytes }, (_, index) => bytesOf(mebibyte, index));
      const large = fetchResponse(2, payloads);
      first.send(second, fetchRequest(1), large, fetchRequest(3));
      const received = await second.messages(3);
      expect(received.map(fetchIdOf)).toEqual([1, 2, 3]);
      const batchesOf = (message: unknown): readonly Uint8Array[] => {
        const { message: inner } = message as typeof large;
        if (inner.type !== 'fetchResponse' || inner.outcome.kind !== 'records') return [];
        return inner.outcome.batches.map(({ body }) =>
          body.form === 'none' ? new Uint8Array(0) : body.bytes,
        );
      };
      const sent = batchesOf(large);
      const arrived = batchesOf(received[1]);
      expect(arrived.length).toBe(mebibytes);
      arrived.forEach((bytes, index) =>
        expect(Buffer.compare(bytes, sent[index] ?? new Uint8Array(0))).toBe(0),
      );
    },
  );

  test('wait for the connection when sent too early, and of each type only the newest does', async () => {
    const first = await nodes.start({ id: 1 });
    const second = await nodes.start({ id: 2 });
    first.know(second);
    first.send(second, fetchRequest(1), fetchRequest(2), fetchResponse(3, []), fetchRequest(4));
    const received = await second.messages(2);
    expect(received.map(fetchIdOf)).toEqual([3, 4]);
    expect(first.peer(second)).toMatchObject({ droppedMessages: 2, sentMessages: 2 });
  });

  test('are told to be dropped when they are forwarded ones and nobody is connected', async () => {
    const first = await nodes.start({ id: 1 });
    const second = await nodes.start({ id: 2 });
    const stranger = { id: nodeId(9) };
    first.know(second);
    first.send(second, forwardRequest(1));
    first.send(stranger, forwardRequest(2), fetchRequest(3));
    const dropped = await first.events.count(2, ({ kind }) => kind === 'forwardDropped');
    expect(dropped).toMatchObject([
      { to: 2, message: { requestId: 1 } },
      { to: 9, message: { requestId: 2 } },
    ]);
    expect(first.transport.stats().droppedUnknownPeer).toBe(2);
  });

  test('above the limit are dropped with an error in the log, and the connection stays', async () => {
    const [first, second] = await nodes.startPair({ messageBytesMax: 10_000, queueBytesMax: 20_000 });
    first.send(
      second,
      fetchResponse(1, [bytesOf(10_001, 0)]),
      forwardRequest(2, bytesOf(10_001, 0)),
      fetchRequest(3),
    );
    expect((await second.messages(1)).map(fetchIdOf)).toEqual([3]);
    await first.log.first(({ event }) => event === 'peer-message-too-large');
    await first.events.first(({ kind }) => kind === 'forwardDropped');
    expect(first.peer(second)).toMatchObject({ connected: true, connectionsOpened: 2 });
  });

  test('reach a peer without a known endpoint on the connection that it has dialled', async () => {
    const leader = await nodes.start({ id: 1 });
    const observer = await nodes.start({ id: 2 });
    observer.know(leader);
    await leader.opened(observer);
    observer.send(leader, fetchRequest(1));
    await leader.messages(1);
    leader.send(observer, fetchResponse(1, [bytesOf(100, 0)]));
    expect((await observer.messages(1)).map(fetchIdOf)).toEqual([1]);
    await observer.close();
    expect(await leader.closedHint(observer)).toBe(false);
    expect(leader.transport.stats().peers).toEqual([]);
  });

  test('are sent before the transport closes', async () => {
    const [first, second] = await nodes.startPair({ closeFlushMs: 600_000 });
    first.send(second, fetchResponse(1, [bytesOf(mebibyte, 1), bytesOf(mebibyte, 2)]), fetchRequest(2));
    await first.close();
    expect((await second.messages(2)).map(fetchIdOf)).toEqual([1, 2]);
  });
});
