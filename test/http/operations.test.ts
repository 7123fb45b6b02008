import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Type } from 'typebox';
import { InvariantViolation } from '../../src/base/assert.ts';
import { startHttpServer } from '../../src/http/index.ts';
import { errorCatalogue, type ErrorCode } from '../../src/metadata/errors.ts';
import { FakeController, fakeStatus, testOperations } from './fake-controller.ts';
import { ask, serve } from './serve.ts';

const topic = { name: 'orders', partitions: 6 };

describe('an operation over HTTP', () => {
  it('reaches the controller with its checked input and answers with the definition’s status', async () => {
    const { url, controller } = await serve();
    controller.answer = () => ({ response: { topicId: 'x' } });
    const answer = await ask(`${url}/v1/topics?validateOnly=true`, 'POST', topic);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ topicId: 'x' });
    expect(controller.requests).toEqual([
      {
        requestId: 1,
        operationId: 'createTopic',
        input: { params: {}, query: { validateOnly: true }, body: topic },
        principal: 'User:ANONYMOUS',
        tokenId: null,
        idempotencyKey: null,
        bareIdempotencyKey: null,
        consistency: 'linearizable',
        minOffset: null,
        atOffset: null,
        ifMatch: null,
        validateOnly: false,
        timeoutMs: 5_000,
      },
    ]);
  });

  it('asks for a validation of a write, alone and in a batch, and says in the answer that it was one', async () => {
    const { url, controller } = await serve();
    const validated = await ask(`${url}/v1/topics?validate_only=true`, 'POST', topic);
    expect([validated.status, validated.headers.get('ottla-validate-only')]).toEqual([201, 'true']);
    const made = await ask(`${url}/v1/topics?validate_only=false`, 'POST', topic);
    expect(made.headers.get('ottla-validate-only')).toBeNull();
    await ask(`${url}/v1/batch`, 'POST', {
      operations: [{ operationId: 'createTopic', body: topic, validateOnly: true }],
    });
    expect(controller.requests.map((request) => request.validateOnly)).toEqual([true, false, true]);
    const refusals = [
      await ask(`${url}/v1/topics/x?validate_only=true`),
      await ask(`${url}/v1/topics?validate_only=maybe`, 'POST', topic),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([400, 400]);
    controller.answer = () => 'silent';
    const silent = await ask(`${url}/v1/topics?validate_only&timeout_ms=1`, 'POST', topic);
    expect(silent.body).toMatchObject({ code: 'REQUEST_TIMED_OUT' });
  });

  it('turns path and query texts into what the schemas call for', async () => {
    const { url, controller } = await serve();
    await ask(`${url}/v1/brokers/7/heartbeat`, 'POST', { brokerEpoch: 1 });
    await ask(`${url}/v1/topics/${encodeURIComponent('a.b-c')}?partition=1,2`);
    await ask(`${url}/v1/topics/x?partition=1&partition=2`);
    expect(controller.requests.map((request) => request.input)).toEqual([
      { params: { brokerId: 7 }, query: {}, body: { brokerEpoch: 1 } },
      { params: { topic: 'a.b-c' }, query: { partition: [1, 2] }, body: {} },
      { params: { topic: 'x' }, query: { partition: [1, 2] }, body: {} },
    ]);
  });

  it('answers 204 without a body where the definition says so', async () => {
    const { url } = await serve();
    const answer = await ask(`${url}/v1/topics/orders`, 'DELETE');
    expect(answer.status).toBe(204);
    expect(answer.body).toBeNull();
    expect(answer.headers.get('ottla-offset')).toBe('42');
  });

  it('hands requests that arrive together to the controller together', async () => {
    const { url, controller } = await serve();
    const { port } = new URL(url);
    const request = 'GET /v1/topics/x HTTP/1.1\r\nHost: x\r\n\r\n';
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(request.repeat(5));
    await expect.poll(() => controller.requests.length).toBe(5);
    expect(controller.batches).toHaveLength(1);
    expect(controller.requests.map((each) => each.requestId)).toEqual([1, 2, 3, 4, 5]);
  });

  it('takes a path parameter of 249 characters', async () => {
    const { url, controller } = await serve();
    const name = 'n'.repeat(249);
    expect((await ask(`${url}/v1/topics/${name}`)).status).toBe(200);
    expect(controller.requests[0]?.input.params).toEqual({ topic: name });
  });
});

