import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { Batcher } from '../../src/client/batcher.ts';
import { Caller, type Call } from '../../src/client/caller.ts';
import { nodeClock } from '../../src/client/node-clock.ts';
import { Endpoints } from '../../src/client/core/endpoints.ts';
import { NoAnswerError, OttlaError, OutcomeUnknownError } from '../../src/client/errors.ts';
import type { Exchange, ExchangeRequest, ExchangeResult } from '../../src/client/exchange.ts';
import { makeProblem } from '../../src/client/protocol/problem.ts';
import { SessionKeys } from '../../src/client/sessions.ts';
import { ClusterModel, type Trouble } from './cluster-model.ts';

function useTestTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  });
  onTestFinished(() => void vi.useRealTimers());
}

const standing = { nodeId: 0, leaderId: 0, offset: 9, epoch: 1, forwarded: false };

/** An exchange that keeps what it is given until the test answers it. */
class HeldExchange implements Exchange {
  readonly sent: {
    readonly request: ExchangeRequest;
    readonly end: (result: ExchangeResult) => void;
    readonly names: readonly string[];
  }[] = [];

  send(_endpoint: number, request: ExchangeRequest): Promise<ExchangeResult> {
    return new Promise((resolve) => {
      const { operations } = JSON.parse(request.body ?? '') as { readonly operations?: readonly string[] };
      this.sent.push({ request, end: resolve, names: operations ?? [String(request.path)] });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Answers the batch with the given number with a result for each of its operations. */
  answer(at: number): void {
    const { end, names } = this.batch(at);
    const results = names.map((name) => ({ status: 200, ...standing, response: name }));
    end({ type: 'answer', status: 200, body: { results }, standing });
  }

  batch(at: number): HeldExchange['sent'][number] {
    const sent = this.sent[at];
    assert(sent !== undefined, `only ${this.sent.length} requests were sent`);
    return sent;
  }
}

function held(limits = { operationsMax: 3, bytesMax: 1_000, inFlightMax: 1 }) {
  useTestTime();
  const exchange = new HeldExchange();
  const batcher = new Batcher({
    exchange,
    endpointCount: 2,
    clock: nodeClock,
    limits,
  });
  const outcomes = new Map<string, ExchangeResult>();
  const send = (name: string, timeoutMs = 1_000, signal: AbortSignal | null = null): void => {
    const alone = (): ExchangeRequest => ({
      method: 'POST',
      path: name,
      headers: {},
      body: '{}',
      timeoutMs,
      signal,
    });
    void batcher
      .send(0, { text: JSON.stringify(name), alone, timeoutMs, signal })
      .then((result) => outcomes.set(name, result));
  };
  const turn = async (ms = 0): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));
  const types = () => [...outcomes].map(([name, { type }]) => `${name} ${type}`);
  return { exchange, send, turn, outcomes, types };
}

describe('attempts that begin together', () => {
  it('travel together, and what comes meanwhile gathers for the next journey', async () => {
    const { exchange, send, turn, types } = held();
    send('a');
    send('b');
    await turn();
    for (const name of ['c', 'd', 'e', 'f']) send(name);
    await turn();
    expect(exchange.sent.map(({ names }) => names)).toEqual([['a', 'b']]);
    exchange.answer(0);
    await turn();
    exchange.answer(1);
    await turn();
    expect(exchange.sent.map(({ names }) => names)).toEqual([['a', 'b'], ['c', 'd', 'e'], ['f']]);
    expect(types()).toEqual(['a answer', 'b answer', 'c answer', 'd answer', 'e answer']);
  });

  it('get each its own result', async () => {
    const { exchange, send, turn, outcomes } = held();
    for (const name of ['a', 'b', 'c']) send(name);
    await turn();
    const problem = makeProblem({ code: 'TOPIC_ALREADY_EXISTS', message: 'm' });
    const [good, bad] = [{ status: 200, ...standing, response: { fine: true } }, { nonsense: true }];
    const results = [good, { status: 409, ...standing, problem }, bad];
    exchange.batch(0).end({ type: 'answer', status: 200, body: { results }, standing });
    await turn();
    expect(outcomes.get('a')).toEqual({ type: 'answer', status: 200, body: { fine: true }, standing });
    expect(outcomes.get('b')).toEqual({ type: 'problem', problem, standing });
    expect(outcomes.get('c')).toMatchObject({ type: 'lost' });
  });

  it.each([
    [{ type: 'lost', reason: 'cut off' }, 'lost'],
    [{ type: 'unreachable', reason: 'refused' }, 'unreachable'],
    [
      { type: 'problem', problem: makeProblem({ code: 'NOT_CONTROLLER', message: 'm' }), standing },
      'problem',
    ],
    // What may have been executed is not sent again by itself.
    [
      { type: 'problem', problem: makeProblem({ code: 'OUTCOME_UNKNOWN', message: 'm' }), standing },
      'problem',
    ],
    [{ type: 'answer', status: 200, body: { results: [] }, standing }, 'lost'],
  ] as const)('come each to what the whole came to: %o', async (whole, type) => {
    const { exchange, send, turn, types } = held();
    send('a');
    send('b');
    await turn();
    exchange.batch(0).end(whole);
    await turn();
    expect(types()).toEqual([`a ${type}`, `b ${type}`]);
    expect(exchange.sent).toHaveLength(1);
  });

  it.each(['REQUEST_TOO_LARGE', 'RESOURCE_NOT_FOUND'] as const)(
    'go each alone where batches are answered with %s',
    async (code) => {
      const { exchange, send, turn } = held();
      send('a');
      send('b');
      await turn();
      exchange.batch(0).end({ type: 'problem', problem: makeProblem({ code, message: 'm' }), standing });
      await turn();
      expect(exchange.sent.slice(1).map(({ request }) => request.path)).toEqual(['a', 'b']);
    },
  );

  it('go not alone when nobody waits for them any more', async () => {
    const { exchange, send, turn, types } = held();
    const abort = new AbortController();
    send('a', 1_000, abort.signal);
    send('b');
    await turn();
    abort.abort();
    const problem = makeProblem({ code: 'REQUEST_TOO_LARGE', message: 'm' });
    exchange.batch(0).end({ type: 'problem', problem, standing });
    await turn();
    expect(exchange.sent.slice(1).map(({ request }) => request.path)).toEqual(['b']);
    expect(types()).toEqual(['a lost']);
  });

  it('end each in its own time: as lost when it has left, as never sent when it has not', async () => {
    const { exchange, send, turn, outcomes, types } = held();
    send('short', 50);
    send('long', 500);
    await turn();
    // The connection is held for the one that waits longest.
    expect(exchange.batch(0).request.timeoutMs).toBe(500);
    send('waiting', 80);
    await turn(60);
    expect(types()).toEqual(['short lost']);
    await turn(30);
    expect(types()).toEqual(['short lost', 'waiting unreachable']);
    exchange.answer(0);
    await turn();
    expect(outcomes.get('long')?.type).toBe('answer');
    expect(exchange.sent).toHaveLength(1);
  });

  it('are abandoned each by itself, and the journey ends when nobody waits for it', async () => {
    const { exchange, send, turn, types } = held();
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    send('a', 1_000, first.signal);
    send('b', 1_000, second.signal);
    await turn();
    send('c', 1_000, third.signal);
    third.abort();
    first.abort();
    await turn();
    expect(types()).toEqual(['c unreachable', 'a lost']);
    expect(exchange.batch(0).request.signal?.aborted).toBe(false);
    second.abort();
    await turn();
    expect(exchange.batch(0).request.signal?.aborted).toBe(true);
  });

  it('never leave when they are abandoned before they begin', async () => {
    const { exchange, send, turn, types } = held();
    send('a', 1_000, AbortSignal.abort());
    await turn(2_000);
    expect(types()).toEqual(['a unreachable']);
    expect(exchange.sent).toEqual([]);
  });
});

const calm: Trouble = {
  unreachable: 0,
  lostBefore: 0,
  lostAfter: 0,
  late: 0,
  leaderChange: 0,
  sessionLoss: 0,
};
const windowMax = 30;

type Ended = { readonly type: string; readonly topicId: string | null };

/** A client of the model's cluster, with the parts that `createClient` puts together. */
function clientOf(cluster: Exchange, random: Random, outstandingMax = 20) {
  const caller = new Caller({
    endpoints: ['a', 'b', 'c'],
    chooser: new Endpoints(3, random.integer(3)),
    exchange: cluster,
    batcher: new Batcher({
      exchange: cluster,
      endpointCount: 3,
      clock: nodeClock,
      limits: { operationsMax: 8, bytesMax: 100_000, inFlightMax: 2 },
    }),
    backoff: { baseMs: 5, maxMs: 50 },
    attemptTimeoutMs: 40,
    refusedMaxMs: Number.POSITIVE_INFINITY,
    random,
    clock: nodeClock,
  });
  const call = (operationId: string, body: string, more: Partial<Call> = {}): Call => ({
    operationId,
    repeat: 'keyed',
    method: 'POST',
    path: () => (operationId === 'openSession' ? '/v1/sessions' : '/v1/topics'),
    query: {},
    body,
    headers: {},
    entry: `"operationId":"${operationId}","body":${body}`,
    timeoutMs: 2_000,
    attemptsMax: Number.MAX_SAFE_INTEGER,
    signal: null,
    ...more,
  });
  const keys = new SessionKeys({
    open: async (timeoutMs) => {
      const { body } = await caller.call(call('openSession', '{}', { repeat: 'harmless', timeoutMs }), null);
      return (body as { readonly sessionId: number }).sessionId;
    },
    windowMax,
    outstandingMax,
    waitingMax: 1_000,
    openTimeoutMs: 2_000,
    clock: nodeClock,
  });
  return async (name: string, more: Partial<Call> = {}): Promise<Ended> => {
    const made = call('createTopic', JSON.stringify({ name }), more);
    try {
      const { body } = await caller.call(made, made.repeat === 'keyed' ? keys : null);
      return { type: 'answered', topicId: (body as { readonly topicId: string }).topicId };
    } catch (error) {
      if (error instanceof OttlaError) return { type: `refused ${error.code}`, topicId: null };
      if (error instanceof OutcomeUnknownError) return { type: 'unknown', topicId: null };
      if (error instanceof NoAnswerError || error === 'enough') return { type: 'unchanged', topicId: null };
      throw error;
    }
  };
}

/** Whether what the caller was told agrees with what was done. */
function complaintAbout(name: string, ended: readonly Ended[], done: readonly string[]): string | null {
  const [end] = ended;
  if (end === undefined || ended.length !== 1) return `${name} ended ${ended.length} times`;
  if (done.length > 1) return `${name} was executed ${done.length} times`;
  if (end.type === 'unknown') return null;
  if (end.type === 'answered') {
    return done[0] === end.topicId ? null : `${name} was answered ${end.topicId} and is ${done[0]}`;
  }
  return done.length === 0 ? null : `${name} was executed and told: ${end.type}`;
}

const callCount = 60;

async function trial(
  seed: number,
): Promise<{ readonly complaints: readonly string[]; readonly types: string[] }> {
  const random = seededRandom(seed);
  const upTo = (max: number): number => (random.chance(1, 2) ? 0 : random.integer(max));
  const cluster = new ClusterModel(
    random.fork(),
    {
      unreachable: upTo(30),
      lostBefore: upTo(20),
      lostAfter: upTo(30),
      late: upTo(10),
      leaderChange: upTo(15),
      sessionLoss: upTo(4),
    },
    windowMax,
  );
  const write = clientOf(cluster, random.fork());
  const ended = new Map<string, Ended[]>();
  const begin = (name: string): void => {
    const abort = new AbortController();
    if (random.chance(1, 10)) setTimeout(() => abort.abort('enough'), random.integer(120));
    const more: Partial<Call> = {
      repeat: random.chance(1, 5) ? 'never' : 'keyed',
      timeoutMs: random.chance(1, 5) ? 10 + random.integer(100) : 1_500,
      signal: abort.signal,
    };
    void write(name, more).then((end) => ended.set(name, [...(ended.get(name) ?? []), end]));
  };
  for (let at = 0; at < callCount; at++) setTimeout(() => begin(`topic-${at}`), random.integer(100));
  await vi.advanceTimersByTimeAsync(4_000);
  // Whatever was on its way has arrived, and nothing more may come of it.
  cluster.trouble = calm;
  await vi.advanceTimersByTimeAsync(2_000);
  const names = Array.from({ length: callCount }, (_, at) => `topic-${at}`);
  const complaints = names
    .map((name) => complaintAbout(name, ended.get(name) ?? [], cluster.ledger.get(name) ?? []))
    .filter((complaint) => complaint !== null);
  complaints.push(...cluster.reusedKeys.map((key) => `the key ${key} was used for two requests`));
  return { complaints, types: [...ended.values()].flat().map(({ type }) => type) };
}

describe('calls whose attempts travel together', () => {
  it('end exactly once, and as the cluster’s ledger has it, whatever is lost, late or moved', async () => {
    useTestTime();
    const seen = new Set<string>();
    for (let seed = 1; seed <= 150; seed++) {
      const { complaints, types } = await trial(seed);
      expect({ seed, complaints }).toEqual({ seed, complaints: [] });
      for (const type of types) seen.add(type);
    }
    // The trials have been everywhere.
    for (const type of ['answered', 'unknown', 'unchanged', 'refused TOPIC_ALREADY_EXISTS']) {
      expect(seen).toContain(type);
    }
  });

  it('all succeed, few journeys and none of them twice, when nothing goes wrong', async () => {
    useTestTime();
    const cluster = new ClusterModel(seededRandom(1), calm, windowMax);
    const write = clientOf(cluster, seededRandom(2));
    const names = Array.from({ length: 100 }, (_, at) => `topic-${7 * at}`);
    const ended = Promise.all(names.map((name) => write(name, { timeoutMs: 60_000 })));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await ended).map(({ topicId }) => [topicId])).toEqual(
      names.map((name) => cluster.ledger.get(name)),
    );
    expect(Math.max(...cluster.batchSizes)).toBe(8);
    expect(cluster.batchSizes.length).toBeLessThan(40);
  });

  it('end at once when their caller abandons them, though their answers never come', async () => {
    useTestTime();
    const exchange = new HeldExchange();
    const write = clientOf(exchange, seededRandom(2));
    const abort = new AbortController();
    const ended: string[] = [];
    for (const name of ['topic-1', 'topic-2']) {
      const more: Partial<Call> = { repeat: 'never', signal: abort.signal };
      void write(name, more).then(({ type }) => ended.push(`${name} ${type}`));
    }
    await vi.advanceTimersByTimeAsync(5);
    expect(exchange.sent).toHaveLength(1);
    abort.abort('enough');
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).toEqual(['topic-1 unknown', 'topic-2 unknown']);
  });

  it('take their turn in the order in which they came', async () => {
    useTestTime();
    const cluster = new ClusterModel(seededRandom(1), calm, windowMax);
    const write = clientOf(cluster, seededRandom(2), 1);
    const order: number[] = [];
    for (let at = 0; at < 30; at++) void write(`topic-${7 * at}`).then(() => order.push(at));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(order).toEqual(Array.from({ length: 30 }, (_, at) => at));
  });
});
