import { assert } from '../../base/assert.ts';
import type { Offset, Uuid } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Random } from '../../base/random.ts';
import type { WatchBegin, WatchDelta, WatchEvent } from '../../runtime/watch/watch-api.ts';
import { backoffMs, type Backoff } from './backoff.ts';

export type WatchSettings = {
  /** Where the caller wants to begin; null for the state. */
  readonly since: Offset | null;
  /** Some records are left out, so that deltas have gaps. */
  readonly isFiltered: boolean;
  readonly endpointCount: number;
  /** Where to begin: watchers spread over all nodes, since each serves them as well as the leader does. */
  readonly firstEndpoint: number;
  readonly backoff: Backoff;
  readonly random: Random;
};

/** What a stream ended in, or what came in the place of one. */
export type WatchBreak =
  /** The cluster said why, before the stream began or at its end. */
  | { readonly type: 'ended'; readonly code: string; readonly message: string; readonly retryable: boolean }
  /** Nothing can be said but that it is over. */
  | { readonly type: 'lost'; readonly reason: string };

export type WatchDecision =
  | { readonly type: 'connect'; readonly afterMs: number }
  /** It cannot go on: the caller must know. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

/** What to do with an event. */
export type WatchStep =
  | { readonly type: 'give'; readonly event: Exclude<WatchEvent, { kind: 'heartbeat' }> }
  | { readonly type: 'skip' }
  /** The stream breaks what it promises: it is left, and another is begun where this one was last right. */
  | { readonly type: 'fault'; readonly reason: string };

/** The stream's own cluster or place is not there: trying again would not help. */
const finalCodes: ReadonlySet<string> = new Set(['INCONSISTENT_CLUSTER_ID', 'INVALID_REQUEST']);

/**
 * One watch over all its streams, without any input or output of its own: it decides what is asked for next
 * and checks what comes.
 *
 * Invariants
 * 1. What is given is ordered, unique and without gaps: with everything watched each delta begins where the
 *    one before ended, however often the stream broke off in between.
 * 2. `position` is where the next stream goes on; everything below it was given. It is null before and within
 *    the state, of which a half is worth nothing.
 * 3. A transaction is given as one delta once all of it has come. A stream that breaks off before leaves nothing of it,
 *    and the next one begins where it begins.
 * 4. A caller who said where to begin is never given the state in the place of what is lost: it is told. Any
 *    other begins again with the state.
 */
