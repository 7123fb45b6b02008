import { describe, expect, it, onTestFinished } from 'vitest';
import { batchEntrySchema, batchOperationsMax, batchRequestSchema } from '../../src/client/protocol/batch.ts';
import { assertClosed } from '../../src/client/protocol/validation.ts';
import { problemSchema } from '../../src/client/protocol/problem.ts';
import { Compile } from 'typebox/compile';
import { nodeId, offset } from '../../src/base/brands.ts';
import { FakeController, fakeStatus } from './fake-controller.ts';
import { startHttpServer } from '../../src/http/index.ts';
import { operations } from '../../src/metadata/operations.ts';
import { ask, serve } from './serve.ts';
import { serveImage } from './serve-image.ts';

const topic = (name: string) => ({ operationId: 'createTopic', body: { name, partitions: 1 } });

type Result = {
  readonly status: number;
  readonly offset: number;
  readonly response?: unknown;
  readonly modifiedOffset?: number;
  readonly problem?: { readonly code: string; readonly detail: string; readonly retryAfterMs?: number };
};

async function batch(url: string, entries: readonly unknown[]) {
  const answer = await ask(`${url}/v1/batch`, 'POST', { operations: entries });
  const { results = [] } = answer.body as { readonly results?: readonly Result[] };
  return { answer, results, codes: results.map((result) => result.problem?.code ?? result.status) };
}

