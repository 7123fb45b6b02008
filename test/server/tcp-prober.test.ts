import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openProbePort } from '../../src/client/probe-port.ts';
import type { ProbeEvent } from '../../src/ports/prober.ts';
import { tcpProber } from '../../src/server/tcp-prober.ts';

/** What is told of one connection, in order. */
function connect(port: number) {
  const events: ProbeEvent[] = [];
  const waiting: (() => void)[] = [];
  const probe = tcpProber.connect({ host: '127.0.0.1', port }, (event) => {
    events.push(event);
    for (const wake of waiting.splice(0)) wake();
  });
  const next = (): Promise<void> => new Promise((resolve) => void waiting.push(resolve));
  return { events, next, probe };
}

async function openPort() {
  const opened = await openProbePort();
  if (opened === null) throw new Error('there is no free port');
  return opened;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a probe over TCP', () => {
  it('tells that the port is there, and when whoever held it has gone', async () => {
    const held = await openPort();
    const connection = connect(held.port);
    await connection.next();
    expect(connection.events).toEqual(['opened']);
    held.close();
    await connection.next();
    expect(connection.events).toEqual(['opened', 'closed']);
    const again = connect(held.port);
    await again.next();
    expect(again.events).toEqual(['refused']);
  });

  it('tells that nobody listens', async () => {
    const connection = connect(await freePort());
    await connection.next();
    expect(connection.events).toEqual(['refused']);
  });

  it('tells nothing of one that was given up', async () => {
    const held = await openPort();
    const given = connect(held.port);
    given.probe.close();
    const kept = connect(held.port);
    await kept.next();
    held.close();
    await kept.next();
    expect(given.events).toEqual([]);
  });
});
