import { assert, assertDefined } from '../../../src/base/assert.ts';
import type { Offset } from '../../../src/base/brands.ts';
import { LocalImageCore } from '../../../src/client/core/local-image-core.ts';
import type {
  WatchBegin,
  WatchDelta,
  WatchEnd,
  WatchEvent,
  WatchHandle,
  WatchListener,
  WatchRequest,
} from '../../../src/runtime/watch/watch-api.ts';
import { builtInRegistry } from '../../../src/metadata/registry.ts';

type Open = (request: WatchRequest, listener: WatchListener) => WatchHandle;

/** A reader that keeps everything it was given, and by default asks for more at once. */
export class RecordedWatch implements WatchListener {
  readonly received: WatchEvent[] = [];
  /** Each array as it was given. */
  readonly given: (readonly WatchEvent[])[] = [];
  begin: WatchBegin | null = null;
  end: WatchEnd | null = null;
  isReading = true;
  readonly handle: WatchHandle;

  constructor(open: Open, request: Partial<WatchRequest> = {}) {
    this.handle = open({ since: null, clusterId: null, kinds: null, ...request }, this);
  }

  begun(begin: WatchBegin): void {
    assert(this.begin === null, 'a stream begins once');
    this.begin = begin;
    if (this.isReading) this.handle?.more();
  }

  events(events: readonly WatchEvent[]): void {
    assert(events.length > 0, 'nothing is no event');
    assert(this.end === null, 'nothing comes after the end');
    this.given.push(events);
    this.received.push(...events);
    if (this.isReading) this.handle.more();
  }

  ended(end: WatchEnd): void {
    assert(this.end === null, 'a stream ends once');
    this.end = end;
  }

  get deltas(): readonly WatchDelta[] {
    return this.received.filter((event): event is WatchDelta => event.kind === 'delta');
  }

  get kinds(): readonly string[] {
    return this.received.map(({ kind }) => kind);
  }

  get recordTypes(): readonly string[] {
    return this.deltas.flatMap(({ records }) => records.map(({ type }) => type));
  }

  /** Where it would resume. */
  get position(): Offset | null {
    const last = this.received.findLast((event) => event.kind !== 'heartbeat' && event.kind !== 'state');
    if (last?.kind === 'delta') return last.endOffset;
    return last?.kind === 'stateEnd' || last?.kind === 'bookmark' ? last.offset : null;
  }

  /** The copy that follows from everything that was given. */
  image(): LocalImageCore {
    const core = new LocalImageCore(builtInRegistry);
    for (const event of this.received) {
      if (event.kind === 'heartbeat') continue;
      const taken = core.take(event);
      if (!taken.ok) throw new Error(taken.error);
    }
    return core;
  }
}

/** Deltas of a whole stream follow each other without a gap. */
export function gaplessFrom(deltas: readonly WatchDelta[]): boolean {
  return deltas.every(
    (delta, at) => at === 0 || delta.baseOffset === assertDefined(deltas[at - 1], 'the one before').endOffset,
  );
}
