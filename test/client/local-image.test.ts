import { describe, expect, it } from 'vitest';
import { epoch, type Offset, offset } from '../../src/base/brands.ts';
import { followImage } from '../../src/client/watch/local-image.ts';
import type { WatchEvent } from '../../src/client/watch/watch.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const session = (at: number) => ({
  offset: offset(at),
  type: 'OpenSessionRecord',
  value: { sessionId: at, principal: 'tester', timeoutMs: 60_000 },
});

/** The whole state below an offset, in which each record has opened a session. */
function state(end: number): readonly WatchEvent[] {
  const records = Array.from({ length: end }, (_, at) => ({ ...session(at), timestampMs: 7 }));
  return [
    { kind: 'stateBegin', offset: offset(end), epoch: epoch(1), timestampMs: 7 },
    { kind: 'state', records },
    { kind: 'stateEnd', offset: offset(end) },
  ];
}

function delta(at: number): WatchEvent {
  const end = offset(at + 1) as Offset;
  return {
    kind: 'delta',
    baseOffset: offset(at),
    endOffset: end,
    epoch: epoch(1),
    timestampMs: 7,
    records: [session(at)],
  };
}

describe('a copy that has lost its place in the log', () => {
  it('shows nothing older than before, though the next node lags, and says at last that it has begun anew', async () => {
    const events = [...state(5), delta(5), ...state(3), delta(3), delta(4), delta(5), delta(6)];
    const held: { resolve: () => void } = { resolve: () => undefined };
    const isWatched = new Promise<void>((resolve) => {
      held.resolve = resolve;
    });
    async function* open(): AsyncGenerator<WatchEvent, void, undefined> {
      yield* events.slice(0, 3);
      await isWatched;
      yield* events.slice(3);
    }
    const copy = await followImage(open, undefined, builtInRegistry);
    const seen: (readonly [string, number, number])[] = [];
    copy.subscribe((image, event) => seen.push([event.kind, image.endOffset, image.session.sessions.size]));
    const offsets = [copy.offset];
    copy.subscribe(() => offsets.push(copy.offset));
    held.resolve();
    expect((await copy.whenAt(7)).session.sessions.size).toBe(7);
    expect(seen).toEqual([
      ['delta', 6, 6],
      ['stateEnd', 6, 6],
      ['delta', 7, 7],
    ]);
    expect(offsets).toEqual([...offsets].sort((left, right) => left - right));
    await copy.ended.catch(() => undefined);
  });
});
