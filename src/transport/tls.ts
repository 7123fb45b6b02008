import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { failed, ok, type Result } from '../base/result.ts';
import { type NodeNames, nodeNamesOf } from './node-names.ts';

/** TLS between controllers. All files are PEM and are read again at a reload. */
export type TlsFiles = {
  /** This node's certificate, followed by intermediates if there are any. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The authorities whose certificates are trusted, and no others. */
  readonly authorityFile: string;
  /**
   * Whether a dialler must show a certificate of these authorities too. Without it anyone who reaches the
   * port may claim to be a controller, so the network must keep strangers away. With it, a certificate that
   * names nodes binds its holder to them (see `node-names.ts`).
   */
  readonly mutual: boolean;
};

/** What the files held when they were last read. */
export type TlsMaterial = {
  readonly context: SecureContext;
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly authorities: Buffer;
  readonly mutual: boolean;
  /** The nodes that this node's own certificate is for. */
  readonly names: NodeNames;
};

/** Peers are of this program's own kind, so nothing older is worth speaking. */
export const tlsVersionMin = 'TLSv1.3';

export function readTlsFiles(
  files: TlsFiles,
  complete: (result: Result<TlsMaterial, { readonly message: string }>) => void,
): void {
  const paths = [files.certificateFile, files.keyFile, files.authorityFile];
  const contents: (Buffer | undefined)[] = paths.map(() => undefined);
  let waiting = paths.length;
  let problem: string | null = null;
  paths.forEach((path, index) => {
    readFile(path, (error, content) => {
      if (error === null) contents[index] = content;
      else problem ??= error.message;
      waiting -= 1;
      if (waiting > 0) return;
      complete(problem === null ? materialOf(files.mutual, contents) : failed({ message: problem }));
    });
  });
}

function materialOf(
  mutual: boolean,
  [certificate, key, authorities]: readonly (Buffer | undefined)[],
): Result<TlsMaterial, { readonly message: string }> {
  if (certificate === undefined || key === undefined || authorities === undefined) {
    return failed({ message: 'a file is missing' });
  }
  try {
    const context = createSecureContext({
      cert: certificate,
      key,
      ca: authorities,
      minVersion: tlsVersionMin,
    });
    const names = nodeNamesOf(new X509Certificate(certificate));
    return ok({ context, certificate, key, authorities, mutual, names });
  } catch (error) {
    // OpenSSL says by an exception that a file is not PEM or that the key is another certificate's.
    return failed({ message: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * The dialler's options. The certificate is held against the name that the operator gave, and not against
 * the address that a name server made of it.
 */
export function dialOptions(material: TlsMaterial, host: string): object {
  return {
    secureContext: material.context,
    rejectUnauthorized: true,
    minVersion: tlsVersionMin,
    // Node checks the certificate against this name, and against the address where there is none: RFC 6066,
    // section 3, has no addresses here.
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
