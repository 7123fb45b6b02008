import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { failed, ok } from '../../src/base/result.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { Certificates, type PeerCertificates } from '../../src/server/certificates.ts';
import { readTls } from '../../src/server/tls-files.ts';
import { serve } from '../http/serve.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';

const authority = createAuthority('the authority');
const first = issue(authority, { hosts: ['first'] });
const second = issue(authority, { hosts: ['second'] });

type Pair = { readonly certificate: string; readonly key: string };

/** A server with the first certificate, and what may replace it. */
async function serveFiles(pollMs: number, peers: PeerCertificates = willing) {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-certificates-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const certificateFile = join(directory, 'certificate.pem');
  const keyFile = join(directory, 'key.pem');
  const write = ({ certificate, key }: Partial<Pair>): void => {
    if (certificate !== undefined) writeFileSync(certificateFile, certificate);
    if (key !== undefined) writeFileSync(keyFile, key);
  };
  write(first);
  const tls = { certificateFile, keyFile, authorityFile: null, requireClientCertificate: false };
  const read = await readTls(tls);
  assert(read.ok && read.value !== null, 'the first certificate is one');
  const { server, url } = await serve({ tls: read.value });
  const events: string[] = [];
  const note = (event: string): void => void events.push(event);
  const logger: Logger = { info: note, warn: note, error: note };
  const certificates = new Certificates({
    tls,
    hasCertificateRoles: false,
    http: server,
    peers,
    logger,
    pollMs,
  });
  await certificates.start();
  onTestFinished(() => certificates.stop());
  return { certificates, write, url, events };
}

const willing: PeerCertificates = { reloadCertificates: (complete) => complete(ok(null)) };

/** Which name the server shows at a new connection. */
async function shownName(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  const { subjectaltname } = socket.getPeerCertificate();
  socket.destroy();
  return subjectaltname ?? '';
}

const long = 3_600_000;

describe('certificates of a server that runs', () => {
  it('are replaced on request, for new connections', async () => {
    const { certificates, write, url } = await serveFiles(long);
    expect(await shownName(url)).toBe('DNS:first');
    write(second);
    expect(await shownName(url)).toBe('DNS:first');
    expect(await certificates.reload()).toEqual({ ok: true, value: null });
    expect(await shownName(url)).toBe('DNS:second');
  });

  it('are replaced by themselves once both of their files have been', async () => {
    const { write, url, events } = await serveFiles(10);
    write({ certificate: second.certificate });
    await expect.poll(() => events).toContain('certificates-not-reloaded');
    expect(await shownName(url)).toBe('DNS:first');
    write({ key: second.key });
    await expect.poll(() => shownName(url)).toBe('DNS:second');
    expect(events).toContain('certificates-reloaded');
  });

  it('stay where the new ones cannot be used, and the reason is told', async () => {
    const { certificates, write, url, events } = await serveFiles(long);
    write({ certificate: 'nonsense' });
    expect(await certificates.reload()).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('certificate.pem holds no PEM certificate') },
    });
    expect(events).toEqual(['certificates-not-reloaded']);
    expect(await shownName(url)).toBe('DNS:first');
  });

  it('stay for clients, too, where peers could not take them', async () => {
    const unwilling: PeerCertificates = {
      reloadCertificates: (complete) => complete(failed({ message: 'it names another node' })),
    };
    const { certificates, write, url } = await serveFiles(long, unwilling);
    write(second);
    expect(await certificates.reload()).toEqual({ ok: false, error: { message: 'it names another node' } });
    expect(await shownName(url)).toBe('DNS:first');
  });
});
