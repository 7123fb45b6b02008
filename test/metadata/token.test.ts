import { describe, expect, it } from 'vitest';
import { limits } from '../../src/metadata/limits.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { hasAdministrator, tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { TestCluster } from './cluster.ts';

const hashOf = (secret: number): string => Buffer.alloc(32, secret).toString('hex');
const idOf = (secret: number): string => tokenIdOf(Buffer.alloc(32, secret));
const tokenOf = (secret: number, more: object = {}) => ({
  body: { name: 'operations', role: 'operator', secretHash: hashOf(secret), ...more },
});

describe('a token', () => {
  it('has an id that follows from its secret, and shows nothing that could stand in for it', () => {
    const cluster = new TestCluster();
    const created = cluster.ok('createToken', tokenOf(200));
    expect(created).toEqual({
      tokenId: idOf(200),
      name: 'operations',
      role: 'operator',
      brokerId: null,
      expiresMs: null,
    });
    expect(created.tokenId.startsWith('-')).toBe(false);
    const { tokens } = cluster.ok('listTokens', {});
    expect(tokens).toEqual([{ ...created, createdMs: cluster.timestampMs, lastModified: 1 }]);
    expect(cluster.ok('describeToken', { params: { tokenId: created.tokenId } })).toEqual(tokens[0]);
    expect(JSON.stringify(tokens)).not.toContain(hashOf(200));
  });

  it('is made once however often it is asked for', () => {
    const cluster = new TestCluster();
    const first = cluster.ok('createToken', tokenOf(1, { lifetimeMs: 5_000 }));
    const end = cluster.image.endOffset;
    cluster.timestampMs += 1_000;
    expect(cluster.ok('createToken', tokenOf(1, { lifetimeMs: 5_000 }))).toEqual(first);
    expect(cluster.image.endOffset).toBe(end);
  });

  it('shares its name with others of the same principal only', () => {
    const cluster = new TestCluster();
    cluster.ok('createToken', tokenOf(1));
    cluster.ok('createToken', tokenOf(2));
    expect(cluster.code('createToken', tokenOf(3, { role: 'reader' }))).toBe('TOKEN_CONFLICT');
    expect(cluster.code('createToken', tokenOf(1, { name: 'another' }))).toBe('TOKEN_CONFLICT');
    const ofBroker = { name: 'broker-4', role: 'broker', brokerId: 4 };
    cluster.ok('createToken', tokenOf(4, ofBroker));
    expect(cluster.code('createToken', tokenOf(5, { ...ofBroker, brokerId: 5 }))).toBe('TOKEN_CONFLICT');
  });

  it('is bound to a broker id exactly when it is a broker’s', () => {
    const cluster = new TestCluster();
    expect(cluster.code('createToken', tokenOf(1, { role: 'broker' }))).toBe('INVALID_REQUEST');
    expect(cluster.code('createToken', tokenOf(1, { brokerId: 1 }))).toBe('INVALID_REQUEST');
  });

  it('has the name of the controllers’ own administrator only with that role', () => {
    const cluster = new TestCluster();
    expect(cluster.code('createToken', tokenOf(1, { name: 'administrator' }))).toBe('INVALID_REQUEST');
  });

  it('is revoked once', () => {
    const cluster = new TestCluster();
    const { tokenId } = cluster.ok('createToken', tokenOf(1));
    expect(cluster.ok('revokeToken', { params: { tokenId } })).toEqual({ tokenId, name: 'operations' });
    expect(cluster.code('revokeToken', { params: { tokenId } })).toBe('UNKNOWN_TOKEN_ID');
    expect(cluster.code('describeToken', { params: { tokenId } })).toBe('UNKNOWN_TOKEN_ID');
    expect(cluster.ok('listTokens', {}).tokens).toEqual([]);
  });

  it('says from when on it is not honoured, and the same whenever it is asked', () => {
    const cluster = new TestCluster();
    const { tokenId, expiresMs } = cluster.ok('createToken', tokenOf(1, { lifetimeMs: 5_000 }));
    expect(expiresMs).toBe(cluster.timestampMs + 5_000);
    const before = cluster.ok('describeToken', { params: { tokenId } });
    expect(before).toMatchObject({ expiresMs });
    cluster.timestampMs += 10_000;
    expect(cluster.ok('describeToken', { params: { tokenId } })).toEqual(before);
  });

  it('is listed page by page, by id', () => {
    const cluster = new TestCluster();
    for (let secret = 0; secret < 5; secret++) cluster.ok('createToken', tokenOf(secret));
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const query: object = next === '' ? { limit: 2 } : { limit: 2, continue: next };
      const page: { tokens: readonly { tokenId: string }[]; continue: string | null } = cluster.ok(
        'listTokens',
        { query },
      );
      seen.push(...page.tokens.map((token) => token.tokenId));
      next = page.continue;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4].map(idOf).sort());
    expect(cluster.code('listTokens', { query: { continue: 'nonsense' } })).toBe('INVALID_REQUEST');
  });

  it('is refused when there are as many as can be kept', () => {
    const cluster = new TestCluster();
    const { secretHash } = tokenOf(0).body;
    const records = Array.from({ length: limits.tokensMax }, (_, at): MetadataRecord => {
      const bytes = Buffer.from(secretHash, 'hex');
      bytes.writeUInt32BE(at + 1);
      const times = { createdMs: 0, expiresMs: -1 };
      const whose = { name: 'many', role: 'reader', brokerId: -1 };
      return { type: 'TokenRecord', tokenId: tokenIdOf(bytes), ...whose, secretHash: bytes, ...times };
    });
    cluster.append(records);
    expect(cluster.code('createToken', tokenOf(1))).toBe('TOKEN_TABLE_FULL');
    cluster.ok('createToken', tokenOf(2, { name: 'root', role: 'administrator' }));
  });
});

describe('a cluster', () => {
  it('has an administrator while a token of that role is honoured', () => {
    const cluster = new TestCluster();
    const has = (): boolean => hasAdministrator(cluster.image, cluster.timestampMs);
    expect(has()).toBe(false);
    cluster.ok('createToken', tokenOf(1));
    expect(has()).toBe(false);
    const root = { name: 'root', role: 'administrator' };
    const { tokenId } = cluster.ok('createToken', tokenOf(2, { ...root, lifetimeMs: 1_000 }));
    expect(has()).toBe(true);
    cluster.timestampMs += 1_000;
    expect(has()).toBe(false);
    cluster.ok('createToken', tokenOf(3, root));
    expect(has()).toBe(true);
    cluster.ok('revokeToken', { params: { tokenId } });
    expect(has()).toBe(true);
  });
});
