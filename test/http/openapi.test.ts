import { Type, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { errorCatalogue, type ErrorCode } from '../../src/metadata/errors.ts';
import { problemSchema } from '../../src/client/protocol/problem.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { describeRoutes } from '../../src/http/openapi/described-routes.ts';
import { describeApi } from '../../src/http/openapi/document.ts';
import {
  binaryWatchContentType,
  eventStreamContentType,
  streamOperations,
} from '../../src/client/protocol/watch.ts';
import { ask } from './serve.ts';
import { serveImage } from './serve-image.ts';

const routes = describeRoutes(apiOperations);
const byId = routes.map((route) => [route.operation.operationId, route] as const);
// As it travels.
const document = JSON.parse(JSON.stringify(describeApi(apiOperations, '1.2.3'))) as ReturnType<
  typeof describeApi
>;
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** All values below a key of this name, with where they stand. */
function valuesOf(name: string, node: unknown): readonly unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => [
    ...(key === name ? [value] : []),
    ...valuesOf(name, value),
  ]);
}

function lookUp(reference: string): unknown {
  return reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], document);
}

function complaints(schema: TSchema, value: unknown): readonly unknown[] {
  return [...Compile(schema).Errors(value)];
}

/** What each operation answers under each status that is an error. */
const errorExamples = described.flatMap(({ operation }) =>
  Object.entries(operation.responses).flatMap(([status, answer]) =>
    (valuesOf('enum', valuesOf('allOf', answer)) as ErrorCode[][]).map((codes) => ({
      status: Number(status),
      codes,
      examples: valuesOf('examples', answer)[0] as Record<string, { readonly value: unknown }>,
    })),
  ),
);

