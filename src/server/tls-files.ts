import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { failed, ok, type Result } from '../base/result.ts';
import type { TlsMaterial } from '../http/index.ts';
import type { ServerStartError, ServerTls } from '../runtime/server-config.ts';

/** What HTTP needs of the TLS files, which peers read by themselves; each fault is told with its file's name. */
export async function readTls(
  tls: ServerTls | null,
  hasCertificateRoles = false,
): Promise<Result<TlsMaterial | null, ServerStartError>> {
  if (tls === null) return ok(null);
  try {
    const [certificate, key] = await Promise.all([
      readFile(tls.certificateFile, 'utf8'),
      readFile(tls.keyFile, 'utf8'),
    ]);
    const isAsked = (tls.requireClientCertificate || hasCertificateRoles) && tls.authorityFile !== null;
    const clientAuthority =
      isAsked && tls.authorityFile !== null ? await readFile(tls.authorityFile, 'utf8') : null;
    const fault = findFault(tls, certificate, key);
    if (fault !== null) return invalid(fault);
    return ok({ certificate, key, clientAuthority, requiresCertificate: tls.requireClientCertificate });
  } catch (error) {
    return invalid(`The TLS files cannot be read: ${messageOf(error)}`);
  }
}

/** What OpenSSL would say in words of its own, and without the names of the files. */
function findFault(
  { certificateFile, keyFile }: ServerTls,
  certificatePem: string,
  keyPem: string,
): string | null {
  const certificate = parsed(() => new X509Certificate(certificatePem));
  if (!certificate.ok) return `${certificateFile} holds no PEM certificate: ${certificate.error}.`;
  const key = parsed<KeyObject>(() => createPrivateKey(keyPem));
  if (!key.ok) return `${keyFile} holds no PEM key that can be used: ${key.error}.`;
  if (certificate.value.checkPrivateKey(key.value)) return null;
  return `The key ${keyFile} is not that of the certificate ${certificateFile}.`;
}

function parsed<Value>(parse: () => Value): Result<Value, string> {
  try {
    return ok(parse());
  } catch (error) {
    return failed(messageOf(error));
  }
}

function invalid(message: string): Result<never, ServerStartError> {
  return failed({ code: 'INVALID_TLS', message });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
