import { assert } from '../../base/assert.ts';
import { isOffset, type Offset } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import type { Clock } from '../../ports/clock.ts';
import type { WatchedKind } from '../../metadata/registry.ts';
import type { WatchEvent as AnyWatchEvent } from '../../runtime/watch/watch-api.ts';
import { wait } from '../wait.ts';
import type { Backoff } from '../core/backoff.ts';
import { WatchCore, type WatchBreak } from '../core/watch-core.ts';
import { OttlaError } from '../errors.ts';
import { apiPrefix } from '../protocol/headers.ts';
import { isErrorCode, makeProblem, type Problem } from '../protocol/problem.ts';
import { watchPath, type WatchMessage } from '../protocol/watch.ts';
import { FrameReader } from './frame-reader.ts';
import type { Streams } from './streams.ts';

export type WatchOptions = {
  /**
   * Everything below this offset is known: the watch goes on with the batch that holds it, and ends in
   * OFFSET_OUT_OF_RANGE where the log no longer does. Without it the state comes first, and comes again where the
   * log has lost the watch's place.
   */
  readonly since?: number;
  /** Records of these kinds only. */
  readonly kinds?: readonly WatchedKind[];
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal;
};

/** What a watch gives; what it means for the order is in `WatchCore`. */
export type WatchEvent = Exclude<AnyWatchEvent, { readonly kind: 'heartbeat' }>;

export type WatchPorts = {
  readonly streams: Streams;
  readonly endpointCount: number;
  readonly backoff: Backoff;
  readonly random: Random;
  readonly clock: Clock;
  /** An offset that the watch has shown. */
  readonly onOffset: (offset: number) => void;
};

type Break = { readonly reason: WatchBreak; readonly problem: Problem | null };

/**
 * Watches a cluster for as long as it is read: a stream that breaks off is gone on with, on the next endpoint. It
 * throws OttlaError when it cannot go on. A reader that is slow is given what it has missed later, from the log.
 */
export async function* watch(
  options: WatchOptions,
  ports: WatchPorts,
): AsyncGenerator<WatchEvent, void, undefined> {
  const core = createCore(options, ports);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  options.signal?.addEventListener('abort', end, { once: true });
  if (options.signal?.aborted === true) end();
  try {
    while (!ended.signal.aborted) {
      const broken = yield* readStream(core, options, ports, ended.signal);
      if (ended.signal.aborted) return;
      const decision = core.broke(broken.reason);
      if (decision.type === 'failed')
        throw new OttlaError('watch', broken.problem ?? unexpected(decision.message));
      await wait(ports.clock, decision.afterMs, ended.signal);
    }
  } finally {
    end();
    options.signal?.removeEventListener('abort', end);
  }
}

function createCore(
  { since, kinds }: WatchOptions,
  { endpointCount, backoff, random }: WatchPorts,
): WatchCore {
  assert(since === undefined || isOffset(since), `${since} is no offset`);
  return new WatchCore({
    since: since ?? null,
    isFiltered: kinds !== undefined,
    endpointCount,
    firstEndpoint: random.integer(endpointCount),
    backoff,
    random,
  });
}

/** One stream from its beginning to its end, which it returns. */
async function* readStream(
  core: WatchCore,
  options: WatchOptions,
  ports: WatchPorts,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, Break, undefined> {
  const opened = await ports.streams.open(core.endpoint, pathOf(core.request, options.kinds), signal);
  if (opened.type === 'lost') return lost(opened.reason);
  if (opened.type === 'problem') return refused(opened.problem);
  const reader = new FrameReader();
  try {
    for await (const piece of opened.body) {
      const messages = reader.push(piece);
      if (!messages.ok) return lost(messages.error);
      const broken = yield* takeAll(core, messages.value, ports);
      if (broken !== null) return broken;
    }
    return lost('the stream ended without a word');
  } catch (error) {
    return lost(error instanceof Error ? error.message : String(error));
  } finally {
    opened.close();
  }
}

function* takeAll(
  core: WatchCore,
  messages: readonly WatchMessage[],
  ports: WatchPorts,
): Generator<WatchEvent, Break | null, undefined> {
  for (const message of messages) {
    const taken = take(core, message, ports);
    if (taken.broken !== null) return taken.broken;
    if (taken.event !== null) yield taken.event;
  }
  return null;
}

type Taken = { readonly event: WatchEvent | null; readonly broken: Break | null };

function take(core: WatchCore, message: WatchMessage, ports: WatchPorts): Taken {
  if (message.kind === 'begin') {
    core.begun(message);
    return { event: null, broken: null };
  }
  if (message.kind === 'end') {
    const { code, message: detail } = message;
    // The token may have been replaced meanwhile; whether the one that holds now is honoured, the next stream tells.
    if (code === 'SASL_AUTHENTICATION_FAILED') return { event: null, broken: lost(detail) };
    const problem = isErrorCode(code) ? makeProblem({ code, message: detail }) : unexpected(detail);
    return { event: null, broken: refused(problem) };
  }
  const step = core.take(message);
  if (step.type === 'fault') return { event: null, broken: lost(step.reason) };
  if (step.type === 'skip') return { event: null, broken: null };
  if (core.position !== null) ports.onOffset(core.position);
  return { event: step.event, broken: null };
}

function pathOf(
  { since, clusterId }: { readonly since: Offset | null; readonly clusterId: string | null },
  kinds: readonly WatchedKind[] | undefined,
): string {
  const query = new URLSearchParams();
  if (since !== null) query.set('since', String(since));
  // An offset means nothing in another cluster.
  if (clusterId !== null) query.set('clusterId', clusterId);
  if (kinds !== undefined) query.set('kinds', kinds.join(','));
  const text = query.toString();
  return apiPrefix + watchPath + (text === '' ? '' : `?${text}`);
}

function lost(reason: string): Break {
  return { reason: { type: 'lost', reason }, problem: null };
}

function refused(problem: Problem): Break {
  const { code, detail: message, retryable } = problem;
  return { reason: { type: 'ended', code, message, retryable }, problem };
}

function unexpected(message: string): Problem {
  return makeProblem({ code: 'UNKNOWN_SERVER_ERROR', message });
}
