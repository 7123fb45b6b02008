import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeId, uuid } from '../../src/base/brands.ts';
import { encodePeerMessage } from '../../src/codec/peer-message.ts';
import { encodeFrame, frameTypes } from '../../src/transport/frame.ts';
import { decodeWelcome, encodeCluster } from '../../src/transport/handshake.ts';
import { fetchIdOf, fetchRequest, fetchResponse, otherClusterId } from './support/messages.ts';
import { RawListener, RawPeer } from './support/raw-peer.ts';
import { type TestNode, TestNodes } from './support/test-node.ts';

const nodes = new TestNodes();
const strangers: RawPeer[] = [];
const listeners: RawListener[] = [];
afterEach(async () => {
  for (const { socket } of strangers.splice(0)) socket.destroy();
  await nodes.closeAll();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

function dial(node: TestNode): RawPeer {
  const peer = RawPeer.dial(node.endpoint);
  strangers.push(peer);
  return peer;
}

async function listenAs(id: number): Promise<RawListener> {
  const listener = await RawListener.listen(id);
  listeners.push(listener);
  return listener;
}

/** A connection that is through the handshake as node 9. */
async function dialWelcomed(node: TestNode): Promise<RawPeer> {
  const peer = dial(node);
  peer.hello({ id: 9, target: node.id });
  await peer.welcomed();
  return peer;
}

let fetchId = 100;
/** Shows that two nodes still exchange messages over the connections that they opened first. */
async function expectUnharmed(first: TestNode, second: TestNode): Promise<void> {
  fetchId += 1;
  const id = fetchId;
  const isIt = (event: (typeof first.events.items)[number]): boolean =>
    event.kind === 'message' && fetchIdOf(event.message) === id;
  first.send(second, fetchRequest(id));
  await second.events.first(isIt);
  second.send(first, fetchRequest(id));
  await first.events.first(isIt);
  expect(first.peer(second).connectionsOpened).toBe(2);
  expect(second.peer(first).connectionsOpened).toBe(2);
}

const message = encodePeerMessage(fetchRequest(1));

function withLength(length: number): Uint8Array {
  const frame = Buffer.from(encodeFrame(frameTypes.message, message));
  frame.writeUInt32BE(length, 0);
  return frame;
}

function withFlippedBit(position: number): Uint8Array {
  const frame = Buffer.from(encodeFrame(frameTypes.message, message));
  frame.writeUInt8(frame.readUInt8(position) ^ 1, position);
  return frame;
}

describe('a hostile frame of a peer closes its connection with a named reason and harms no other', () => {
  test.each([
    ['a huge length', 'FRAME_TOO_LARGE', withLength(0xffff_ffff)],
    ['a length of nothing', 'FRAME_MALFORMED', withLength(0)],
    ['a length without room for a type', 'FRAME_MALFORMED', withLength(4)],
    ['a damaged payload', 'FRAME_CORRUPT', withFlippedBit(20)],
    ['a damaged CRC', 'FRAME_CORRUPT', withFlippedBit(message.length + 8)],
    ['a length one too small', 'FRAME_CORRUPT', withLength(message.length + 4)],
    ['an unknown frame type', 'FRAME_MALFORMED', framed(99, message)],
    [
      'a message that does not decode',
      'MESSAGE_MALFORMED',
      encodeFrame(frameTypes.message, Buffer.from('nonsense')),
    ],
    ['an empty message', 'MESSAGE_MALFORMED', encodeFrame(frameTypes.message, new Uint8Array(0))],
    ['a second hello', 'UNEXPECTED_FRAME', encodeFrame(frameTypes.hello, new Uint8Array(0))],
    ['a welcome', 'UNEXPECTED_FRAME', encodeFrame(frameTypes.welcome, new Uint8Array(0))],
    [
      'the id of another cluster',
      'INCONSISTENT_CLUSTER_ID',
      encodeFrame(frameTypes.cluster, encodeCluster(otherClusterId)),
    ],
    [
      'a cluster id of the wrong length',
      'FRAME_MALFORMED',
      encodeFrame(frameTypes.cluster, new Uint8Array(15)),
    ],
  ])('%s', async (_name, code, bytes) => {
    const [first, second] = await nodes.startPair();
    const hostile = await dialWelcomed(first);
    hostile.write(bytes);
    expect(await hostile.refusal()).toBe(code);
    await hostile.closed();
    const line = await first.logged(code);
    expect(line).toMatchObject({ event: 'peer-disconnected', fields: { peer: 9 } });
    expect(first.peer(second).lastError).toBe(null);
    await expectUnharmed(first, second);
  });

  test('nothing behind the bad frame is handed on', async () => {
    const [first] = await nodes.startPair();
    const hostile = await dialWelcomed(first);
    const good = encodeFrame(frameTypes.message, message);
    hostile.write(Buffer.concat([good, withFlippedBit(20), good]));
    await hostile.closed();
    expect(first.events.items.filter(({ kind }) => kind === 'message').length).toBe(1);
  });

  test('a frame that is cut short by the end of the connection is never handed on', async () => {
    const [first, second] = await nodes.startPair();
    const hostile = await dialWelcomed(first);
    hostile.socket.end(encodeFrame(frameTypes.message, message).subarray(0, 20));
    await hostile.closed();
    await first.logged('CONNECTION_ENDED');
    expect(first.events.items.some(({ kind }) => kind === 'message')).toBe(false);
    await expectUnharmed(first, second);
  });

  test('random bytes before and after the handshake', async () => {
    const [first, second] = await nodes.startPair();
    const bytes = fc.uint8Array({ maxLength: 2_000 });
    const kind = fc.constantFrom<'raw' | 'hello' | 'message'>('raw', 'hello', 'message');
    await fc.assert(
      fc.asyncProperty(bytes, kind, fc.boolean(), async (random, frame, welcomed) => {
        const peer = welcomed ? await dialWelcomed(first) : dial(first);
        peer.socket.end(frame === 'raw' ? random : encodeFrame(frameTypes[frame], random));
        await peer.closed();
        await expectUnharmed(first, second);
      }),
      { numRuns: 150 },
    );
    expect(first.events.items.filter((event) => event.kind === 'closed' && event.peer === second.id)).toEqual(
      [],
    );
  });

  test('a true message with any one byte changed', async () => {
    const [first, second] = await nodes.startPair();
    const whole = encodeFrame(frameTypes.message, encodePeerMessage(fetchResponse(1, [new Uint8Array(50)])));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (position, change) => {
          const before = first.events.items.length;
          const changed = Buffer.from(whole);
          changed.writeUInt8(changed.readUInt8(position) ^ change, position);
          const peer = await dialWelcomed(first);
          peer.socket.end(changed);
          await peer.closed();
          expect(first.events.items.slice(before).some((event) => event.kind === 'message')).toBe(false);
          await expectUnharmed(first, second);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a handshake is refused by name', () => {
  const strange = uuid('AAAAAAAAAAAAAAAAAAAAFA');
  test.each([
    ['INCONSISTENT_CLUSTER_ID', { id: 9, target: 1, clusterId: otherClusterId }],
    ['UNSUPPORTED_VERSION', { id: 9, target: 1, versions: { min: 2, max: 7 } }],
    ['WRONG_NODE', { id: 9, target: 3 }],
    ['SELF_CONNECTION', { id: 1, target: 1 }],
    ['DUPLICATE_NODE_ID', { id: 1, target: 1, directoryId: strange }],
    ['DUPLICATE_NODE_ID', { id: 2, target: 1, directoryId: strange }],
  ])('%s for %o', async (code, hello) => {
    const [first, second] = await nodes.startPair();
    const peer = dial(first);
    peer.hello(hello);
    expect(await peer.refusal()).toBe(code);
    await peer.closed();
    await first.logged(code);
    expect(first.transport.stats().refusedHandshakes).toBe(1);
    await expectUnharmed(first, second);
  });

  test('a peer of another version is refused even if the rest of its hello is laid out otherwise', async () => {
    const node = await nodes.start({ id: 1 });
    const peer = dial(node);
    peer.write(encodeFrame(frameTypes.hello, Buffer.from('OTLA\0\x02\0\x02', 'latin1')));
    expect(await peer.refusal()).toBe('UNSUPPORTED_VERSION');
  });

  test('a hello with fields of a later version behind it is welcome if the versions meet', async () => {
    const node = await nodes.start({ id: 1 });
    const [captured] = await helloOfDialler();
    const hello = Buffer.concat([captured, Buffer.from('later')]);
    hello.writeUInt16BE(9, 6);
    hello.writeUInt32BE(9, 8);
    const peer = dial(node);
    peer.write(encodeFrame(frameTypes.hello, hello));
    const { payload } = await peer.welcomed();
    expect(decodeWelcome(payload)).toMatchObject({ ok: true, value: { version: 1, replica: { id: 1 } } });
  });

  test('by the dialler too, when another node answers, when a stranger does, and when it is itself', async () => {
    const listener = await listenAs(3);
    const node = await nodes.start({ id: 1 });
    node.setEndpoints(new Map([[nodeId(2), listener.endpoint]]));
    await node.logged('WRONG_NODE');
    node.setEndpoints(new Map([[nodeId(7), node.endpoint]]));
    const line = await node.log.first(
      ({ event, fields }) => event === 'peer-unreachable' && fields['code'] === 'REFUSED_BY_PEER',
    );
    expect(line.fields['message']).toContain('SELF_CONNECTION');
    expect(node.events.items).toEqual([]);
  });

  test('a newer connection of the same peer takes the place of the older', async () => {
    const node = await nodes.start({ id: 1 });
    const older = await dialWelcomed(node);
    const newer = await dialWelcomed(node);
    await older.closed();
    newer.write(encodeFrame(frameTypes.message, message));
    await node.messages(1);
    expect(node.events.items.map(({ kind }) => kind)).toEqual(['opened', 'closed', 'opened', 'message']);
  });

  async function helloOfDialler(): Promise<readonly [Uint8Array]> {
    const listener = await listenAs(1);
    const node = await nodes.start({ id: 8 });
    node.setEndpoints(new Map([[nodeId(1), listener.endpoint]]));
    const peer = await listener.accepted.first(() => true);
    const { payload } = await peer.frames.first(({ type }) => type === frameTypes.hello);
    return [payload];
  }
});

describe('before the cluster is bootstrapped', () => {
  test('nodes meet without a cluster id, and stay connected when both learn the same one', async () => {
    const first = await nodes.start({ id: 1, clusterId: null });
    const second = await nodes.start({ id: 2, clusterId: null });
    first.know(second);
    second.know(first);
    await first.opened(second);
    await second.opened(first);
    first.transport.setClusterId(otherClusterId);
    second.transport.setClusterId(otherClusterId);
    await expectUnharmed(first, second);
    expect(first.peer(second).lastError).toBe(null);
  });

  test('a node without a cluster id meets one that has it', async () => {
    const [first, second] = [await nodes.start({ id: 1 }), await nodes.start({ id: 2, clusterId: null })];
    first.know(second);
    second.know(first);
    await first.opened(second);
    await second.opened(first);
    expect([first.peer(second).connected, second.peer(first).connected]).toEqual([true, true]);
  });

  test('nodes that learn different cluster ids part, and are refused from then on', async () => {
    const [first, second] = [await nodes.start({ id: 1 }), await nodes.start({ id: 2, clusterId: null })];
    first.know(second);
    await first.opened(second);
    second.transport.setClusterId(otherClusterId);
    expect(await first.closedHint(second)).toBe(false);
    const from = second.log.items.length;
    await second.logged('INCONSISTENT_CLUSTER_ID', from);
    expect(first.events.items.filter(({ kind }) => kind === 'opened').length).toBe(1);
  });
});

describe('a stranger', () => {
  test('that says its hello too slowly is cut off', async () => {
    const node = await nodes.start({ id: 1, limits: { handshakeTimeoutMs: 50 } });
    const peer = dial(node);
    const hello = encodeFrame(frameTypes.hello, new Uint8Array(49));
    let sent = 0;
    const drip = setInterval(() => peer.write(hello.subarray(sent, ++sent)), 10);
    try {
      expect(await peer.refusal()).toBe('HANDSHAKE_TIMEOUT');
      await peer.closed();
    } finally {
      clearInterval(drip);
    }
    await node.logged('HANDSHAKE_TIMEOUT');
  });

  test('may not send a frame of more than a handshake needs', async () => {
    const node = await nodes.start({ id: 1 });
    const peer = dial(node);
    peer.write(encodeFrame(frameTypes.hello, new Uint8Array(2_000)));
    expect(await peer.refusal()).toBe('FRAME_TOO_LARGE');
  });

  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('that speaks %s is refused', async (_name, text) => {
    const node = await nodes.start({ id: 1 });
    const peer = dial(node);
    peer.write(Buffer.from(text, 'latin1'));
    expect(await peer.refusal()).toBe('FRAME_TOO_LARGE');
    await node.logged('FRAME_TOO_LARGE');
  });

  test('may send no message before its hello', async () => {
    const node = await nodes.start({ id: 1 });
    const peer = dial(node);
    peer.write(encodeFrame(frameTypes.message, message));
    expect(await peer.refusal()).toBe('UNEXPECTED_FRAME');
    expect(node.events.items).toEqual([]);
  });

  test('in a crowd of silent ones does not keep a peer out', async () => {
    const first = await nodes.start({
      id: 1,
      limits: { pendingHandshakesMax: 4, acceptedConnectionsMax: 40 },
    });
    const crowd = Array.from({ length: 12 }, () => dial(first));
    await Promise.all(crowd.slice(0, 8).map((peer) => peer.closed()));
    const second = await nodes.start({ id: 2 });
    second.know(first);
    await second.opened(first);
    await first.logged('TOO_MANY_CONNECTIONS');
    expect(second.peer(first).connected).toBe(true);
  });
});

test('answering in place of a peer with nonsense is a failed attempt, and the node goes on', async () => {
  const [first, second] = await nodes.startPair();
  const listener = await listenAs(3);
  first.setEndpoints(
    new Map([
      [second.id, second.endpoint],
      [nodeId(3), listener.endpoint],
    ]),
  );
  const peer = await listener.accepted.first(() => true);
  peer.write(Buffer.from('nonsense nonsense nonsense'));
  const { fields } = await first.logged('FRAME_TOO_LARGE');
  expect(fields).toMatchObject({ peer: 3, direction: 'dialled' });
  await expectUnharmed(first, second);
});

function framed(type: number, payload: Uint8Array): Uint8Array {
  // A type that this program never writes is made from a known one, with the CRC of the changed bytes.
  return encodeFrame(type as typeof frameTypes.message, payload);
}
