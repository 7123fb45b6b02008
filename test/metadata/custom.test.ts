import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { defineResource, resourcesOf } from '../../src/client/index.ts';
import { createImageLoader } from '../../src/codec/image-loader.ts';
import { decodeRecords, encodeRecords } from '../../src/codec/record-value.ts';
import { imageDigest, toRecords } from '../../src/metadata/image.ts';
import { limits } from '../../src/metadata/limits.ts';
import { builtInRegistry, registryOf, registryOfEveryKind } from '../../src/metadata/registry.ts';
import { canonicalJson } from '../../src/metadata/resources/custom/canonical-json.ts';
import { featuresOfKinds, supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { type ResponseOf, TestCluster } from './cluster.ts';
import { newerQuotas, quotas } from './quotas.ts';
import { fullPages, headerOf, loadedFromPages, replayAll } from './replaying.ts';

const registry = registryOf([quotas]);

function clusterWith(level: number, known = registry): TestCluster {
  const cluster = new TestCluster(known);
  cluster.quorum = { ...cluster.quorum, supported: [...supportedFeatures, ...featuresOfKinds(known)] };
  if (level > 0) cluster.append([{ type: 'FeatureLevelRecord', name: 'kind.quota', featureLevel: level }]);
  return cluster;
}

const put = (key: string, value: unknown, version?: number) => ({
  params: { kind: 'quota', key },
  body: version === undefined ? { value } : { value, version },
});
const at = (key: string) => ({ params: { kind: 'quota', key } });
const quota = (bytesPerSecond: number) => ({ bytesPerSecond });

describe('a kind of a user’s own', () => {
  it('holds values under keys, each with the offset that wrote it', () => {
    const cluster = clusterWith(1);
    const { lastModified } = cluster.ok('putResource', put('alice', quota(5)));
    expect(cluster.ok('describeResource', at('alice'))).toEqual({
      key: 'alice',
      value: quota(5),
      version: 1,
      lastModified,
    });
    cluster.ok('putResource', put('bob', quota(7)));
    expect(resourcesOf(cluster.image, quotas).get('bob')?.value.bytesPerSecond).toBe(7);
    expect(Array.from(resourcesOf(cluster.image, quotas).values(), ({ key }) => key)).toEqual([
      'alice',
      'bob',
    ]);
    cluster.ok('deleteResource', at('alice'));
    expect(cluster.code('describeResource', at('alice'))).toBe('UNKNOWN_RESOURCE_KEY');
    expect(cluster.code('deleteResource', at('alice'))).toBe('UNKNOWN_RESOURCE_KEY');
    expect(resourcesOf(cluster.image, quotas).size).toBe(1);
    const again = cluster.ok('putResource', put('alice', quota(1)));
    expect(again.lastModified).toBeGreaterThan(lastModified);
  });

  it('writes nothing where the value is the same, however its members are ordered', () => {
    const cluster = clusterWith(1);
    const first = cluster.ok('putResource', put('alice', { bytesPerSecond: 5, note: 'n' }));
    const { length } = cluster.log;
    expect(cluster.ok('putResource', put('alice', { note: 'n', bytesPerSecond: 5 }))).toEqual(first);
    expect(cluster.log).toHaveLength(length);
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'ü' })).toBe('{"a":"ü","b":[{"c":null,"d":1}]}');
  });

  it('refuses what its schemas and its own rule refuse, and values that are too long', () => {
    const cluster = clusterWith(1);
    const codes = (key: string, value: unknown) => cluster.code('putResource', put(key, value));
    expect(codes('Alice', quota(1))).toBe('INVALID_RESOURCE');
    expect(codes('alice', quota(-1))).toBe('INVALID_RESOURCE');
    expect(codes('alice', { ...quota(1), other: 1 })).toBe('INVALID_RESOURCE');
    expect(codes('alice', null)).toBe('INVALID_RESOURCE');
    const note = 'x'.repeat(limits.resourceTextLengthMax);
    expect(codes('alice', { ...quota(1), note })).toBe('INVALID_RESOURCE');
    cluster.ok('putResource', put('all', quota(100)));
    expect(codes('all', quota(99))).toBe('INVALID_RESOURCE');
    expect(codes('alice', quota(101))).toBe('INVALID_RESOURCE');
    const refused = cluster.run('putResource', put('alice', quota(101)));
    expect(refused).toMatchObject({ error: { message: 'No quota is above that of all.' } });
    cluster.start(1);
    cluster.ok('createTopic', { body: { name: 'without-quotas', partitions: 1, replicationFactor: 1 } });
    expect(cluster.run('putResource', put('alice', quota(1)))).toMatchObject({
      error: { message: 'The topic without-quotas is there.' },
    });
    expect(() => cluster.run('putResource', put('broken', quota(1)))).toThrow('validate is broken');
  });

  it('is unknown by name where it was not given, and holds a bounded number', () => {
    const cluster = clusterWith(1);
    const other = { kind: 'other', key: 'k' };
    expect(cluster.code('listResources', { params: { kind: 'other' } })).toBe('UNKNOWN_RESOURCE_KIND');
    expect(cluster.code('describeResource', { params: other })).toBe('UNKNOWN_RESOURCE_KIND');
    expect(cluster.code('deleteResource', { params: other })).toBe('UNKNOWN_RESOURCE_KIND');
    expect(cluster.code('putResource', { params: other, body: { value: 1 } })).toBe('UNKNOWN_RESOURCE_KIND');
    const value = canonicalJson(quota(1));
    for (let from = 0; from < limits.resourcesPerKindMax; from += 10_000) {
      const keys = Array.from({ length: 10_000 }, (_, index) => `k${from + index}`);
      cluster.append(keys.map((key) => ({ type: 'kind.quota', key, version: 1, value })));
    }
    expect(cluster.code('putResource', put('one-more', quota(1)))).toBe('RESOURCE_TABLE_FULL');
    cluster.ok('deleteResource', at('k0'));
    cluster.ok('putResource', put('one-more', quota(1)));
  });

  it('lists as many as were asked for, and no more text than one answer should have', () => {
    const cluster = clusterWith(1);
    const note = 'x'.repeat(16_000);
    const keys = Array.from({ length: 100 }, (_, index) => `k${String(index).padStart(3, '0')}`);
    const value = canonicalJson({ ...quota(1), note });
    cluster.append(keys.map((key) => ({ type: 'kind.quota', key, version: 1, value })));
    const seen: string[] = [];
    const pages: number[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const query: object = next === '' ? { limit: 1_000 } : { limit: 1_000, continue: next };
      const page: ResponseOf<'listResources'> = cluster.ok('listResources', {
        params: { kind: 'quota' },
        query,
      });
      seen.push(...page.resources.map(({ key }) => key));
      pages.push(page.resources.length);
      next = page.continue;
    }
    expect([pages, seen]).toEqual([[65, 35], keys]);
  });

  it('stands in digests, pages and records like any other', () => {
    const cluster = clusterWith(1);
    const empty = imageDigest(cluster.image);
    cluster.ok('putResource', put('alice', quota(5)));
    cluster.ok('putResource', put('bob', quota(6)));
    cluster.ok('deleteResource', at('bob'));
    expect(imageDigest(cluster.image)).not.toBe(empty);
    const copy = replayAll(toRecords(cluster.image), 1_000_000, registry);
    expect(imageDigest(copy)).toBe(imageDigest(cluster.image));
    const loaded = loadedFromPages(cluster.image);
    expect(imageDigest(loaded)).toBe(imageDigest(cluster.image));
    expect(resourcesOf(loaded, quotas).get('alice')?.value).toEqual(quota(5));
  });

  it('is named where a checkpoint or a log holds it and the software does not know it', () => {
    const cluster = clusterWith(1);
    cluster.ok('putResource', put('alice', quota(5)));
    const loader = createImageLoader(builtInRegistry);
    const faults = Array.from(fullPages(cluster.image), (entry) => loader.add(entry)).filter(({ ok }) => !ok);
    expect(faults).toEqual([
      {
        ok: false,
        error: {
          code: 'UNSUPPORTED_VERSION',
          message: 'the checkpoint has kind.quota, and this node supports none of it',
        },
      },
    ]);
    expect(headerOf(cluster.image).endOffset).toBe(cluster.image.endOffset);
    const record = { type: 'kind.quota', key: 'alice', version: 1, value: null } as const;
    const bytes = encodeRecords(registry, [record]);
    expect(decodeRecords(builtInRegistry, bytes, 1)).toMatchObject({
      error: { code: 'UNSUPPORTED_VERSION', message: 'it has the kind of id 10000, which is not known here' },
    });
    // Whoever reads a log and was given no definition.
    expect(decodeRecords(registryOfEveryKind(), bytes, 1)).toEqual({
      ok: true,
      value: [{ ...record, type: 'kind.10000' }],
    });
  });
});

