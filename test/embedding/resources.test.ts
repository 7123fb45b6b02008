import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { createClient, createController, type CreateControllerOptions } from '../../src/index.ts';
import { readLogDirectory } from '../../src/server/read-log-directory.ts';
import { newerQuotas, quotas } from '../metadata/quotas.ts';
import { ask } from '../http/serve.ts';
import { startQuorum } from './quorum.ts';

/** A controller on a directory that outlives it; each call is another life of it. */
async function directory() {
  const reserved = await reservePorts(1);
  onTestFinished(() => reserved.release());
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-resources-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const start = async (options: Partial<CreateControllerOptions>) => {
    const controller = await createController({
      nodeId: 0,
      dataDir,
      voters: `0@127.0.0.1:${reserved.ports[0]}`,
      http: '127.0.0.1:0',
      insecure: true,
      logLevel: 'silent',
      ...options,
    });
    onTestFinished(() => controller.stop());
    const client = createClient({ endpoints: [controller.httpUrl] });
    onTestFinished(() => client.close());
    const send = (
      method: string,
      path: string,
      body?: unknown,
      headers: Readonly<Record<string, string>> = {},
    ) => ask(`${controller.httpUrl}/v1/resources${path}`, method, body, headers);
    return { controller, client, send };
  };
  return { dataDir, start };
}

const quota = (bytesPerSecond: number) => ({ bytesPerSecond });