describe('the description of the API', () => {
  it('is OpenAPI 3.1 with an id for each operation, a tag for each group and a licence', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Ottla', version: '1.2.3' } });
    const ids = described.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(routes.length);
    const tags = document.tags.map(({ name }) => name);
    expect(described.filter(({ operation }) => !operation.tags.every((tag) => tags.includes(tag)))).toEqual(
      [],
    );
  });

  it('refers only to what stands in it', () => {
    const references = valuesOf('$ref', document);
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((reference) => lookUp(String(reference)) === undefined)).toEqual([]);
  });

  it('gives each parameter of a path its place in it, and no other', () => {
    for (const { path, operation } of described) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = operation.parameters.filter((parameter) => parameter['in'] === 'path');
      expect(given.map((parameter) => parameter['name'])).toEqual(named);
    }
  });

  it.each(byId)('has an example of %s that its own schemas accept', (_id, { operation }) => {
    const { example, params, query, body, response } = operation;
    expect(example).toBeDefined();
    const sides = [
      [params, example?.params ?? {}],
      [query, example?.query ?? {}],
      [body, example?.body ?? {}],
      [response, example?.response],
    ] as const;
    expect(sides.flatMap(([schema, value]) => complaints(schema, value))).toEqual([]);
  });

  it('has an example of every error, which its schema accepts, under the status of its code', () => {
    expect(errorExamples.length).toBeGreaterThan(200);
    for (const { status, codes, examples } of errorExamples) {
      const schema = Type.Intersect([problemSchema, Type.Object({ code: Type.Enum([...codes]) })]);
      expect(Object.keys(examples)).toEqual(codes);
      const statuses = codes.map((code) => errorCatalogue[code].status);
      expect(statuses).toEqual(codes.map(() => status));
      expect(Object.values(examples).flatMap(({ value }) => complaints(schema, value))).toEqual([]);
    }
  });

  it('names the headers that an operation understands, and the entity tag where one resource is shown', () => {
    const of = (path: string, method: string) => JSON.stringify(document.paths[path]?.[method]);
    expect(of('/v1/topics', 'post')).toContain('#/components/parameters/idempotencyKey');
    expect(of('/v1/topics/{topic}', 'delete')).toContain('#/components/parameters/ifMatch');
    expect(of('/v1/topics/{topic}', 'get')).toContain('#/components/headers/entityTag');
    expect(of('/v1/topics', 'get')).toContain('#/components/parameters/minOffset');
    expect(of('/v1/topics/{topic}', 'get')).toContain('#/components/parameters/ifNoneMatch');
    expect(of('/v1/topics/{topic}', 'get')).toContain('"304"');
    expect(of('/v1/brokers/{brokerId}', 'get')).not.toContain('"304"');
    expect(of('/v1/topics', 'get')).toContain('#/components/parameters/atOffset');
    expect(of('/v1/topics', 'get')).not.toContain('idempotencyKey');
    for (const keyless of ['/v1/brokers/{brokerId}/heartbeat', '/v1/quorum/transfer-leadership']) {
      expect(of(keyless, 'post')).not.toContain('parameters/idempotencyKey');
      expect(of(keyless, 'post')).toContain('IDEMPOTENCY_KEY_NOT_SUPPORTED');
    }
    expect(of('/v1/batch', 'post')).not.toContain('parameters/idempotencyKey');
    expect(of('/readyz', 'get')).toContain('"503"');
  });

  it('shows what streams by each of its content types, with events as a server sends them', () => {
    const operation = document.paths['/v1/watch']?.['get'];
    expect(operation?.parameters.map(({ name, $ref }) => name ?? $ref)).toEqual([
      'since',
      'kinds',
      'clusterId',
      '#/components/parameters/lastEventId',
    ]);
    expect(operation?.parameters[1]).toMatchObject({ style: 'form', explode: false });
    const content = operation?.responses['200']?.['content'] as Record<string, { readonly example?: string }>;
    expect(Object.keys(content)).toEqual([eventStreamContentType, binaryWatchContentType]);
    const events = content[eventStreamContentType]?.example?.trimEnd().split('\n\n') ?? [];
    expect(events.length).toBeGreaterThan(2);
    for (const event of events) {
      const [, kind = '', data = ''] = /^event: (\w+)\n(?:id: \d+\n)?data: (.+)$/.exec(event) ?? [];
      const message = JSON.parse(data) as { readonly kind: string };
      expect(message.kind).toBe(kind);
      expect(complaints(streamOperations.watch.response, message)).toEqual([]);
    }
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining(['400', '401', '404', '409', '410', '429', '503']),
    );
  });

  it('says who may call what', () => {
    expect(document.paths['/v1/topics']?.['post']?.['x-may-call']).toEqual(['operator']);
    expect(document.paths['/v1/topics']?.['get']?.['x-may-call']).toEqual(['operator', 'broker', 'reader']);
  });
});

describe('a server', () => {
  it('serves the description of what it has, and its routes are those that stand there', async () => {
    const { url } = await serveImage({ version: '1.2.3' });
    const answer = await ask(`${url}/openapi.json`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(document);
    expect((await ask(`${url}/openapi.json?unknown=1`)).body).toMatchObject({ code: 'INVALID_REQUEST' });
    for (const { path, method } of described) {
      const options = await ask(url + path.replaceAll(/\{\w+\}/g, '1'), 'OPTIONS');
      expect([path, options.status]).toEqual([path, 204]);
      expect(options.headers.get('allow')?.split(', ')).toContain(method.toUpperCase());
    }
  });

  it('has no API browser unless one is wanted', async () => {
    const { url } = await serveImage();
    expect((await ask(`${url}/docs`)).body).toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
  });

  it('serves an API browser that asks nobody else for anything', async () => {
    const { url } = await serveImage({ apiBrowser: true, version: '1.2.3' });
    const page = await fetch(`${url}/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) {
      expect(link).not.toMatch(/^(https?:)?\/\//);
      expect([link, (await fetch(new URL(link, `${url}/docs/`))).status]).toEqual([link, 200]);
    }
    const script = await (await fetch(`${url}/docs/static/swagger-initializer.js`)).text();
    expect(script).toContain('validatorUrl: null');
    expect((await ask(`${url}/docs/json`)).body).toEqual(document);
  });
});
