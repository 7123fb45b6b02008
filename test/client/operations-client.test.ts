import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createHttp } from 'node:http';
import { Type } from 'typebox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { nodeId } from '../../src/base/brands.ts';
import {
  createOperationsClient,
  type ClientOptions,
  type OperationsBinding,
} from '../../src/client/operations-client.ts';
import {
  NoAnswerError,
  OttlaError,
  OutcomeUnknownError,
  UnexpectedAnswerError,
} from '../../src/client/errors.ts';
import type { OperationDescription } from '../../src/client/protocol/description.ts';
import { nodeOperations, probeOperations } from '../../src/client/protocol/node-operations.ts';
import { fakeStatus, testOperations, FakeController, type FakeResult } from '../http/fake-controller.ts';
import { serve, type Served } from '../http/serve.ts';

const openSession = {
  operationId: 'openSession',
  method: 'POST',
  path: '/sessions',
  summary: 'Opens a session.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator', 'broker'],
  params: Type.Object({}, { additionalProperties: false }),
  query: Type.Object({}, { additionalProperties: false }),
  body: Type.Object({}, { additionalProperties: false }),
  response: Type.Object({ sessionId: Type.Integer() }),
  errors: [],
} as const satisfies OperationDescription;

const operations = { ...testOperations, openSession, ...nodeOperations, ...probeOperations };

const binding: OperationsBinding<typeof operations> = {
  operations,
  probes: new Set(['getLiveness', 'getReadiness']),
  openSession: {
    operationId: 'openSession',
    input: {},
    sessionIdOf: (response) =>
      typeof response === 'object' && response !== null && 'sessionId' in response
        ? Number(response.sessionId)
        : null,
  },
  sessionWindow: 100,
};

function client(endpoints: readonly string[], options: Partial<ClientOptions> = {}) {
  const made = createOperationsClient(binding, { endpoints, timeoutMs: 5_000, ...options });
  onTestFinished(() => made.close());
  return made;
}

const sessionOperations = [...Object.values(testOperations), openSession];

async function node(): Promise<Served> {
  const served = await serve({ operations: sessionOperations });
  withSessions(served.controller, () => ({ response: { topicId: 'x' } }));
  return served;
}

/** Sessions 100, 101 … and, for everything else, what the test says. */
function withSessions(controller: FakeController, answer: (typeof controller)['answer']): void {
  let next = 100;
  controller.answer = (request): FakeResult =>
    request.operationId === 'openSession' ? { response: { sessionId: next++ } } : answer(request);
}

const topic = { name: 'orders', partitions: 6 };

