import { afterEach, describe, expect, test } from 'vitest';
import { nodeId, uuid } from '../../src/base/brands.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { fetchIdOf, fetchRequest, forwardRequest } from './support/messages.ts';
import { RawListener, type RawPeer } from './support/raw-peer.ts';
import { Recorder } from './support/recorder.ts';
import { systemClock } from './support/system-clock.ts';
import { TestNodes } from './support/test-node.ts';

const otherDirectory = uuid('AAAAAAAAAAAAAAAAAAAAEA');
const nodes = new TestNodes();
const listeners: RawListener[] = [];
afterEach(async () => {
  await nodes.closeAll();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

async function listen(id: number, accept?: (peer: RawPeer) => void): Promise<RawListener> {
  const listener = await RawListener.listen(id, accept);
  listeners.push(listener);
  return listener;
}

/** Longer than any test, so that a slow machine does not answer in the place of a peer. */
const patienceMs = 600_000;

/** A node connected to a listener that the test controls, long enough for its reconnect to be immediate. */
async function connectedToRaw(accept?: (peer: RawPeer) => void, closedHintWaitMs = patienceMs) {
  const listener = await listen(2, accept);
  const node = await nodes.start({
    id: 1,
    limits: { reconnectBackoffMs: 1, reconnectBackoffMaxMs: 1, closedHintWaitMs },
  });
  const raw = { id: nodeId(2) };
  node.setEndpoints(new Map([[raw.id, listener.endpoint]]));
  await node.opened(raw);
  const peer = await listener.accepted.first(() => true);
  return { listener, node, raw, peer };
}

describe('a connection that closes', () => {
  test('is reported as refused when the peer is gone', async () => {
    const [first, second] = await nodes.startPair({ closedHintWaitMs: patienceMs });
    await second.close();
    expect(await first.closedHint(second)).toBe(true);
  });

  test('is reported as not refused when the peer still listens, and is opened again', async () => {
    const { node, raw, peer } = await connectedToRaw();
    peer.socket.destroy();
    expect(await node.closedHint(raw)).toBe(false);
    const closedAt = node.events.items.findIndex(({ kind }) => kind === 'closed');
    await node.opened(raw, closedAt);
  });

  test('is reported as refused when the dying peer resets a connection before its listener goes', async () => {
    const { listener, node, raw, peer } = await connectedToRaw();
    const tornDown = new Promise<void>((resolve) => {
      listener.server.removeAllListeners('connection');
      listener.server.once('connection', (socket) => {
        listener.server.close(() => resolve());
        socket.resetAndDestroy();
      });
    });
    peer.socket.destroy();
    expect(await node.closedHint(raw)).toBe(true);
    await tornDown;
  });

  test('is reported as refused even if this process stood still while the refusal arrived', async () => {
    const { listener, node, raw } = await connectedToRaw(undefined, 50);
    const closed = listener.close();
    await node.log.first(({ event }) => event === 'peer-disconnected');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    expect(await node.closedHint(raw)).toBe(true);
    await closed;
  });

  test('is reported as not refused when the reconnect gets no answer', async () => {
    const { listener, node, raw, peer } = await connectedToRaw(undefined, 50);
    listener.server.removeAllListeners('connection');
    const silent: { destroy(): void }[] = [];
    listener.server.on('connection', (socket) => silent.push(socket));
    peer.socket.destroy();
    expect(await node.closedHint(raw)).toBe(false);
    for (const socket of silent) socket.destroy();
  });

  test('gives up what was queued, and says so of forwarded messages before it says that it has closed', async () => {
    const { listener, node, raw } = await connectedToRaw((peer) => peer.socket.pause());
    const large = new Uint8Array(1_048_576);
    const count = 60;
    for (let id = 0; id < count; id++) node.send(raw, forwardRequest(id, large));
    await listener.close();
    await node.closedHint(raw);
    const dropped = node.events.items.flatMap((event) =>
      event.kind === 'forwardDropped' ? [event.message.requestId] : [],
    );
    const stats = node.peer(raw);
    expect(dropped.length).toBe(stats.droppedMessages);
    expect(stats.sentMessages + stats.droppedMessages).toBe(count);
    expect(new Set(dropped).size).toBe(dropped.length);
    const closedAt = node.events.items.findIndex(({ kind }) => kind === 'closed');
    const lastDropAt = node.events.items.findLastIndex(({ kind }) => kind === 'forwardDropped');
    expect(lastDropAt).toBeLessThan(closedAt);
  });

  test('comes back when the peer has restarted at the same address, also with a new directory', async () => {
    const [first, second] = await nodes.startPair();
    const { endpoint } = second;
    await second.close();
    await first.closedHint(second);
    const from = first.events.items.length;
    const restarted = await nodes.start({ id: 2, listen: endpoint, directoryId: otherDirectory });
    restarted.know(first);
    await first.opened(second, from);
    await restarted.opened(first);
    first.send(restarted, fetchRequest(1));
    restarted.send(first, fetchRequest(2));
    expect((await restarted.messages(1)).map(fetchIdOf)).toEqual([1]);
    expect((await first.messages(1)).map(fetchIdOf)).toEqual([2]);
    expect(first.peer(restarted).directoryId).toBe(otherDirectory);
  });

  test('is noticed when the other side is half open and answers nothing any more', async () => {
    const listener = await listen(2);
    const node = await nodes.start({ id: 1, limits: { pingIntervalMs: 20, silenceMaxMs: 100 } });
    const raw = { id: nodeId(2) };
    node.setEndpoints(new Map([[raw.id, listener.endpoint]]));
    await node.logged('PEER_SILENT');
    expect(await node.closedHint(raw)).toBe(false);
  });

  test('stays while the peer answers pings, however long no message passes', async () => {
    const [first, second] = await nodes.startPair({ pingIntervalMs: 20, silenceMaxMs: 2_000 });
    // Each round trip measured is one answered ping; both directions see several.
    const seen = new Set<number | null>();
    while (seen.size < 5) {
      seen.add(first.peer(second).roundTripMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(first.peer(second)).toMatchObject({ connected: true, connectionsOpened: 2 });
    expect(second.peer(first)).toMatchObject({ connected: true, connectionsOpened: 2 });
  });

  test('is not blamed on peers when this process itself stood still', async () => {
    const [first, second] = await nodes.startPair({ pingIntervalMs: 100, silenceMaxMs: 400 });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    first.send(second, fetchRequest(1));
    await second.messages(1);
    second.send(first, fetchRequest(2));
    await first.messages(1);
    expect([first.peer(second), second.peer(first)]).toMatchObject([
      { connectionsOpened: 2 },
      { connectionsOpened: 2 },
    ]);
  });
});

const backoffLimits = {
  reconnectBackoffMs: 16,
  reconnectBackoffMaxMs: 256,
  // All other times are longer, which is how the clock below knows a backoff.
  handshakeTimeoutMs: 30_000,
  closedHintWaitMs: 30_000,
  pingIntervalMs: 60_000,
  silenceMaxMs: 120_000,
};

/** A clock on which backoffs pass at once, and the length of each. */
function recordedBackoffs() {
  const backoffs = new Recorder<number>();
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, callback) => {
      if (delayMs > backoffLimits.reconnectBackoffMaxMs) return systemClock.setTimer(delayMs, callback);
      backoffs.push(delayMs);
      return systemClock.setTimer(0, callback);
    },
  };
  return { backoffs, clock };
}

describe('dialling', () => {
  test('backs off with jitter, twice as long after each failure and never longer than the limit', async () => {
    const vacant = await RawListener.listen(2);
    const { endpoint } = vacant;
    await vacant.close();
    const { backoffs, clock } = recordedBackoffs();
    const node = await nodes.start({ id: 1, limits: backoffLimits, clock });
    node.setEndpoints(new Map([[nodeId(2), endpoint]]));
    const delays = await backoffs.count(12);
    const wholes = [16, 32, 64, 128, 256, 256, 256, 256, 256, 256, 256, 256];
    wholes.forEach((whole, index) => {
      expect(delays[index]).toBeGreaterThanOrEqual(whole / 2);
      expect(delays[index]).toBeLessThanOrEqual(whole);
    });
    expect(new Set(delays.slice(4)).size).toBeGreaterThan(1);
    // The log hears once of a peer that is down.
    expect(node.log.items.filter(({ event }) => event === 'peer-unreachable').length).toBe(1);
  });

  test('backs off from a peer that closes every connection soon after it was opened', async () => {
    const listener = await listen(2, (peer) => peer.socket.end());
    const { backoffs, clock } = recordedBackoffs();
    const node = await nodes.start({ id: 1, limits: backoffLimits, clock });
    node.setEndpoints(new Map([[nodeId(2), listener.endpoint]]));
    await listener.accepted.count(7);
    const delays = backoffs.items.slice(0, 6);
    [16, 32, 64, 128, 256, 256].forEach((whole, index) => {
      expect(delays[index]).toBeGreaterThanOrEqual(whole / 2);
      expect(delays[index]).toBeLessThanOrEqual(whole);
    });
  });

  test('hurries when the peer that was down dials in', async () => {
    const vacant = await RawListener.listen(2);
    const { endpoint } = vacant;
    await vacant.close();
    const limits = { reconnectBackoffMs: 50_000, reconnectBackoffMaxMs: 50_000 };
    const first = await nodes.start({ id: 1, limits });
    first.setEndpoints(new Map([[nodeId(2), endpoint]]));
    await first.logged('CONNECTION_REFUSED');
    const second = await nodes.start({ id: 2, listen: endpoint });
    second.know(first);
    await first.opened(second);
    expect(first.peer(second).connected).toBe(true);
  });

  test('goes on with the next address when a name has several', async () => {
    const lookUp = (_host: string, complete: (addresses: readonly string[]) => void): void =>
      void setImmediate(complete, ['127.0.0.2', '127.0.0.1']);
    const second = await nodes.start({ id: 2 });
    const first = await nodes.start({ id: 1, lookUp });
    first.setEndpoints(new Map([[second.id, { host: 'controller-2.example', port: second.endpoint.port }]]));
    await first.opened(second);
    expect(first.peer(second).connected).toBe(true);
  });

  test('a name that is not known fails with a reason and is tried again', async () => {
    let lookUps = 0;
    const lookUp = (_host: string, complete: (addresses: readonly string[]) => void): void => {
      lookUps += 1;
      setImmediate(complete, lookUps < 3 ? [] : ['127.0.0.1']);
    };
    const second = await nodes.start({ id: 2 });
    const first = await nodes.start({ id: 1, lookUp });
    first.setEndpoints(new Map([[second.id, { host: 'controller-2.example', port: second.endpoint.port }]]));
    await first.logged('LOOKUP_FAILED');
    await first.opened(second);
    expect(lookUps).toBe(3);
  });

  test.each([0, 65_536, 1.5])('port %d is an unreachable endpoint and no crash', async (port) => {
    const node = await nodes.start({ id: 1 });
    node.setEndpoints(new Map([[nodeId(2), { host: '127.0.0.1', port }]]));
    await node.logged('LOOKUP_FAILED');
    expect(node.peer({ id: nodeId(2) }).lastError).toContain('LOOKUP_FAILED');
  });
});

describe('endpoints', () => {
  test('that change close the old connection and open one at the new place', async () => {
    const [first, second] = await nodes.startPair();
    const moved = await listen(2);
    first.setEndpoints(new Map([[second.id, moved.endpoint]]));
    expect(await first.closedHint(second)).toBe(false);
    const closedAt = first.events.items.findIndex(({ kind }) => kind === 'closed');
    await first.opened(second, closedAt);
    await moved.accepted.first(() => true);
  });

  test('that stay the same leave the connection alone', async () => {
    const [first, second] = await nodes.startPair();
    first.know(second);
    first.send(second, fetchRequest(1));
    await second.messages(1);
    expect(first.peer(second)).toMatchObject({ connectionsOpened: 2, connected: true });
  });

  test('that go away leave the connection that the peer has dialled', async () => {
    const [first, second] = await nodes.startPair();
    first.setEndpoints(new Map());
    expect(await first.closedHint(second)).toBe(false);
    const closedAt = first.events.items.findIndex(({ kind }) => kind === 'closed');
    await first.opened(second, closedAt);
    first.send(second, fetchRequest(1));
    expect((await second.messages(1)).map(fetchIdOf)).toEqual([1]);
  });

  test('may name the node itself, which is not dialled', async () => {
    const node = await nodes.start({ id: 1 });
    node.know(node);
    expect(node.transport.stats().peers).toEqual([]);
  });

  test('known before the start are dialled after it', async () => {
    const second = await nodes.start({ id: 2 });
    const first = nodes.make({ id: 1 });
    first.know(second);
    expect(await first.start()).toBe(null);
    await first.opened(second);
  });
});

test('openings and closings of one peer alternate, whatever happens to its connections', async () => {
  const listener = await listen(2);
  const node = await nodes.start({ id: 1, limits: { reconnectBackoffMs: 1, reconnectBackoffMaxMs: 2 } });
  const raw = { id: nodeId(2) };
  node.setEndpoints(new Map([[raw.id, listener.endpoint]]));
  for (let round = 1; round <= 20; round++) {
    const accepted = await listener.accepted.count(round);
    accepted.at(-1)?.socket.destroy();
    if (round === 10) node.setEndpoints(new Map());
    if (round === 10) node.setEndpoints(new Map([[raw.id, listener.endpoint]]));
    await node.events.count(round, ({ kind }) => kind === 'closed');
  }
  const kinds = node.events.items.map(({ kind }) => kind);
  kinds.forEach((kind, index) => expect(kind).toBe(index % 2 === 0 ? 'opened' : 'closed'));
});