describe('the feature of a kind', () => {
  it('lets nothing be written before it is finalized', () => {
    const cluster = clusterWith(0);
    expect(cluster.ok('listResourceKinds', {}).kinds).toMatchObject([{ name: 'quota', finalizedVersion: 0 }]);
    expect(cluster.code('putResource', put('alice', quota(1)))).toBe('UNSUPPORTED_VERSION');
    cluster.ok('updateFeature', { params: { feature: 'kind.quota' }, body: { featureLevel: 1 } });
    cluster.ok('putResource', put('alice', quota(1)));
    expect(cluster.ok('listResourceKinds', {}).kinds).toMatchObject([
      { name: 'quota', finalizedVersion: 1, resourceCount: 1 },
    ]);
  });

  it('is finalized only when every controller supports it, whatever brokers say', () => {
    const cluster = clusterWith(0);
    cluster.register(1);
    const raise = { params: { feature: 'kind.quota' }, body: { featureLevel: 1 } };
    const controller = {
      controllerId: 7,
      incarnationId: 'BAAAAAAAQACAAAAAAAAAAQ',
      listeners: [{ name: 'CONTROLLER', host: 'c', port: 1 }],
    };
    const features = [...supportedFeatures];
    cluster.ok('registerController', { body: { ...controller, features } });
    const refused = cluster.run('updateFeature', raise);
    expect(refused).toMatchObject({
      error: {
        code: 'UNSUPPORTED_VERSION',
        message: 'Controller 7 does not support level 1 of kind.quota, and names no level of it.',
      },
    });
    const known = [...features, ...featuresOfKinds(registry)];
    cluster.ok('registerController', { body: { ...controller, features: known } });
    cluster.ok('updateFeature', raise);
    cluster.register(2);
    expect(cluster.code('registerController', { body: { ...controller, controllerId: 8, features } })).toBe(
      'UNSUPPORTED_VERSION',
    );
  });

  it('goes back over no version in which something stands, not even unsafely', () => {
    const cluster = clusterWith(1);
    cluster.ok('putResource', put('alice', quota(1)));
    const remove = {
      params: { feature: 'kind.quota' },
      body: { featureLevel: 0, upgradeType: 'unsafeDowngrade' },
    };
    expect(cluster.code('updateFeature', remove)).toBe('INVALID_UPDATE_FEATURE');
    cluster.ok('deleteResource', at('alice'));
    cluster.ok('updateFeature', remove);
    expect(cluster.code('putResource', put('alice', quota(1)))).toBe('UNSUPPORTED_VERSION');
  });
});

