import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import type { TlsFiles } from '../../src/transport/tls.ts';
import { nodeNamesOf } from '../../src/transport/node-names.ts';
import { CertificateFolder, createAuthority, issue } from './support/certificates.ts';
import { clusterId, fetchIdOf, fetchRequest } from './support/messages.ts';
import { RawListener, RawPeer } from './support/raw-peer.ts';
import { type TestNode, TestNodes } from './support/test-node.ts';

const folder = new CertificateFolder();
const authority = createAuthority('the cluster');
const nodes = new TestNodes();
afterEach(() => nodes.closeAll());
afterAll(() => folder.remove());

const hosts = ['127.0.0.1'];
let written = 0;

function filesFor(...uris: readonly string[]): TlsFiles {
  written += 1;
  return folder.write(`certificate-${written}`, authority, { hosts, uris });
}

/** Nodes 1 and 2 with these certificates, of which the first dials the second. */
async function startPair(first: TlsFiles, second: TlsFiles): Promise<readonly [TestNode, TestNode]> {
  const pair = [await nodes.start({ id: 1, tls: first }), await nodes.start({ id: 2, tls: second })] as const;
  pair[0].know(pair[1]);
  return pair;
}

/** The numbers of the fetches that arrive at the second. */
async function exchange([first, second]: readonly [TestNode, TestNode]): Promise<readonly (number | null)[]> {
  await first.opened(second);
  first.send(second, fetchRequest(1));
  return (await second.messages(1)).map(fetchIdOf);
}

/** Someone with a certificate of the cluster's authority who says that it is node `id`. */
function claim(node: TestNode, id: number, uris: readonly string[]): RawPeer {
  const { certificate, key } = issue(authority, { hosts: ['somebody'], uris });
  const options = { cert: certificate, key, ca: authority.certificate, rejectUnauthorized: false };
  const peer = new RawPeer(connectTls({ ...node.endpoint, ...options }));
  peer.hello({ id, target: node.id });
  return peer;
}

describe('a certificate that names nodes', () => {
  test.each([
    ['of any cluster', 'ottla://any/node/1', 'ottla://any/node/2'],
    ['of this cluster', `ottla://${clusterId}/node/1`, `ottla://${clusterId}/node/2`],
  ])('lets the nodes %s that it names talk', async (_which, first, second) => {
    expect(await exchange(await startPair(filesFor(first), filesFor(second)))).toEqual([1]);
  });

  test('may name several', async () => {
    const shared = filesFor('ottla://any/node/1', 'ottla://any/node/2');
    expect(await exchange(await startPair(shared, shared))).toEqual([1]);
  });

  test.each([
    ['another node', ['ottla://any/node/3']],
    ['a node of another cluster', ['ottla://AAAAAAAAAAAAAAAAAAAAAw/node/2']],
    ['a node whose id begins alike', ['ottla://any/node/22']],
    ['nobody, by a misspelt name', ['ottla://any/nodes/2']],
    ['nobody, in another case', ['OTTLA://any/node/2']],
    ['no node', []],
    ['no node, by a name of another scheme', ['spiffe://any/node/2']],
  ])('lets nobody claim to be one that it does not name: it names %s', async (_what, uris) => {
    const node = await nodes.start({ id: 1, tls: filesFor('ottla://any/node/1') });
    const liar = claim(node, 2, uris);
    expect(await liar.refusal()).toBe('WRONG_CERTIFICATE');
    await liar.closed();
    expect(node.events.items).toEqual([]);
    const line = await node.logged('WRONG_CERTIFICATE');
    expect(line.fields['message']).toContain('node 2 shows a certificate that names');
  });

  test('is held against its holder by a node whose own names none', async () => {
    const node = await nodes.start({ id: 1, tls: filesFor() });
    expect(await claim(node, 2, ['ottla://any/node/3']).refusal()).toBe('WRONG_CERTIFICATE');
    await claim(node, 3, ['ottla://any/node/3']).welcomed();
  });

  test.each([
    ['another node', ['ottla://any/node/3']],
    ['no node', []],
  ])('is demanded of the one that was dialled, too: it names %s', async (_what, uris) => {
    const node = await nodes.start({ id: 1, tls: filesFor('ottla://any/node/1') });
    const { certificate, key } = issue(authority, { hosts, uris });
    const liar = await RawListener.listenTls(2, { cert: certificate, key });
    onTestFinished(() => liar.close());
    node.setEndpoints(new Map([[nodeId(2), liar.endpoint]]));
    const line = await node.logged('WRONG_CERTIFICATE');
    expect(line.fields['peer']).toBe(2);
    expect(node.events.items).toEqual([]);
  });

  test('is not needed where neither side’s names any', async () => {
    const pair = await startPair(filesFor(), filesFor());
    expect(await exchange(pair)).toEqual([1]);
    const told = pair.map(({ log }) => log.items.map(({ event }) => event));
    for (const events of told) expect(events).toContain('peer-certificate-names-no-node');
  });

  test('is checked by the node itself, at its start and when it is read again', async () => {
    const wrong = nodes.make({ id: 1, tls: filesFor('ottla://any/node/2') });
    expect(await wrong.start()).toMatchObject({
      code: 'TLS_CONFIGURATION',
      message: 'the certificate names ottla://any/node/2, and this is node 1',
    });
    const files = filesFor('ottla://any/node/1');
    const node = await nodes.start({ id: 1, tls: files });
    folder.write(`certificate-${written}`, authority, { hosts, uris: ['ottla://any/node/7'] });
    const reloaded = await new Promise((resolve) => node.transport.reloadCertificates(resolve));
    expect(reloaded).toMatchObject({ ok: false, error: { code: 'TLS_CONFIGURATION' } });
    await claim(node, 2, ['ottla://any/node/2']).welcomed();
  });

  test('of a cluster serves before the cluster is known', async () => {
    const uri = (id: number): TlsFiles => filesFor(`ottla://${clusterId}/node/${id}`);
    const first = await nodes.start({ id: 1, tls: uri(1), clusterId: null });
    const second = await nodes.start({ id: 2, tls: uri(2), clusterId: null });
    first.know(second);
    await first.opened(second);
    expect(first.peer(second).connected).toBe(true);
  });
});

describe('names in a certificate', () => {
  const namesIn = (names: readonly string[], uris: readonly string[]): readonly string[] =>
    nodeNamesOf(new X509Certificate(issue(authority, { hosts: names, uris }).certificate));

  test('are those of its URIs that have the scheme, in their order', () => {
    const uris = ['ottla://any/node/1', 'https://example.org/', 'ottla://any/node/2'];
    expect(namesIn(['a.example', '10.0.0.1'], uris)).toEqual(['ottla://any/node/1', 'ottla://any/node/2']);
    expect(namesIn(['a.example'], [])).toEqual([]);
    expect(nodeNamesOf(undefined)).toEqual([]);
  });

  test('are not found within a host name or within another URI', () => {
    const smuggled = 'x, URI:ottla://any/node/1';
    expect(namesIn([smuggled], [])).toEqual([]);
    expect(namesIn([`x", URI:ottla://any/node/1, DNS:"`], [])).toEqual([]);
    expect(namesIn([], [`https://${smuggled}`])).toEqual([]);
  });
});