describe('every answer', () => {
  const headersOf = (headers: Headers) => [
    headers.get('ottla-offset'),
    headers.get('ottla-epoch'),
    headers.get('ottla-leader'),
    headers.get('ottla-forwarded'),
  ];

  it.each([
    ['a success', '/v1/topics/orders', 200],
    ['a refusal of the input', '/v1/topics/orders?nonsense=1', 400],
    ['an unknown path', '/v1/nothing', 404],
    ['a broken path', '/v1/topics/%zz', 400],
    ['the cluster', '/v1/cluster', 200],
    ['a probe', '/livez', 200],
  ])('carries offset, epoch, leader and whether it was forwarded: %s', async (_name, path, status) => {
    const { url } = await serve();
    const answer = await ask(url + path);
    expect(answer.status).toBe(status);
    expect(headersOf(answer.headers)).toEqual(['42', '3', '0', 'false']);
  });

  it('says that another node has executed it, and that nobody leads', async () => {
    const { url, controller } = await serve();
    controller.forwarded = true;
    expect(headersOf((await ask(`${url}/v1/topics/x`)).headers)).toEqual(['42', '3', '0', 'true']);
    controller.loseLeader();
    expect(headersOf((await ask(`${url}/v1/topics/x`)).headers)).toEqual(['42', '3', 'none', 'true']);
  });

  it('carries the offset of last modification as its entity tag', async () => {
    const { url, controller } = await serve();
    controller.answer = () => ({ response: {}, modifiedOffset: 17 });
    expect((await ask(`${url}/v1/topics/x`)).headers.get('etag')).toBe('"17"');
  });
});

describe('an error', () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[];

  it.each(codes)('with code %s travels as problem details with the catalogue’s status', async (code) => {
    const { url, controller } = await serve();
    controller.answer = () => ({ code, message: 'Because.', details: { field: 'x' } });
    const answer = await ask(`${url}/v1/topics`, 'POST', topic);
    expect(answer.status).toBe(errorCatalogue[code].status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({
      type: `urn:ottla:error:${code}`,
      title: errorCatalogue[code].summary,
      status: errorCatalogue[code].status,
      detail: 'Because.',
      code,
      retryable: errorCatalogue[code].retriable,
      leader: 0,
      details: { field: 'x' },
    });
  });

  it('that passes by itself says when to come again, in the body by the ms and in the header by the second', async () => {
    const { url, controller } = await serve();
    controller.answer = () => ({ code: 'THROTTLING_QUOTA_EXCEEDED', retryAfterMs: 1_200 });
    const busy = await ask(`${url}/v1/topics/x`);
    expect(busy.headers.get('retry-after')).toBe('2');
    expect(busy.body).toMatchObject({ retryAfterMs: 1_200 });
    controller.answer = () => ({ code: 'NOT_CONTROLLER' });
    const leaderless = await ask(`${url}/v1/topics/x`);
    expect(leaderless.status).toBe(503);
    expect(leaderless.headers.get('retry-after')).toBe('1');
    expect(leaderless.body).toMatchObject({ retryAfterMs: 250 });
  });

  it('of a node without a leader is a 503 with a hint', async () => {
    const { url, controller } = await serve();
    controller.loseLeader();
    const answer = await ask(`${url}/v1/topics`, 'POST', topic);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'NOT_CONTROLLER', leader: null, retryAfterMs: 400 });
  });
});

describe('a controller that stays silent', () => {
  it('leaves a read timed out and a write with an unknown outcome, never a hang', async () => {
    const { url, controller, server } = await serve({ limits: { answerGraceMs: 5 } });
    controller.answer = () => 'silent';
    const read = await ask(`${url}/v1/topics/x?timeout_ms=10`);
    expect(read.body).toMatchObject({ status: 504, code: 'REQUEST_TIMED_OUT', retryable: true });
    const write = await ask(`${url}/v1/topics?timeout_ms=10`, 'POST', topic);
    expect(write.body).toMatchObject({ status: 504, code: 'OUTCOME_UNKNOWN' });
    expect(server.pendingCount()).toBe(0);
  });

  it('is heard no more once its time is over', async () => {
    const { url, controller } = await serve({ limits: { answerGraceMs: 1 } });
    const submit = controller.submit.bind(controller);
    const late: (() => void)[] = [];
    controller.submit = (requests, complete) =>
      submit(requests, (answer) => late.push(() => complete(answer)));
    const answer = await ask(`${url}/v1/topics/x?timeout_ms=1`);
    expect(answer.status).toBe(504);
    expect(late).toHaveLength(1);
    for (const complete of late) complete();
    controller.submit = submit;
    expect((await ask(`${url}/v1/topics/x`)).status).toBe(200);
  });
});