describe('a batch', () => {
  it('is handed to the controller at once, and answered in the order of its operations', async () => {
    const { url, controller } = await serve();
    controller.answer = ({ input }) => ({ response: { topicId: (input.body as { name: string }).name } });
    const names = Array.from({ length: 50 }, (_, at) => `topic-${at}`);
    const { answer, results } = await batch(url, names.map(topic));
    expect(answer.status).toBe(200);
    expect(results.map((result) => result.response)).toEqual(names.map((topicId) => ({ topicId })));
    expect(controller.batches).toHaveLength(1);
  });

  it('is answered in order however the controller answers', async () => {
    const { url, controller } = await serve();
    const held: (() => void)[] = [];
    controller.submit = (requests, complete) => {
      for (const { requestId } of requests) {
        const { epoch, leaderId } = controller.currentStatus;
        const result = { ok: true, response: { requestId } } as const;
        held.unshift(() =>
          complete({ requestId, offset: offset(requestId), epoch, leaderId, forwarded: false, result }),
        );
      }
      for (const give of held.splice(0)) setImmediate(give);
    };
    const { results } = await batch(url, ['a', 'b', 'c'].map(topic));
    expect(results.map((result) => [result.offset, result.response])).toEqual([
      [1, { requestId: 1 }],
      [2, { requestId: 2 }],
      [3, { requestId: 3 }],
    ]);
  });

  it('asks of the controller what requests of their own would ask', async () => {
    const { url, controller } = await serve();
    const key = '7:3:1';
    await batch(url, [
      { ...topic('x'), query: { validateOnly: 'true' }, idempotencyKey: key, ifMatch: 9, timeoutMs: 700 },
      { operationId: 'describeTopic', params: { topic: 'x' }, consistency: 'stale', minOffset: 12 },
      { operationId: 'brokerHeartbeat', params: { brokerId: '4' }, body: { brokerEpoch: 2 } },
      { ...topic('y'), idempotencyKey: 'my-own-key' },
    ]);
    const inBatch = [...controller.requests];
    const alone = { 'idempotency-key': key, 'if-match': '"9"' };
    await ask(`${url}/v1/topics?validateOnly=true&timeout_ms=700`, 'POST', topic('x').body, alone);
    await ask(`${url}/v1/topics/x?consistency=stale&min_offset=12`);
    await ask(`${url}/v1/brokers/4/heartbeat`, 'POST', { brokerEpoch: 2 });
    await ask(`${url}/v1/topics`, 'POST', topic('y').body, { 'idempotency-key': 'my-own-key' });
    const single = controller.requests.slice(inBatch.length);
    const withoutIds = (requests: readonly object[]) => requests.map((each) => ({ ...each, requestId: 0 }));
    expect(withoutIds(inBatch)).toEqual(withoutIds(single));
  });

  it('tells of each operation what headers tell of a request of its own', async () => {
    const { url, controller } = await serve();
    controller.currentStatus = fakeStatus({ nodeId: nodeId(1), leaderId: nodeId(2) });
    controller.forwarded = true;
    controller.answer = ({ operationId }) =>
      operationId === 'describeTopic'
        ? { response: { name: 'x', partitions: 1 }, modifiedOffset: 30 }
        : { response: {} };
    const { answer, results } = await batch(url, [
      { operationId: 'describeTopic', params: { topic: 'x' } },
      { operationId: 'deleteTopic', params: { topic: 'x' } },
      topic('x'),
    ]);
    const common = { offset: 42, epoch: 3, leaderId: 2, forwarded: true };
    expect(results).toEqual([
      { status: 200, ...common, modifiedOffset: 30, response: { name: 'x', partitions: 1 } },
      { status: 204, ...common },
      { status: 201, ...common, response: {} },
    ]);
    const names = ['offset', 'epoch', 'node', 'leader', 'forwarded'];
    expect(names.map((name) => answer.headers.get(`ottla-${name}`))).toEqual(['42', '3', '1', '2', 'true']);
  });

  it('lets a bad operation fail alone, as it would fail by itself', async () => {
    const { url, controller } = await serve();
    controller.acceptsBareIdempotencyKeys = false;
    controller.answer = ({ input }) =>
      (input.body as { name?: string }).name === 'taken'
        ? { code: 'TOPIC_ALREADY_EXISTS', details: { name: 'taken' } }
        : { response: { topicId: 'x' } };
    const { results, codes } = await batch(url, [
      topic('good'),
      'nonsense',
      { operationId: 'createTopic', body: { name: '', partitions: 1 } },
      { operationId: 'unheardOf' },
      { operationId: 'getCluster' },
      { ...topic('x'), unheardOf: 1 },
      { ...topic('x'), idempotencyKey: '7:3:9' },
      { ...topic('x'), idempotencyKey: 'bare' },
      { ...topic('x'), consistency: 'stale' },
      { ...topic('x'), timeoutMs: 60_001 },
      { ...topic('x'), body: { name: 'x', partitions: 2 ** 60 } },
      topic('taken'),
      topic('good too'),
    ]);
    const invalid = 'INVALID_REQUEST';
    const missing = 'RESOURCE_NOT_FOUND';
    expect(codes).toEqual([
      201,
      invalid,
      invalid,
      missing,
      missing,
      ...Array.from({ length: 6 }, () => invalid),
      'TOPIC_ALREADY_EXISTS',
      201,
    ]);
    const isProblem = Compile(problemSchema);
    const problems = results.map((result) => result.problem).filter((problem) => problem !== undefined);
    expect(problems.every((problem) => isProblem.Check(problem))).toBe(true);
    expect(results[11]?.problem).toMatchObject({ status: 409, details: { name: 'taken' }, leader: 0 });
    expect(controller.requests).toHaveLength(3);
  });

  it('counts each of its operations against the limits, and heartbeats go on when writes are full', async () => {
    const { url, controller } = await serve({ limits: { pendingMax: 4, administrationPendingMax: 2 } });
    const heartbeat = { operationId: 'brokerHeartbeat', params: { brokerId: 1 }, body: { brokerEpoch: 1 } };
    const { codes, results } = await batch(url, [
      ...['a', 'b', 'c', 'd'].map(topic),
      heartbeat,
      heartbeat,
      heartbeat,
    ]);
    const full = 'THROTTLING_QUOTA_EXCEEDED';
    expect(codes).toEqual([201, 201, full, full, 200, 200, full]);
    expect(results[2]?.problem?.retryAfterMs).toBe(100);
    expect(controller.requests).toHaveLength(4);
    expect((await batch(url, ['a', 'b'].map(topic))).codes).toEqual([201, 201]);
  });

  it('reports each operation that the controller leaves without an answer, a write as unknown', async () => {
    const { url, controller } = await serve({ limits: { answerGraceMs: 10 } });
    controller.answer = ({ operationId, input }) =>
      operationId === 'describeTopic' || (input.body as { name?: string }).name === 'silent'
        ? 'silent'
        : { response: { topicId: 'x' } };
    const { codes, results } = await batch(url, [
      topic('heard'),
      { ...topic('silent'), timeoutMs: 20, idempotencyKey: '1:2' },
      { operationId: 'describeTopic', params: { topic: 'x' }, timeoutMs: 20 },
    ]);
    expect(codes).toEqual([201, 'OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);
    expect(results[1]?.problem?.detail).toContain('under the same idempotency key');
  });

  it('gives up with a problem for each operation when the server closes', async () => {
    const { url, controller, server } = await serve({ limits: { answerGraceMs: 10, closeGraceMs: 50 } });
    controller.answer = () => 'silent';
    const asked = batch(url, ['a', 'b'].map(topic));
    await expect.poll(() => controller.requests.length).toBe(2);
    await server.close();
    expect((await asked).codes).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
  });

  it.each([
    ['no operations', { operations: [] }, "'operations'"],
    ['too many', { operations: Array.from({ length: batchOperationsMax + 1 }, () => ({})) }, "'operations'"],
    ['another field', { operations: [topic('x')], atomic: true }, "no field 'atomic'"],
    ['a list', [topic('x')], 'The batch'],
    ['nothing', undefined, 'The batch'],
  ])('is refused as a whole when it holds %s', async (_what, body, complaint) => {
    const { url, controller } = await serve();
    const answer = await ask(`${url}/v1/batch`, 'POST', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'INVALID_REQUEST',
      detail: expect.stringContaining(complaint),
    });
    expect(controller.requests).toEqual([]);
  });

  it('has the limits and the refusals of every other request', async () => {
    const { url } = await serve();
    const large = await batch(url, [topic('x'.repeat(1024 * 1024))]);
    expect(large.answer.body).toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    const query = await ask(`${url}/v1/batch?timeout_ms=5`, 'POST', { operations: [topic('x')] });
    expect(query.body).toMatchObject({ detail: "The query has no field 'timeout_ms'." });
    const method = await ask(`${url}/v1/batch`, 'GET');
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
    const full = Array.from({ length: batchOperationsMax }, (_, at) => topic(`topic-${at}`));
    expect((await batch(url, full)).codes.every((code) => code === 201)).toBe(true);
  });

  it('has closed schemas', () => {
    expect(() => assertClosed(batchEntrySchema, 'entry')).not.toThrow();
    expect(() => assertClosed(batchRequestSchema, 'batch')).not.toThrow();
  });
});

describe('a batch of real operations', () => {
  it('sees in each what those before it have done', async () => {
    const { url } = await serveImage();
    const broker = { brokerId: 1, incarnationId: 'AAAAAAAAAAAAAAAAAAAAAQ', listeners: [] };
    const session = { operationId: 'openSession' };
    const { codes } = await batch(url, [
      session,
      { operationId: 'describeTopic', params: { topic: 'none' } },
      { operationId: 'createTopic', body: { name: 'orders', partitions: 1, replicationFactor: 1 } },
      { operationId: 'registerBroker', body: { ...broker, listeners: 'none' } },
    ]);
    expect(codes).toHaveLength(4);
    expect(codes.slice(1)).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'INVALID_REPLICATION_FACTOR',
      'INVALID_REQUEST',
    ]);
  });

  it('takes every operation of the image', async () => {
    const controller = new FakeController();
    const started = await startHttpServer({
      controller,
      operations,
      listen: { host: '127.0.0.1', port: 0 },
      tls: null,
      insecure: false,
      authentication: 'off',
    });
    if (!started.ok) throw new Error(started.error.message);
    onTestFinished(() => started.value.close());
    const entries = operations.map(({ operationId }) => ({ operationId, query: { unheardOf: '1' } }));
    const { results } = await batch(started.value.url, entries);
    const details = results.map(({ problem }) => [problem?.code, problem?.detail.includes('no operation')]);
    expect(details).toEqual(operations.map(() => ['INVALID_REQUEST', false]));
  });
});