export class WatchCore {
  readonly #settings: WatchSettings;
  #position: Offset | null;
  #clusterId: Uuid | null = null;
  #endpoint: number;
  #failures = 0;
  /** Between `stateBegin` and `stateEnd`: where the state will stand. */
  #stateOffset: Offset | null = null;
  /** What has come of a transaction of which more must come. */
  #parts: WatchDelta[] = [];
  /** Nothing was given yet since the caller's own `since`, which may stand within a batch. */
  #isAtCallersPlace: boolean;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
    this.#position = settings.since;
    this.#isAtCallersPlace = settings.since !== null;
    this.#endpoint = settings.firstEndpoint;
  }

  get position(): Offset | null {
    return this.#position;
  }

  /** Which endpoint to ask, by its index. */
  get endpoint(): number {
    return this.#endpoint;
  }

  /** What to ask of it. */
  get request(): { readonly since: Offset | null; readonly clusterId: Uuid | null } {
    return { since: this.#position, clusterId: this.#clusterId };
  }

  begun(begin: WatchBegin): void {
    this.#clusterId = begin.clusterId;
    this.#stateOffset = null;
    this.#parts = [];
    if (this.#failures > 0 && this.#position !== null) coverageMark('watch: goes on where it broke off');
  }

  take(event: WatchEvent): WatchStep {
    const step = this.#take(event);
    if (step.type !== 'fault') this.#failures = 0;
    return step;
  }

  /** The stream is over, or none came about. */
  broke(reason: WatchBreak): WatchDecision {
    this.#stateOffset = null;
    this.#endpoint = (this.#endpoint + 1) % this.#settings.endpointCount;
    this.#failures += 1;
    if (reason.type === 'lost') return this.#again();
    const { code, message } = reason;
    if (code === 'OFFSET_OUT_OF_RANGE' && this.#settings.since === null) {
      coverageMark('watch: begins again with the state');
      this.#position = null;
      return { type: 'connect', afterMs: 0 };
    }
    const isFinal = finalCodes.has(code) || (!reason.retryable && code !== 'UNKNOWN_SERVER_ERROR');
    return isFinal ? { type: 'failed', code, message } : this.#again();
  }

  #again(): WatchDecision {
    const { backoff, random, endpointCount } = this.#settings;
    // The next endpoint is asked at once: one dead node costs no more than a refused connection.
    const isFresh = this.#failures < endpointCount;
    return { type: 'connect', afterMs: isFresh ? 0 : backoffMs(backoff, this.#failures, random) };
  }

  #take(event: WatchEvent): WatchStep {
    switch (event.kind) {
      case 'heartbeat':
        return skip;
      case 'stateBegin':
        if (this.#position !== null) return fault('the state was not asked for');
        if (this.#stateOffset !== null) return fault('the state begins twice');
        this.#stateOffset = event.offset;
        return { type: 'give', event };
      case 'state':
        return this.#stateOffset === null ? fault('a piece of no state') : { type: 'give', event };
      case 'stateEnd':
        if (this.#stateOffset !== event.offset) return fault('another state ends than has begun');
        this.#stateOffset = null;
        this.#position = event.offset;
        return { type: 'give', event };
      case 'delta':
        return this.#takeDelta(event);
      case 'bookmark':
        return this.#takeBookmark(event);
      default:
        return event satisfies never;
    }
  }

  #takeDelta(event: WatchDelta): WatchStep {
    const before = this.#position;
    if (before === null) return fault('a delta before the state is whole');
    const position = this.#parts.at(-1)?.endOffset ?? before;
    if (event.endOffset <= position) return fault(`the batch at ${event.baseOffset} came already`);
    const isSplit = event.baseOffset < position;
    if (isSplit && (!this.#isAtCallersPlace || this.#parts.length > 0))
      return fault(`half of the batch at ${event.baseOffset} came already`);
    if (event.baseOffset > position && !this.#settings.isFiltered) {
      return fault(`what stands between ${position} and ${event.baseOffset} did not come`);
    }
    if (event.continues === true) {
      this.#parts.push(event);
      return skip;
    }
    const whole = wholeOf([...this.#parts, event]);
    this.#parts = [];
    this.#position = event.endOffset;
    this.#isAtCallersPlace = false;
    return { type: 'give', event: whole };
  }

  #takeBookmark(event: Extract<WatchEvent, { kind: 'bookmark' }>): WatchStep {
    const position = this.#position;
    if (position === null) return fault('a bookmark before the state is whole');
    if (this.#parts.length > 0) return fault(`a bookmark at ${event.offset}, within a transaction`);
    if (event.offset < position) return fault(`a bookmark at ${event.offset}, behind ${position}`);
    if (event.offset > position && !this.#settings.isFiltered) {
      return fault(`a bookmark at ${event.offset}, ahead of ${position}`);
    }
    this.#position = event.offset;
    return { type: 'give', event };
  }
}

/** One change, whatever number of deltas it came in. */
function wholeOf(parts: readonly WatchDelta[]): WatchDelta {
  const [first] = parts;
  const last = parts.at(-1);
  assert(first !== undefined, 'a change has a first part');
  assert(last !== undefined, 'a change has a last part');
  if (parts.length === 1) return last;
  coverageMark('watch: a transaction has come in several deltas');
  const records = parts.flatMap((part) => part.records);
  return { ...last, baseOffset: first.baseOffset, records, parts };
}

const skip: WatchStep = { type: 'skip' };

function fault(reason: string): WatchStep {
  return { type: 'fault', reason };
}