describe('another version of a kind', () => {
  it('reads what the one before wrote, and is written once it is finalized', () => {
    const cluster = clusterWith(1, registryOf([newerQuotas]));
    cluster.ok('putResource', put('alice', quota(5)));
    expect(resourcesOf(cluster.image, newerQuotas).get('alice')?.value).toEqual({ rate: 5, burstMs: 0 });
    const newer = { rate: 9, burstMs: 50 };
    expect(cluster.code('putResource', put('bob', newer, 2))).toBe('UNSUPPORTED_VERSION');
    cluster.ok('updateFeature', { params: { feature: 'kind.quota' }, body: { featureLevel: 2 } });
    expect(cluster.ok('putResource', put('bob', newer))).toMatchObject({ version: 2 });
    // One who knows the earlier version goes on writing that.
    cluster.ok('putResource', put('carol', quota(3), 1));
    expect(cluster.code('putResource', put('carol', quota(3), 2))).toBe('INVALID_RESOURCE');
    expect(cluster.ok('describeResource', at('carol'))).toMatchObject({ value: quota(3), version: 1 });
    const values = Array.from(resourcesOf(cluster.image, newerQuotas).values(), ({ value }) => value.rate);
    expect(values).toEqual([5, 9, 3]);
    // One who knows the earlier version alone says so, by name.
    const earlier = quotas.read(newer, 2);
    expect(earlier).toEqual({
      ok: false,
      error: 'is of version 2 of the kind, and 1 is the newest known here',
    });
  });

  it('says which value it cannot read, and lets it be written anew', () => {
    const cluster = clusterWith(1);
    cluster.append([{ type: 'kind.quota', key: 'alice', version: 1, value: '{"old":true}' }]);
    expect(() => resourcesOf(cluster.image, quotas).get('alice')).toThrow(
      /^The quota alice .*bytesPerSecond/,
    );
    cluster.ok('putResource', put('alice', quota(1)));
    expect(resourcesOf(cluster.image, quotas).get('alice')?.value).toEqual(quota(1));
  });
});

describe('a definition', () => {
  const value = Type.Object({});
  it.each([
    [
      'a name with other characters',
      { name: 'Quota', id: 10_000, version: 1, value },
      /cannot be called Quota/,
    ],
    ['an id of this software’s own', { name: 'quota', id: 9_999, version: 1, value }, /id out of range/],
    ['no version', { name: 'quota', id: 10_000, version: 0, value }, /no legal version/],
  ])('is refused for %s', (_what, definition, message) => {
    expect(() => defineResource(definition)).toThrow(message);
  });

  it('shares neither its name nor its id with another', () => {
    const other = defineResource({ name: 'other', id: 10_000, version: 1, value });
    expect(() => registryOf([quotas, other])).toThrow(/name or id 10000/);
    expect(() => registryOf([quotas, quotas])).toThrow(/name or id kind.quota/);
    const many = Array.from({ length: 33 }, (_, index) =>
      defineResource({ name: `k${index}`, id: 10_000 + index, version: 1, value }),
    );
    expect(() => registryOf(many)).toThrow(/more than 32/);
    expect(registryOf([]).tables).toEqual(builtInRegistry.tables);
  });
});
