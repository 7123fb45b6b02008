import * as fc from 'fast-check';
import { batchPath } from '../../src/client/protocol/batch.ts';
import type { OperationDescription } from '../../src/client/protocol/description.ts';
import { nodeOperations, probeOperations } from '../../src/client/protocol/node-operations.ts';
import { operations as imageOperations } from '../../src/metadata/operations.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { incarnationId } from '../metadata/cluster.ts';
import { arbitraryOfSchema, type Known, spoil, spoilings } from './arbitrary-json.ts';

type Route = { readonly operation: OperationDescription; readonly path: string };

/** Every route of a node but that of batches. */
export const routes: readonly Route[] = [
  ...[...apiOperations, ...Object.values(nodeOperations)].map((operation) => ({
    operation,
    path: `/v1${operation.path}`,
  })),
  ...Object.values(probeOperations).map((operation) => ({ operation, path: operation.path })),
];

const clusterId = 'BBBBBBBBBBBBBBBBBBBBBA';

/** What the cluster of the test holds sooner or later, so that not everything is refused at the border. */
const known: Known = {
  name: fc.constantFrom('orders', 'payments', 'metadata.version', 'metadata.version'),
  topic: fc.constantFrom('orders', 'payments'),
  brokerId: fc.integer({ min: 1, max: 3 }),
  // Those of the brokers that are there from the start.
  brokerEpoch: fc.constantFrom(1, 2, 3),
  clusterId: fc.constant(clusterId),
  incarnationId: fc.integer({ min: 1, max: 3 }).map(incarnationId),
  partitions: fc.integer({ min: 1, max: 3 }),
  replicationFactor: fc.integer({ min: 1, max: 2 }),
  metadataOffset: fc.constant(1_000_000),
  sessionId: fc.integer({ min: 5, max: 20 }),
  featureLevel: fc.constant(1),
  count: fc.integer({ min: 2, max: 4 }),
  assignments: fc.constant([[1, 2]]),
  resourceName: fc.constantFrom('orders', 'payments', 'default', '1', '7'),
  configs: fc.constant([{ name: 'retention.ms', value: '5' }]),
  changes: fc.constantFrom(
    [{ name: 'retention.ms', operation: 'set', value: '5' }],
    [{ name: 'log.retention.ms', operation: 'set', value: '5' }],
    [{ name: 'cleanup.policy', operation: 'append', value: 'compact' }],
    [{ name: 'user.x', operation: 'delete' }],
    [{ name: 'no.such', operation: 'set', value: '5' }],
  ),
};

export type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Whose answer this is; null where the request was spoilt beyond saying. */
  readonly operationId: string | null;
};

const commonQueries = fc.record(
  {
    consistency: fc.constantFrom('linearizable', 'stale', 'none', ''),
    min_offset: fc.constantFrom('0', '3', '-1', 'x', '99999999999999999999'),
    timeout_ms: fc.constantFrom('1', '1000', '0', '60001', '1e3'),
  },
  { requiredKeys: [] },
);

const commonHeaders = fc.record(
  {
    'idempotency-key': fc.constantFrom('1:0', '1:1:1', '2:5:9', 'my-key', 'a b', ':', '1:9007199254740993'),
    'if-match': fc.constantFrom('"1"', '3', '*', 'W/"3"', '"'),
    'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', 'x'),
  },
  { requiredKeys: [] },
);

/** Mostly nothing of it, since every wrong one alone ends a request at the border. */
function seldom<Value>(arbitrary: fc.Arbitrary<Value>, otherwise: Value): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });
}

type TextChange = { readonly at: number; readonly remove: number; readonly insert: string };

const textChanges: fc.Arbitrary<readonly TextChange[]> = fc.array(
  fc.record({
    at: fc.nat({ max: 400 }),
    remove: fc.nat({ max: 3 }),
    insert: fc.constantFrom(
      '',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u',
      '0',
      '-',
      '1e999',
      'null',
      '\u0000',
      '"__proto__":1,',
    ),
  }),
  { minLength: 1, maxLength: 2 },
);

/** What is wrong with a request, part by part, and what it says beside its own fields. */
const spoilt = fc.record({
  params: seldom(spoilings, []),
  query: seldom(spoilings, []),
  body: spoilings,
  text: seldom(textChanges, []),
  commonQuery: seldom(commonQueries, {}),
  headers: seldom(commonHeaders, {}),
});

const sound = fc.constant({ params: [], query: [], body: [], text: [], commonQuery: {}, headers: {} });

