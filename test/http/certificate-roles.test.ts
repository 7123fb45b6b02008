import { Agent, request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { parseCertificateRole, type CertificateRole } from '../../src/runtime/certificate-role.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';
import { serve, type Served } from './serve.ts';

const authority = createAuthority('the authority');
const server = issue(authority, { hosts: ['127.0.0.1'] });
const stranger = issue(createAuthority('a stranger'), { hosts: ['operator'] });

type Pair = { readonly certificate: string; readonly key: string };

function roleOf(text: string): CertificateRole {
  const role = parseCertificateRole(text);
  if (!role.ok) throw new Error(role.error);
  return role.value;
}

/** Asks for certificates and demands none; these names have roles. */
async function serveRoles(...roles: readonly string[]): Promise<Served> {
  const tls = { ...server, clientAuthority: authority.certificate, requiresCertificate: false };
  const served = await serve({ tls, authentication: { certificateRoles: roles.map(roleOf) } });
  served.controller.answer = () => ({ response: { name: 'x', partitions: 1 } });
  return served;
}

function statusOf(
  url: string,
  shown: Pair | null,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<number> {
  const agent = new Agent({
    ca: authority.certificate,
    ...(shown === null ? {} : { cert: shown.certificate, key: shown.key }),
  });
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/topics/x`, { agent, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end();
  });
}

describe('a client certificate', () => {
  it('has the role that its name is given, and no other certificate has any', async () => {
    const { url, controller } = await serveRoles('CN:operator=operator', 'DNS:reports=reader');
    const operator = issue(authority, { hosts: ['operator'] });
    const reports = issue(authority, { hosts: ['another', 'reports'] });
    expect(await statusOf(url, operator, {}, 'DELETE')).toBe(204);
    expect(await statusOf(url, reports)).toBe(200);
    expect(await statusOf(url, reports, {}, 'DELETE')).toBe(403);
    expect(controller.requests.map(({ principal }) => principal)).toEqual([
      'User:CN=operator',
      'User:DNS=reports',
    ]);
    expect(await statusOf(url, issue(authority, { hosts: ['unheard.of'] }))).toBe(401);
    expect(await statusOf(url, null)).toBe(401);
  });

  it('of another authority is nobody’s, whatever its name', async () => {
    const { url } = await serveRoles('CN:operator=operator');
    expect(await statusOf(url, stranger)).toBe(401);
  });

  it('does not stand in for a token that was shown and is wrong', async () => {
    const { url } = await serveRoles('CN:operator=operator');
    const operator = issue(authority, { hosts: ['operator'] });
    expect(await statusOf(url, operator, { authorization: 'Bearer ottla_wrong' })).toBe(401);
  });
});

describe('what gives a certificate a role', () => {
  it('names it, and with the role broker the broker', () => {
    expect(roleOf('DNS:b1.example.org=broker:1')).toEqual({
      name: 'DNS:b1.example.org',
      role: 'broker',
      brokerId: 1,
    });
    expect(roleOf('URI:spiffe://example.org/ops=operator')).toMatchObject({
      name: 'URI:spiffe://example.org/ops',
      role: 'operator',
    });
  });

  it.each(['operator', 'CN:a=king', 'CN:a=broker', 'CN:a=reader:1', 'XX:a=reader', 'CN:a=broker:9999999999'])(
    'is refused as %s',
    (text) => {
      expect(parseCertificateRole(text)).toMatchObject({ ok: false });
    },
  );
});
