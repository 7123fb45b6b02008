import { afterAll, afterEach, expect, test } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import type { Clock, Timer } from '../../src/ports/clock.ts';
import { CertificateFolder, createAuthority } from './support/certificates.ts';
import { fetchRequest, fetchResponse } from './support/messages.ts';
import { RawListener, RawPeer } from './support/raw-peer.ts';
import { systemClock } from './support/system-clock.ts';
import { TestNodes } from './support/test-node.ts';

const nodes = new TestNodes();
const folder = new CertificateFolder();
afterEach(() => nodes.closeAll());
afterAll(() => folder.remove());

/** What keeps the process alive, by kind; timers are counted apart, because the test runner has its own. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCP|TLS|GetAddrInfo/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** The real clock, which knows how many of its timers are still to come. */
class CountingClock implements Clock {
  readonly #pending = new Set<symbol>();

  get pending(): number {
    return this.#pending.size;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  afterPendingEvents(callback: () => void): void {
    systemClock.afterPendingEvents(callback);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const id = Symbol('timer');
    this.#pending.add(id);
    const timer = systemClock.setTimer(delayMs, () => {
      this.#pending.delete(id);
      callback();
    });
    return {
      cancel: () => {
        this.#pending.delete(id);
        timer.cancel();
      },
    };
  }
}

/** A turn of the event loop, in which what was closed disappears. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

test('closing leaves no socket, no listener and no timer, whatever was under way', async () => {
  await turn();
  const before = handles();
  const clock = new CountingClock();
  const first = await nodes.start({ id: 1, clock });
  const second = await nodes.start({ id: 2, clock });
  first.know(second);
  second.know(first);
  await first.opened(second);
  const stranger = RawPeer.dial(first.endpoint);
  const slow = await RawListener.listen(3, (peer) => peer.socket.pause());
  const vacant = await RawListener.listen(4);
  const vacantEndpoint = vacant.endpoint;
  await vacant.close();
  first.setEndpoints(
    new Map([
      [second.id, second.endpoint],
      [nodeId(3), slow.endpoint],
      [nodeId(4), vacantEndpoint],
    ]),
  );
  await first.opened({ id: nodeId(3) });
  await first.logged('CONNECTION_REFUSED');
  const large = fetchResponse(1, [new Uint8Array(1_000_000)]);
  for (let id = 0; id < 30; id++) first.send({ id: nodeId(3) }, large);
  const refused = RawPeer.dial(first.endpoint);
  refused.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await refused.refusal();
  await first.close();
  await second.close();
  await stranger.closed();
  await refused.closed();
  await slow.close();
  await turn();
  expect(handles()).toEqual(before);
  expect(clock.pending).toBe(0);
});

test('closing with TLS leaves nothing either', async () => {
  await turn();
  const before = handles();
  const clock = new CountingClock();
  const tls = folder.write('node', createAuthority('the cluster'), { hosts: ['127.0.0.1'] });
  const first = await nodes.start({ id: 1, tls, clock });
  const second = await nodes.start({ id: 2, tls, clock });
  first.know(second);
  second.know(first);
  await first.opened(second);
  await second.opened(first);
  const silent = RawPeer.dial(first.endpoint);
  const refused = RawPeer.dial(first.endpoint);
  refused.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await refused.closed();
  await Promise.all([first.close(), second.close()]);
  await silent.closed();
  await turn();
  expect(handles()).toEqual(before);
  expect(clock.pending).toBe(0);
});

test('closing before the start, during it and after a failed one completes', async () => {
  await turn();
  const before = handles();
  await nodes.make({ id: 1 }).close();
  for (const host of ['127.0.0.1', 'localhost']) {
    const starting = nodes.make({ id: 2, listen: { host, port: 0 } });
    const started = starting.start();
    await starting.close();
    expect(await started).toMatchObject({ code: 'CLOSED' });
  }
  const tls = folder.write('starting', createAuthority('the cluster'), { hosts: ['127.0.0.1'] });
  const reading = nodes.make({ id: 3, tls });
  const read = reading.start();
  await reading.close();
  expect(await read).toMatchObject({ code: 'CLOSED' });
  const failed = nodes.make({ id: 4, listen: { host: '0.0.0.0', port: 0 } });
  expect(await failed.start()).toMatchObject({ code: 'INSECURE_LISTENER' });
  await failed.close();
  await turn();
  expect(handles()).toEqual(before);
});

test('nothing is said after close was called', async () => {
  const [first, second] = await nodes.startPair();
  const said = first.events.items.length;
  second.send(first, fetchRequest(1));
  first.send(second, fetchRequest(2));
  await first.close();
  first.transport.send(second.id, fetchRequest(3));
  await turn();
  expect(first.events.items.length).toBe(said);
});