async function freePort(): Promise<number> {
  const server = await listen(createServer());
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen<Kind extends Server>(server: Kind): Promise<Kind> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('a client', () => {
  it('has a method for each operation, with one flat input', async () => {
    const { url, controller } = await node();
    const created = await client([url]).createTopic({ ...topic, validateOnly: true });
    expect(created.topicId).toBe('x');
    withSessions(controller, () => ({ response: { isFenced: true } }));
    const heartbeat = await client([url]).brokerHeartbeat({ brokerId: 3, brokerEpoch: 9 });
    expect(heartbeat.isFenced).toBe(true);
    const inputs = controller.requests.filter((request) => request.operationId !== 'openSession');
    expect(inputs.map((request) => request.input)).toEqual([
      { params: {}, query: { validateOnly: true }, body: topic },
      { params: { brokerId: 3 }, query: {}, body: { brokerEpoch: 9 } },
    ]);
  });

  it('asks for a validation without a key, so that it may be repeated', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({ response: { topicId: 'x' } }));
    const made = client([url]);
    await made.createTopic(topic, { validateOnly: true });
    await Promise.all([1, 2].map(() => made.createTopic(topic, { validateOnly: true })));
    expect(controller.requests).toMatchObject(
      [1, 2, 3].map(() => ({ operationId: 'createTopic', validateOnly: true, idempotencyKey: null })),
    );
  });

  it('writes under one session, a sequence each, and lets the server forget what is answered', async () => {
    const { url, controller } = await node();
    const writer = client([url]);
    await writer.createTopic(topic);
    await Promise.all([writer.createTopic(topic), writer.createTopic(topic)]);
    await writer.deleteTopic({ topic: 'x' });
    const keys = controller.requests.map((request) => request.idempotencyKey);
    expect(keys).toEqual([
      null,
      { sessionId: 100, sequence: 0, forgetBelow: 0 },
      { sessionId: 100, sequence: 1, forgetBelow: 1 },
      { sessionId: 100, sequence: 2, forgetBelow: 1 },
      { sessionId: 100, sequence: 3, forgetBelow: 3 },
    ]);
  });

  it('sends neither reads nor heartbeats under a key, nor a write that does not want one', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({
      response: { name: 'x', partitions: 1, isFenced: false, topicId: 'x' },
    }));
    const made = client([url]);
    await made.describeTopic({ topic: 'x' });
    await made.brokerHeartbeat({ brokerId: 3, brokerEpoch: 9 });
    await made.createTopic(topic, { exactlyOnce: false });
    expect(controller.requests.map((request) => request.idempotencyKey)).toEqual([null, null, null]);
  });

  it('repeats a write under the same key when its outcome was unknown', async () => {
    const { url, controller } = await node();
    let attempts = 0;
    withSessions(controller, () => {
      attempts += 1;
      return attempts === 1 ? { code: 'OUTCOME_UNKNOWN' } : { response: { topicId: 'second' } };
    });
    const answer = await client([url]).call('createTopic', topic);
    expect(answer).toMatchObject({ response: { topicId: 'second' }, attempts: 2, offset: 42, epoch: 3 });
    const [, first, second] = controller.requests;
    expect(first?.idempotencyKey).toEqual(second?.idempotencyKey);
  });

  it('reports a write without a key as unknown instead of sending it again', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({ code: 'OUTCOME_UNKNOWN' }));
    const call = client([url]).createTopic(topic, { exactlyOnce: false });
    await expect(call).rejects.toThrow(OutcomeUnknownError);
    expect(controller.requests).toHaveLength(1);
  });

  it('gives what became of a call as one of four values, and throws what is no word on it', async () => {
    const { url, controller } = await node();
    const made = client([url]);
    withSessions(controller, () => ({ response: { topicId: 'first' } }));
    expect(await made.outcome('createTopic', topic)).toMatchObject({
      type: 'answered',
      response: { topicId: 'first' },
      offset: 42,
    });
    withSessions(controller, () => ({ code: 'TOPIC_ALREADY_EXISTS' }));
    const refused = await made.outcome('createTopic', topic);
    expect(refused).toMatchObject({ type: 'refused', error: { code: 'TOPIC_ALREADY_EXISTS' } });
    withSessions(controller, () => ({ code: 'OUTCOME_UNKNOWN' }));
    const unknown = await made.outcome('createTopic', topic, { timeoutMs: 200 });
    expect(unknown).toMatchObject({ type: 'unknown', error: { operationId: 'createTopic' } });
    const key = unknown.type === 'unknown' ? unknown.error.key : null;
    expect(key).toMatchObject({ sessionId: 100 });
    const dead = client([`http://127.0.0.1:${await freePort()}`], { timeoutMs: 100 });
    expect(await dead.outcome('createTopic', topic)).toMatchObject({ type: 'unanswered' });
    withSessions(controller, () => ({ response: { name: 'x' } }));
    await expect(made.outcome('describeTopic', { topic: 'x' })).rejects.toThrow(UnexpectedAnswerError);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(made.outcome('describeTopic', { topic: 'x' }, { signal })).rejects.toThrow('enough');
  });

  it('is closed where its scope ends', async () => {
    const { url } = await node();
    const made = client([url]);
    await made.createTopic(topic);
    await made[Symbol.asyncDispose]();
    await expect(made.createTopic(topic, { timeoutMs: 50 })).rejects.toThrow(Error);
  });

  it('opens another session when the cluster has forgotten the first, and takes a new key', async () => {
    const { url, controller } = await node();
    withSessions(controller, (request) =>
      request.idempotencyKey?.sessionId === 100
        ? { code: 'SESSION_EXPIRED' }
        : { response: { topicId: 'x' } },
    );
    await client([url]).createTopic(topic);
    expect(controller.requests.map((request) => request.idempotencyKey?.sessionId ?? null)).toEqual([
      null,
      100,
      null,
      101,
    ]);
  });

  it('goes on with another endpoint when one is down, and with none says so', async () => {
    const { url } = await node();
    const dead = `http://127.0.0.1:${await freePort()}`;
    for (let round = 0; round < 4; round++) await client([dead, url]).createTopic(topic);
    const lonely = client([dead], { timeoutMs: 150 });
    await expect(lonely.createTopic(topic)).rejects.toThrow(NoAnswerError);
    await expect(lonely.createTopic(topic)).rejects.toThrow(dead);
  });

  it('goes on with another endpoint when one does not lead and says so, and stays there', async () => {
    const [first, second] = [await node(), await node()];
    first.controller.currentStatus = fakeStatus({ nodeId: nodeId(1), leaderId: nodeId(0) });
    withSessions(first.controller, () => ({ code: 'NOT_CONTROLLER', retryAfterMs: 1 }));
    const made = client([first.url, second.url]);
    for (let round = 0; round < 5; round++) await made.createTopic(topic);
    expect(first.controller.requests.length).toBeLessThanOrEqual(2);
  });

  it('finds the leader’s endpoint though a follower answers everything, and stays there', async () => {
    const endpoints: string[] = [];
    const follower = new FakeController();
    follower.currentStatus = fakeStatus({ nodeId: nodeId(1), leaderId: nodeId(0) });
    follower.forwarded = true;
    for (const controller of [follower, new FakeController()]) {
      withSessions(controller, () => ({ response: { name: 'x', partitions: 1, topicId: 'x' } }));
      endpoints.push((await serve({ controller, operations: sessionOperations })).url);
    }
    for (let round = 0; round < 4; round++) {
      const made = client(endpoints);
      await expect
        .poll(async () => (await made.call('describeTopic', { topic: 'x' }).catch(() => null))?.forwarded)
        .toBe(false);
      const heard = follower.requests.length;
      for (let at = 0; at < 5; at++) await made.createTopic(topic);
      expect(follower.requests).toHaveLength(heard);
    }
  });

  it('goes on with another endpoint when one takes requests and never answers', async () => {
    const silent = await listen(createServer());
    onTestFinished(() => void silent.close());
    const { url, controller } = await node();
    withSessions(controller, () => ({ response: { name: 'x', partitions: 1 } }));
    const { port } = silent.address() as AddressInfo;
    const endpoints = [`http://127.0.0.1:${port}`, url];
    for (let round = 0; round < 3; round++) {
      const made = client(endpoints, { attemptTimeoutMs: 20, timeoutMs: 20_000 });
      expect(await made.describeTopic({ topic: 'x' })).toEqual({ name: 'x', partitions: 1 });
    }
  });

  it('hands a definite error on as it is', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({ code: 'TOPIC_ALREADY_EXISTS', message: 'There is one.' }));
    const error: unknown = await client([url])
      .createTopic(topic)
      .catch((reason: unknown) => reason);
    assert(error instanceof OttlaError, 'the error is one of ours');
    expect(error).toMatchObject({ code: 'TOPIC_ALREADY_EXISTS', status: 409, retryable: false });
    expect(error.message).toBe('createTopic: TOPIC_ALREADY_EXISTS: There is one.');
    expect(controller.requests).toHaveLength(2);
  });

  it('reads on any node, and never from before what it has seen', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({ response: { name: 'x', partitions: 1 } }));
    const made = client([url]);
    await made.describeTopic({ topic: 'x' });
    await made.describeTopic({ topic: 'x' }, { consistency: 'stale' });
    expect(controller.requests.map((request) => [request.consistency, request.minOffset])).toEqual([
      ['linearizable', null],
      ['stale', 42],
    ]);
  });

  it('drops what a newer server says beyond its knowledge, and refuses what it misses', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => ({ response: { name: 'x', partitions: 1, colour: 'red' } }));
    expect(await client([url]).describeTopic({ topic: 'x' })).toEqual({ name: 'x', partitions: 1 });
    withSessions(controller, () => ({ response: { name: 'x' } }));
    await expect(client([url]).describeTopic({ topic: 'x' })).rejects.toThrow(UnexpectedAnswerError);
  });

  it('takes the answer of something that is not Ottla for no answer', async () => {
    const stranger = await listen(createHttp((_request, response) => void response.end('{"name":"x"}')));
    onTestFinished(() => void stranger.close());
    const { port } = stranger.address() as AddressInfo;
    const made = client([`http://127.0.0.1:${port}`], { timeoutMs: 100 });
    await expect(made.describeTopic({ topic: 'x' })).rejects.toThrow('is a proxy in between?');
    await expect(made.createTopic(topic, { exactlyOnce: false })).rejects.toThrow(OutcomeUnknownError);
  });

  it('knows a node that is not ready from one that does not answer', async () => {
    const { url, controller } = await node();
    expect(await client([url]).getReadiness()).toEqual({ status: 'ready' });
    controller.loseLeader();
    expect(await client([url]).getReadiness()).toMatchObject({ status: 'not ready' });
    expect(await client([url]).getLiveness()).toEqual({ status: 'live' });
  });

  it('can be told to stop waiting: a write in mid-air is unknown, a read ends with the reason', async () => {
    const { url, controller } = await node();
    withSessions(controller, () => 'silent');
    const made = client([url]);
    const abort = new AbortController();
    const write = made.createTopic(topic, { signal: abort.signal });
    const read = made.describeTopic({ topic: 'x' }, { signal: abort.signal });
    const settled = Promise.allSettled([write, read]);
    await expect.poll(() => controller.requests.length).toBe(3);
    abort.abort(new Error('enough'));
    expect(await settled).toMatchObject([
      { reason: { name: 'OutcomeUnknownError' } },
      { reason: { message: 'enough' } },
    ]);
  });

  it('sends the writes of one moment together, and one alone as a request of its own', async () => {
    const { url, controller } = await node();
    withSessions(controller, (request) =>
      request.operationId === 'deleteTopic'
        ? { code: 'UNKNOWN_TOPIC_OR_PARTITION' }
        : { response: { topicId: `${request.idempotencyKey?.sequence}` } },
    );
    const made = client([url]);
    await made.createTopic(topic);
    const settled = await Promise.allSettled([
      made.createTopic({ ...topic, validateOnly: true }),
      made.deleteTopic({ topic: 'a/b c' }),
      made.createTopic(topic, { exactlyOnce: false, ifMatch: 7, timeoutMs: 900 }),
    ]);
    expect(settled).toMatchObject([
      { value: { topicId: '1' } },
      { reason: { code: 'UNKNOWN_TOPIC_OR_PARTITION', status: 404 } },
      { value: { topicId: 'undefined' } },
    ]);
    expect(controller.batches.map((requests) => requests.length)).toEqual([1, 1, 3]);
    // The one without a key need not wait for any.
    expect(controller.requests.slice(2)).toMatchObject([
      { input: { body: topic }, idempotencyKey: null, ifMatch: 7, timeoutMs: 900 },
      { input: { params: {}, query: { validateOnly: true }, body: topic }, idempotencyKey: { sequence: 1 } },
      { input: { params: { topic: 'a/b c' }, query: {}, body: {} }, idempotencyKey: { sequence: 2 } },
    ]);
  });

  it('repeats of a batch only what has no answer yet, under the same keys', async () => {
    const { url, controller } = await node();
    const failedOnce = new Set<number>();
    withSessions(controller, ({ idempotencyKey }) => {
      const sequence = idempotencyKey?.sequence ?? 0;
      if (sequence % 3 !== 0 || failedOnce.has(sequence)) return { response: { topicId: `${sequence}` } };
      failedOnce.add(sequence);
      return { code: 'OUTCOME_UNKNOWN' };
    });
    const made = client([url]);
    const answers = await Promise.all(Array.from({ length: 9 }, () => made.call('createTopic', topic)));
    expect(answers.map(({ attempts }) => attempts)).toEqual([2, 1, 1, 2, 1, 1, 2, 1, 1]);
    expect(answers.map(({ response }) => response.topicId)).toEqual('012345678'.split(''));
    const sequences = controller.requests.map((request) => request.idempotencyKey?.sequence ?? null);
    const repeated = sequences.slice(10).sort((left, right) => Number(left) - Number(right));
    expect([sequences.slice(0, 10), repeated]).toEqual([
      [null, 0, 1, 2, 3, 4, 5, 6, 7, 8],
      [0, 3, 6],
    ]);
  });

  it('keeps as many writes outstanding as it was told, and lets the rest wait their turn', async () => {
    const { url, controller } = await node();
    const held: (() => void)[] = [];
    const submit = controller.submit.bind(controller);
    controller.submit = (requests, complete) =>
      submit(requests, (answer) => held.push(() => complete(answer)));
    const made = client([url], { outstandingWritesMax: 2 });
    const writes = Array.from({ length: 5 }, () => made.createTopic(topic));
    const release = async (expected: number): Promise<void> => {
      await expect.poll(() => held.length).toBe(expected);
      for (const complete of held.splice(0)) complete();
    };
    await release(1);
    await release(2);
    await release(2);
    await release(1);
    await Promise.all(writes);
    expect(controller.requests.map((request) => request.idempotencyKey?.sequence ?? null)).toEqual([
      null,
      0,
      1,
      2,
      3,
      4,
    ]);
  });

  it.each(['nonsense', 'ftp://127.0.0.1', 'http://127.0.0.1:9644/v1'])(
    'refuses %s for an endpoint and shows a good one',
    (endpoint) => {
      expect(() => createOperationsClient(binding, { endpoints: [endpoint] })).toThrow(
        'http://127.0.0.1:9644',
      );
    },
  );
});