function requestOf({ operation, path }: Route): fc.Arbitrary<Sent> {
  return fc
    .record({
      params: arbitraryOfSchema(operation.params, known),
      query: arbitraryOfSchema(operation.query, known),
      body: arbitraryOfSchema(operation.body, known),
      wrong: fc.oneof(sound, spoilt),
    })
    .map((parts) => {
      const { wrong } = parts;
      const body = JSON.stringify(spoil(parts.body, wrong.body)) ?? '';
      const hasBody = operation.method !== 'GET' && body !== '{}';
      const query = { ...asFields(spoil(parts.query, wrong.query)), ...wrong.commonQuery };
      return {
        method: operation.method,
        path: fillPath(path, asFields(spoil(parts.params, wrong.params))) + queryText(query),
        headers: hasBody ? { 'content-type': 'application/json', ...wrong.headers } : wrong.headers,
        body: hasBody ? changeText(body, wrong.text) : null,
        operationId: operation.operationId,
      };
    });
}

function asFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : { value };
}

function fillPath(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => escaped(params[name]));
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Half characters have no escape. */
function escaped(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return encodeURIComponent(text.toWellFormed()).slice(0, 4_000);
}

function changeText(text: string, changes: readonly TextChange[]): string {
  let changed = text;
  for (const { at, remove, insert } of changes) {
    const start = at % (changed.length + 1);
    changed = changed.slice(0, start) + insert + changed.slice(start + remove);
  }
  return changed;
}

const batchEntries = fc.oneof(
  ...imageOperations.map((operation) =>
    fc.record(
      {
        operationId: fc.constant(operation.operationId),
        params: arbitraryOfSchema(operation.params, known),
        query: arbitraryOfSchema(operation.query, known),
        body: arbitraryOfSchema(operation.body, known),
        idempotencyKey: fc.constantFrom('1:0', '2:1:1', 'my-key', ''),
        ifMatch: fc.nat({ max: 30 }),
        consistency: fc.constantFrom('linearizable', 'stale'),
        minOffset: fc.nat({ max: 30 }),
        timeoutMs: fc.integer({ min: 500, max: 2_000 }),
      },
      { requiredKeys: ['operationId', 'params', 'body'] },
    ),
  ),
);

const batches: fc.Arbitrary<Sent> = fc
  .record({
    entries: fc.array(batchEntries, { maxLength: 5 }),
    spoilBody: fc.oneof(fc.constant([]), spoilings),
    spoilText: seldom(textChanges, []),
  })
  .map(({ entries, spoilBody, spoilText }) => ({
    method: 'POST',
    path: batchPath,
    headers: { 'content-type': 'application/json' },
    body: changeText(JSON.stringify(spoil({ operations: entries }, spoilBody)) ?? '', spoilText),
    operationId: null,
  }));

/** Anything that a client's library lets out of its hands as a request. */
const wild: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
  path: fc.oneof(
    fc
      .array(
        fc.constantFrom(
          '/',
          '%',
          '%2',
          '%2f',
          '%ff',
          '%00',
          '..',
          'v1',
          'topics',
          ';',
          '?',
          '&',
          '=',
          '#',
          '[',
          '~',
        ),
        {
          maxLength: 8,
        },
      )
      .map((parts) => `/${parts.join('')}`),
    fc.constantFrom(...routes).map(({ path }) => path),
    fc.constant(`/v1/topics/${'x'.repeat(8_000)}`),
  ),
  headers: commonHeaders,
  body: fc.option(fc.oneof(fc.json(), fc.string({ maxLength: 30 }))),
  operationId: fc.constant(null),
});

const requests = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(...routes.map(requestOf)) },
  { weight: 2, arbitrary: batches },
  { weight: 1, arbitrary: wild },
);

/** Some after another, to a node that has answered `prelude`. */
export const sequences = fc.array(requests, { minLength: 1, maxLength: 20, size: 'max' });

function request(operationId: string, method: string, path: string, fields: object): Sent {
  return {
    method,
    path: `/v1${path}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
    operationId,
  };
}

/** Brokers, a topic and a session that are there from the start, so that most requests find something. */
export const prelude: readonly Sent[] = [
  ...[1, 2, 3].map((id) =>
    request('registerBroker', 'POST', '/brokers', {
      brokerId: id,
      clusterId,
      incarnationId: incarnationId(id),
      listeners: [{ name: 'CLIENT', host: `host-${id}`, port: 9_000 + id }],
    }),
  ),
  ...[1, 2].map((id) =>
    request('heartbeatBroker', 'POST', `/brokers/${id}/heartbeat`, { brokerEpoch: id, metadataOffset: 100 }),
  ),
  request('createTopic', 'POST', '/topics', { name: 'orders', partitions: 2 }),
  request('openSession', 'POST', '/sessions', {}),
];
