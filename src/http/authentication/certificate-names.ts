import type { TLSSocket } from 'node:tls';

/** The names of a certificate that was verified, in the order in which they are looked for; empty without one. */
export function certificateNames(socket: TLSSocket): readonly string[] {
  if (!socket.authorized) return [];
  const commonName: unknown = socket.getPeerCertificate().subject?.CN;
  const alternatives = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  const names = typeof commonName === 'string' && commonName !== '' ? [`CN:${commonName}`] : [];
  // What could pass for more than one name stands in quotes in Node's list, and is none that can be configured.
  for (const [, kind = '', value = ''] of alternatives.matchAll(alternativeName)) {
    if (!value.startsWith('"')) names.push(`${kind}:${value}`);
  }
  return names;
}

const alternativeName = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)/gy;