describe('a kind of one’s own over HTTP', () => {
  it('is written, read, listed and deleted under every convention of the API', async () => {
    const { start } = await directory();
    const { client, send } = await start({ resources: [quotas] });
    await client.openSession();
    const key = { 'idempotency-key': 'first-quota' };
    const written = await send('PUT', '/quota/alice', { value: quota(5) }, key);
    expect([written.status, written.body]).toMatchObject([200, { kind: 'quota', key: 'alice', version: 1 }]);
    const repeated = await send('PUT', '/quota/alice', { value: quota(5) }, key);
    expect(repeated.body).toEqual(written.body);
    const reused = await send('PUT', '/quota/alice', { value: quota(6) }, key);
    expect(reused.body).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const read = await send('GET', '/quota/alice');
    expect(read.body).toMatchObject({ key: 'alice', value: quota(5), version: 1 });
    const tag = read.headers.get('etag') ?? '';
    const tried = await send('PUT', '/quota/alice?validate_only=true', { value: quota(6) });
    expect([tried.status, tried.headers.get('ottla-validate-only')]).toEqual([200, 'true']);
    expect((await send('GET', '/quota/alice')).headers.get('etag')).toBe(tag);
    expect((await send('PUT', '/quota/alice', { value: quota(7) }, { 'if-match': tag })).status).toBe(200);
    expect((await send('PUT', '/quota/alice', { value: quota(8) }, { 'if-match': tag })).status).toBe(412);
    expect((await send('DELETE', '/quota/alice', undefined, { 'if-match': tag })).status).toBe(412);
    expect((await send('DELETE', '/quota/alice')).status).toBe(200);
    const gone = await send('GET', '/quota/alice');
    expect([gone.status, gone.body]).toMatchObject([404, { code: 'UNKNOWN_RESOURCE_KEY' }]);
    const unknown = await send('GET', '/other/alice');
    expect(unknown.body).toMatchObject({
      code: 'UNKNOWN_RESOURCE_KIND',
      detail: 'This controller knows no kind other; it knows quota.',
    });
  });

  it('shows one offset on all pages of a listing while others write', async () => {
    const { start } = await directory();
    const { client, send } = await start({ resources: [quotas] });
    const resource = client.resource(quotas);
    for (const key of ['a', 'b', 'c']) await resource.put(key, quota(1));
    const first = await send('GET', '/quota?limit=2');
    const { continue: next } = first.body as { readonly continue: string };
    await resource.put('d', quota(1));
    const second = await send('GET', `/quota?limit=2&continue=${encodeURIComponent(next)}`);
    expect(second.body).toMatchObject({ resources: [{ key: 'c' }], continue: null });
    expect(second.headers.get('ottla-offset')).toBe(first.headers.get('ottla-offset'));
  });

  it('refuses values that are nested too deeply for anybody to walk over', async () => {
    const [controller] = await startQuorum(1, { resources: [quotas] });
    const url = `${controller?.httpUrl}/v1/resources/quota/alice`;
    const depth = 50_000;
    const body = `{"value":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'PUT', body, headers });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'INVALID_REQUEST', detail: 'The body is nested deeper than 32.' },
    ]);
  });

  it('stands in the node’s own description with the schemas of its keys and values', async () => {
    const [controller] = await startQuorum(1, { resources: [quotas] });
    const description = await ask(`${controller?.httpUrl}/openapi.json`, 'GET');
    const { paths } = description.body as { readonly paths: Readonly<Record<string, object>> };
    expect(Object.keys(paths).filter((path) => path.startsWith('/v1/resources'))).toEqual([
      '/v1/resources',
      '/v1/resources/{kind}',
      '/v1/resources/{kind}/{key}',
      '/v1/resources/quota',
      '/v1/resources/quota/{key}',
    ]);
    expect(paths['/v1/resources/quota/{key}']).toMatchObject({
      put: {
        operationId: 'putResource.quota',
        requestBody: {
          content: {
            'application/json': {
              schema: {
                properties: { value: { properties: { bytesPerSecond: { type: 'integer', minimum: 0 } } } },
              },
            },
          },
        },
      },
    });
  });

  it('is watched by its name, and refused where nobody knows it', async () => {
    const [controller] = await startQuorum(1, { resources: [quotas] });
    const client = createClient({ endpoints: [controller?.httpUrl ?? ''] });
    onTestFinished(() => client.close());
    await client.resource(quotas).put('alice', quota(5));
    const events = client.resource(quotas).watch()[Symbol.asyncIterator]();
    onTestFinished(async () => void (await events.return?.()));
    expect((await events.next()).value).toEqual({ type: 'begin' });
    expect((await events.next()).value).toMatchObject({ type: 'put', key: 'alice', value: quota(5) });
    const stream = await fetch(`${controller?.httpUrl}/v1/watch?kinds=kind.other`);
    expect(await stream.text()).toContain('UNKNOWN_RESOURCE_KIND');
  });
});

describe('a controller with kinds of one’s own', () => {
  it('has them after a restart from its log and from a snapshot, and its log shows them', async () => {
    const { dataDir, start } = await directory();
    const first = await start({ resources: [quotas] });
    await first.client.resource(quotas).put('alice', quota(5));
    await first.controller.stop();
    const second = await start({ resources: [quotas] });
    expect(await second.client.resource(quotas).get('alice')).toMatchObject({ value: quota(5) });
    await second.client.createSnapshot();
    await second.client.resource(quotas).put('bob', quota(6));
    const log = await second.client.readLog({ from: 0 });
    const types = log.batches.flatMap(({ records }) => records.map(({ type }) => type));
    expect(types.filter((type) => type === 'kind.quota')).toHaveLength(2);
    await second.controller.stop();
    // Whoever reads the directory has no definition, and sees the id in the place of the name.
    const dumped = await readLogDirectory(dataDir, { from: null, maxRecords: 1_000 });
    const records = dumped.ok ? dumped.value.batches.flatMap((batch) => batch.records) : [];
    expect(records.filter(({ type }) => type === 'kind.10000')).toMatchObject([
      { value: { key: 'alice', version: 1, value: '{"bytesPerSecond":5}' } },
      { value: { key: 'bob' } },
    ]);
    const third = await start({ resources: [quotas] });
    expect(await third.client.resource(quotas).get('alice')).toMatchObject({ value: quota(5) });
    expect(await third.client.resource(quotas).get('bob')).toMatchObject({ value: quota(6) });
  });

  it('does not start without them, and says which it lacks', async () => {
    const { start } = await directory();
    const first = await start({ resources: [quotas] });
    await first.client.resource(quotas).put('alice', quota(5));
    await first.client.createSnapshot();
    await first.controller.stop();
    await expect(start({})).rejects.toThrow(/kind\.quota, and this node supports none of it/);
    const again = await start({ resources: [newerQuotas] });
    expect(await again.client.resource(newerQuotas).get('alice')).toMatchObject({ value: { rate: 5 } });
  });

  it('lets nothing be written of a kind that an older cluster has not finalized', async () => {
    const { start } = await directory();
    const first = await start({});
    await first.client.createTopic({ name: 'orders', partitions: 1 }).catch(() => undefined);
    await first.controller.stop();
    const { client } = await start({ resources: [quotas] });
    const { kinds } = await client.listResourceKinds();
    expect(kinds).toMatchObject([{ name: 'quota', version: 1, finalizedVersion: 0, resourceCount: 0 }]);
    await expect(client.resource(quotas).put('alice', quota(1))).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringContaining('raise kind.quota to 1'),
    });
    await expect
      .poll(() => client.updateFeature({ feature: 'kind.quota', featureLevel: 1 }).catch(() => null), {
        timeout: 20_000,
      })
      .toEqual({ name: 'kind.quota', featureLevel: 1 });
    await client.resource(quotas).put('alice', quota(1));
  });
});
