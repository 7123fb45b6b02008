import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readTls } from '../../src/server/tls-files.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';

const authority = createAuthority('the authority');
const own = issue(authority, { hosts: ['127.0.0.1'] });
const other = issue(authority, { hosts: ['127.0.0.1'] });

function files(certificate: string, key: string) {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const certificateFile = join(directory, 'certificate.pem');
  const keyFile = join(directory, 'key.pem');
  writeFileSync(certificateFile, certificate);
  writeFileSync(keyFile, key);
  return { certificateFile, keyFile, authorityFile: null, requireClientCertificate: false };
}

it('takes a certificate with its key', async () => {
  const tls = files(own.certificate, own.key);
  expect(await readTls(tls)).toEqual({
    ok: true,
    value: { ...own, clientAuthority: null, requiresCertificate: false },
  });
});

it('names both files when the key is another certificate’s', async () => {
  const tls = files(own.certificate, other.key);
  const message = `The key ${tls.keyFile} is not that of the certificate ${tls.certificateFile}.`;
  expect(await readTls(tls)).toEqual({ ok: false, error: { code: 'INVALID_TLS', message } });
});

it('names the file that is not what it should be', async () => {
  const swapped = files(own.key, own.certificate);
  expect(await readTls(swapped)).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining(`${swapped.certificateFile} holds no PEM certificate`) },
  });
  const keyless = files(own.certificate, 'nonsense');
  expect(await readTls(keyless)).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining(`${keyless.keyFile} holds no PEM key`) },
  });
});
