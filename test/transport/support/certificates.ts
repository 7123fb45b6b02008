import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from '../../../src/transport/tls.ts';

/**
 * X.509 certificates (RFC 5280) written byte by byte, so that the tests need no tool besides Node. Keys are
 * on P-256 and signatures ECDSA with SHA-256.
 */
export type Authority = { readonly name: string; readonly key: KeyObject; readonly certificate: string };

export type IssueOptions = {
  /** Host names and IPv4 addresses that the certificate is for. */
  readonly hosts: readonly string[];
  readonly notAfter?: Date;
  /** Names of the kind URI. */
  readonly uris?: readonly string[];
};

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 128) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const significant = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | significant.length), significant, content]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of others) {
    const digits = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return der(tags.oid, Buffer.from(bytes));
}

function bits(content: Uint8Array): Buffer {
  return der(tags.bits, Buffer.of(0), content);
}

function time(date: Date): Buffer {
  return der(tags.time, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`, 'latin1'));
}

function nameOf(commonName: string): Buffer {
  const attribute = der(tags.sequence, oid('2.5.4.3'), der(tags.utf8, Buffer.from(commonName)));
  return der(tags.sequence, der(tags.set, attribute));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [der(tags.boolean, Buffer.of(0xff))] : [];
  return der(tags.sequence, oid(id), ...flag, der(tags.octets, value));
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function alternativeNames(hosts: readonly string[], uris: readonly string[]): Buffer {
  const hostNames = hosts.map((host) =>
    /^[\d.]+$/.test(host)
      ? der(0x87, Buffer.from(host.split('.').map(Number)))
      : der(0x82, Buffer.from(host, 'latin1')),
  );
  const uriNames = uris.map((uri) => der(0x86, Buffer.from(uri, 'latin1')));
  return extension('2.5.29.17', false, der(tags.sequence, ...hostNames, ...uriNames));
}

type Content = {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly notAfter: Date;
  readonly extensions: readonly Uint8Array[];
};

function certify(content: Content): string {
  const algorithm = der(tags.sequence, oid('1.2.840.10045.4.3.2'));
  const body = der(
    tags.sequence,
    der(0xa0, der(tags.integer, Buffer.of(2))),
    // A leading 1 keeps the number positive.
    der(tags.integer, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    nameOf(content.issuer),
    der(tags.sequence, time(new Date('2020-01-01T00:00:00Z')), time(content.notAfter)),
    nameOf(content.subject),
    content.publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        tags.sequence,
        extension('2.5.29.14', false, der(tags.octets, keyId(content.publicKey))),
        extension(
          '2.5.29.35',
          false,
          der(tags.sequence, der(0x80, keyId(createPublicKey(content.issuerKey)))),
        ),
        ...content.extensions,
      ),
    ),
  );
  const signature = sign('sha256', body, content.issuerKey);
  const whole = der(tags.sequence, body, algorithm, bits(signature)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${whole.replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}

const farAway = new Date('2120-01-01T00:00:00Z');

export function createAuthority(name: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const basicConstraints = extension(
    '2.5.29.19',
    true,
    der(tags.sequence, der(tags.boolean, Buffer.of(0xff))),
  );
  const certificate = certify({
    subject: name,
    publicKey,
    issuer: name,
    issuerKey: privateKey,
    notAfter: farAway,
    extensions: [basicConstraints],
  });
  return { name, key: privateKey, certificate };
}

export function issue(
  authority: Authority,
  { hosts, notAfter, uris }: IssueOptions,
): { certificate: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = certify({
    subject: hosts[0] ?? 'nobody',
    publicKey,
    issuer: authority.name,
    issuerKey: authority.key,
    notAfter: notAfter ?? farAway,
    extensions: [alternativeNames(hosts, uris ?? [])],
  });
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** A folder of PEM files that is gone after the test. */
export class CertificateFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'ottla-certificates-'));

  /** Writes, or writes anew, the files of `name`: a certificate of `authority`, and trust in `trusted`. */
  write(
    name: string,
    authority: Authority,
    options: IssueOptions & { readonly mutual?: boolean; readonly trusted?: Authority },
  ): TlsFiles {
    const { certificate, key } = issue(authority, options);
    const files = {
      certificateFile: join(this.#path, `${name}.certificate.pem`),
      keyFile: join(this.#path, `${name}.key.pem`),
      authorityFile: join(this.#path, `${name}.authority.pem`),
      mutual: options.mutual ?? true,
    };
    writeFileSync(files.certificateFile, certificate);
    writeFileSync(files.keyFile, key);
    writeFileSync(files.authorityFile, (options.trusted ?? authority).certificate);
    return files;
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
