import { writeFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { TlsFiles } from '../../src/transport/tls.ts';
import { frameTypes } from '../../src/transport/frame.ts';
import { CertificateFolder, createAuthority } from './support/certificates.ts';
import { fetchIdOf, fetchRequest, fetchResponse } from './support/messages.ts';
import { RawPeer } from './support/raw-peer.ts';
import { type TestNode, TestNodes } from './support/test-node.ts';

const folder = new CertificateFolder();
const authority = createAuthority('the cluster');
const stranger = createAuthority('another cluster');
const nodes = new TestNodes();
afterEach(() => nodes.closeAll());
afterAll(() => folder.remove());

const local = ['127.0.0.1'];

async function startWith(first: TlsFiles, second: TlsFiles): Promise<readonly [TestNode, TestNode]> {
  const pair = [await nodes.start({ id: 1, tls: first }), await nodes.start({ id: 2, tls: second })] as const;
  pair[0].know(pair[1]);
  return pair;
}

async function expectExchange(first: TestNode, second: TestNode): Promise<void> {
  await first.opened(second);
  await second.opened(first);
  first.send(second, fetchRequest(1), fetchResponse(2, [new Uint8Array(900_000)]), fetchRequest(3));
  second.send(first, fetchRequest(4));
  expect((await second.messages(3)).map(fetchIdOf)).toEqual([1, 2, 3]);
  expect((await first.messages(1)).map(fetchIdOf)).toEqual([4]);
}

/** Waits until the dialler has refused the listener's certificate and the listener has noticed. */
async function refusalOfListener(first: TestNode, second: TestNode): Promise<unknown> {
  const line = await first.logged('TLS_ERROR');
  await second.log.first(({ event }) => event === 'peer-handshake-failed');
  expect([...first.events.items, ...second.events.items]).toEqual([]);
  return line.fields['message'];
}

describe('with mutual TLS', () => {
  const good = folder.write('good', authority, { hosts: local });

  test('nodes with certificates of the same authority talk', async () => {
    const [first, second] = await startWith(good, folder.write('other', authority, { hosts: local }));
    second.know(first);
    await expectExchange(first, second);
    expect(first.peer(second)).toMatchObject({ connected: true, accepted: true });
  });

  test('a dialler with a certificate of another authority is refused', async () => {
    const bad = folder.write('strange-dialler', stranger, { hosts: local, trusted: authority });
    const [first, second] = await startWith(bad, good);
    const line = await first.logged('REFUSED_BY_PEER');
    expect(line.fields['message']).toContain('UNTRUSTED_CERTIFICATE');
    await second.logged('UNTRUSTED_CERTIFICATE');
    expect([...first.events.items, ...second.events.items]).toEqual([]);
  });

  test('a listener with a certificate of another authority is refused', async () => {
    const bad = folder.write('strange-listener', stranger, { hosts: local, trusted: authority });
    expect(await refusalOfListener(...(await startWith(good, bad)))).toContain('unable to verify');
  });

  test('an expired certificate is refused', async () => {
    const bad = folder.write('expired', authority, {
      hosts: local,
      notAfter: new Date('2021-01-01T00:00:00Z'),
    });
    expect(await refusalOfListener(...(await startWith(good, bad)))).toContain('expired');
  });

  test('a certificate for another host is refused', async () => {
    const bad = folder.write('elsewhere', authority, { hosts: ['10.1.2.3', 'controller.example'] });
    expect(await refusalOfListener(...(await startWith(good, bad)))).toContain('does not match');
  });

  test("a certificate is held against the host's name and not against the address behind it", async () => {
    const named = folder.write('named', authority, { hosts: ['controller-2.example'] });
    const lookUp = (_host: string, complete: (addresses: readonly string[]) => void): void =>
      void setImmediate(complete, ['127.0.0.1']);
    const second = await nodes.start({ id: 2, tls: named });
    const first = await nodes.start({ id: 1, tls: good, lookUp });
    const { port } = second.endpoint;
    first.setEndpoints(new Map([[second.id, { host: 'controller-3.example', port }]]));
    await first.logged('TLS_ERROR');
    expect(first.events.items).toEqual([]);
    first.setEndpoints(new Map([[second.id, { host: 'controller-2.example', port }]]));
    await first.opened(second);
  });

  test('a dialler without a certificate is refused, and so is one without TLS', async () => {
    const node = await nodes.start({ id: 1, tls: good });
    const bare = new RawPeer(connectTls({ ...node.endpoint, rejectUnauthorized: false }));
    bare.hello({ id: 9, target: 1 });
    expect(await bare.refusal()).toBe('UNTRUSTED_CERTIFICATE');
    await bare.closed();
    expect(bare.frames.items.map(({ type }) => type)).toEqual([frameTypes.refuse, 'closed']);
    const plain = await nodes.start({ id: 2 });
    plain.know(node);
    await node.log.count(2, ({ event }) => event === 'peer-handshake-failed');
    expect(node.events.items).toEqual([]);
  });

  test('one that says nothing within TLS is cut off', async () => {
    const node = await nodes.start({ id: 1, tls: good, limits: { handshakeTimeoutMs: 50 } });
    const silent = RawPeer.dial(node.endpoint);
    await silent.closed();
    await node.logged('HANDSHAKE_TIMEOUT');
    expect(node.transport.stats().refusedHandshakes).toBe(1);
  });

  test('certificates are read again on demand, for new connections in both roles', async () => {
    const firstFiles = folder.write('rotating-1', stranger, { hosts: local });
    const secondFiles = folder.write('rotating-2', authority, { hosts: local });
    const [first, second] = await startWith(firstFiles, secondFiles);
    await first.logged('TLS_ERROR');
    folder.write('rotating-1', authority, { hosts: local });
    const reloaded = await new Promise((resolve) => first.transport.reloadCertificates(resolve));
    expect(reloaded).toEqual({ ok: true, value: null });
    second.know(first);
    await expectExchange(first, second);
  });

  test('a failed reload says why and leaves the old certificates in use', async () => {
    const files = folder.write('breaking', authority, { hosts: local });
    const [first, second] = await startWith(files, good);
    await first.opened(second);
    writeFileSync(files.keyFile, 'not a key');
    const reloaded = await new Promise((resolve) => first.transport.reloadCertificates(resolve));
    expect(reloaded).toMatchObject({ ok: false, error: { code: 'TLS_CONFIGURATION' } });
    second.know(first);
    await second.opened(first);
  });
});

describe('with TLS that is not mutual', () => {
  test('a dialler needs no certificate, and a listener does', async () => {
    const files = folder.write('server-only', authority, { hosts: local, mutual: false });
    const [first, second] = await startWith(files, files);
    second.know(first);
    await expectExchange(first, second);
    const strange = folder.write('strange-server', stranger, { hosts: local, mutual: false });
    const third = await nodes.start({ id: 3, tls: strange });
    first.know(second, third);
    expect((await first.logged('TLS_ERROR')).fields['peer']).toBe(3);
  });
});

describe('a start', () => {
  test('without TLS is refused on an address that others can reach, unless that is asked for', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'controller.example']) {
      const node = nodes.make({ id: 1, listen: { host, port: 0 } });
      expect(await node.start()).toMatchObject({ code: 'INSECURE_LISTENER' });
    }
    const insecure = nodes.make({ id: 1, listen: { host: '0.0.0.0', port: 0 }, insecure: true });
    expect(await insecure.start()).toBe(null);
    await insecure.close();
    const secure = nodes.make({
      id: 1,
      listen: { host: '0.0.0.0', port: 0 },
      tls: folder.write('any', authority, { hosts: local }),
    });
    expect(await secure.start()).toBe(null);
    await secure.close();
  });

  test('with a missing file, or one that is not PEM, fails and names the cause', async () => {
    const files = folder.write('broken', authority, { hosts: local });
    const missing = nodes.make({ id: 1, tls: { ...files, keyFile: `${files.keyFile}.missing` } });
    expect(await missing.start()).toMatchObject({
      code: 'TLS_CONFIGURATION',
      message: expect.stringContaining('.missing'),
    });
    const swapped = nodes.make({ id: 1, tls: { ...files, certificateFile: files.keyFile } });
    expect(await swapped.start()).toMatchObject({ code: 'TLS_CONFIGURATION' });
  });

  test('at a port that is taken, or an address that is not here, fails by name', async () => {
    const node = await nodes.start({ id: 1 });
    expect(await nodes.make({ id: 2, listen: node.endpoint }).start()).toMatchObject({
      code: 'ADDRESS_IN_USE',
    });
    const elsewhere = nodes.make({ id: 3, listen: { host: '192.0.2.1', port: 0 }, insecure: true });
    expect(await elsewhere.start()).toMatchObject({ code: 'LISTEN_FAILED' });
  });
});