describe('a server', () => {
  const base = { operations: [], tls: null, insecure: false, authentication: 'off' } as const;

  it('refuses to listen without TLS where others can reach it, unless told so', async () => {
    const controller = new FakeController();
    const refused = await startHttpServer({ ...base, controller, listen: { host: '0.0.0.0', port: 0 } });
    expect(refused).toMatchObject({ ok: false, error: { code: 'INSECURE_LISTENER' } });
    const { server } = await serve({ listen: { host: '0.0.0.0', port: 0 }, insecure: true });
    expect(server.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
  });

  it('says which port is taken', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    const second = await startHttpServer({
      ...base,
      controller: new FakeController(),
      listen: { host: '127.0.0.1', port },
    });
    expect(second).toMatchObject({ ok: false, error: { code: 'ADDRESS_IN_USE' } });
    expect(second.ok ? '' : second.error.message).toContain(String(port));
  });

  it('refuses a certificate that is none', async () => {
    const broken = await startHttpServer({
      ...base,
      controller: new FakeController(),
      listen: { host: '127.0.0.1', port: 0 },
      tls: { certificate: 'no', key: 'no', clientAuthority: null },
    });
    expect(broken).toMatchObject({ ok: false, error: { code: 'INVALID_TLS' } });
  });

  it('does not start with an operation that lets unknown fields through', async () => {
    const open = { ...testOperations.createTopic, body: Type.Object({ name: Type.String() }) };
    const starting = startHttpServer({
      ...base,
      controller: new FakeController(),
      operations: [open],
      listen: { host: '127.0.0.1', port: 0 },
    });
    await expect(starting).rejects.toThrow(InvariantViolation);
  });

  it('refuses administration above its share and still takes heartbeats', async () => {
    const { url, controller, server } = await serve({
      limits: { pendingMax: 3, administrationPendingMax: 2, answerGraceMs: 5 },
    });
    controller.answer = () => 'silent';
    const waiting = [1, 2].map(() => ask(`${url}/v1/topics/x?timeout_ms=400`));
    await expect.poll(() => server.pendingCount()).toBe(2);
    const refused = await ask(`${url}/v1/topics/x`);
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'THROTTLING_QUOTA_EXCEEDED', retryable: true },
    });
    controller.answer = () => ({ response: { isFenced: false } });
    const heartbeat = await ask(`${url}/v1/brokers/1/heartbeat`, 'POST', { brokerEpoch: 1 });
    expect(heartbeat.status).toBe(200);
    await Promise.all(waiting);
  });

  it('answers what it has taken before it closes, and refuses what comes after', async () => {
    const { url, controller, server } = await serve();
    const release: (() => void)[] = [];
    const submit = controller.submit.bind(controller);
    controller.submit = (requests, complete) =>
      submit(requests, (answer) => release.push(() => complete(answer)));
    const pending = ask(`${url}/v1/topics/x`);
    await expect.poll(() => release.length).toBe(1);
    const closing = server.close();
    for (const complete of release) complete();
    const answer = await pending;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    await closing;
    await expect(ask(`${url}/livez`)).rejects.toThrow('fetch failed');
  });

  it('closes within its grace although a controller never answers', async () => {
    const { url, controller, server } = await serve({ limits: { answerGraceMs: 5, closeGraceMs: 20 } });
    controller.answer = () => 'silent';
    const pending = ask(`${url}/v1/topics`, 'POST', topic);
    await expect.poll(() => server.pendingCount()).toBe(1);
    await server.close();
    expect((await pending).body).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});

describe('the probes', () => {
  it('call a process live whatever became of the quorum', async () => {
    const { url, controller } = await serve();
    controller.loseLeader();
    expect(await ask(`${url}/livez`)).toMatchObject({ status: 200, body: { status: 'live' } });
  });

  it('call a node ready when it serves, with every check on demand', async () => {
    const { url } = await serve();
    expect((await ask(`${url}/readyz`)).body).toEqual({ status: 'ready' });
    const verbose = await ask(`${url}/readyz?verbose`);
    expect(verbose.body).toMatchObject({ status: 'ready', checks: expect.any(Array) });
  });

  it.each([
    ['leader', { leaderId: null, role: 'candidate' }],
    ['leader', { active: false }],
    ['process', { role: 'starting' }],
    ['cluster', { clusterId: null }],
    ['contact', { lastContactMs: 60_000 }],
    ['contact', { lastContactMs: null }],
    ['disk', { recovering: true }],
    ['disk', { lowOnSpace: true }],
  ] as const)('name what keeps a node from serving: %s %o', async (name, changes) => {
    const { url, controller } = await serve();
    controller.currentStatus = fakeStatus(changes);
    const answer = await ask(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.body).toMatchObject({ status: 'not ready', checks: [{ name, ok: false }] });
  });
});
