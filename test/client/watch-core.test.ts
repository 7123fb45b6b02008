import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset, uuid } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import { LocalImageCore } from '../../src/client/core/local-image-core.ts';
import { WatchCore, type WatchSettings } from '../../src/client/core/watch-core.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import type { WatchDelta, WatchEvent } from '../../src/runtime/watch/watch-api.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const clusterId = uuid('BBBBBBBBBBBBBBBBBBBBBA');

function core(settings: Partial<WatchSettings> = {}): WatchCore {
  const made = new WatchCore({
    since: null,
    isFiltered: false,
    endpointCount: 3,
    firstEndpoint: 1,
    backoff: { baseMs: 20, maxMs: 1_000 },
    random: seededRandom(1),
    ...settings,
  });
  made.begun({ nodeId: nodeId(0), clusterId, offset: offset(0), logStartOffset: offset(0) });
  return made;
}

function delta(base: number, end: number, records: WatchDelta['records'] = []): WatchDelta {
  const offsets = { baseOffset: offset(base), endOffset: offset(end) };
  return { kind: 'delta', ...offsets, epoch: epoch(1), timestampMs: 5, records };
}

const state = (at: number): readonly WatchEvent[] => [
  { kind: 'stateBegin', offset: offset(at), epoch: epoch(1), timestampMs: 4 },
  { kind: 'state', records: [] },
  { kind: 'stateEnd', offset: offset(at) },
];

const lost = { type: 'lost', reason: 'the connection broke' } as const;
const gone = { type: 'ended', code: 'OFFSET_OUT_OF_RANGE', message: 'gone', retryable: false } as const;

describe('a watch over several streams', () => {
  it('takes the state and the deltas after it, and goes on where it broke off', () => {
    const watch = core();
    for (const event of state(10)) expect(watch.take(event).type).toBe('give');
    expect(watch.take(delta(10, 12)).type).toBe('give');
    expect(watch.position).toBe(12);
    expect(watch.broke(lost)).toEqual({ type: 'connect', afterMs: 0 });
    expect(watch.request).toEqual({ since: 12, clusterId });
    expect(watch.endpoint).toBe(2);
    expect(watch.take(delta(12, 13)).type).toBe('give');
  });

  it('begins anew with the state when half of it is all that came', () => {
    const watch = core();
    for (const event of state(10).slice(0, 2)) watch.take(event);
    watch.broke(lost);
    expect(watch.request.since).toBeNull();
    for (const event of state(20)) expect(watch.take(event).type).toBe('give');
    expect(watch.position).toBe(20);
  });

  it('takes no record twice, leaves none out and goes back to where it was right', () => {
    const watch = core({ since: offset(10) });
    expect(watch.take(delta(10, 12)).type).toBe('give');
    expect(watch.take(delta(10, 12))).toMatchObject({ type: 'fault' });
    expect(watch.take(delta(11, 13))).toMatchObject({ type: 'fault' });
    expect(watch.take(delta(13, 14))).toMatchObject({ type: 'fault' });
    expect(watch.take({ kind: 'bookmark', offset: offset(13) })).toMatchObject({ type: 'fault' });
    expect(watch.take({ kind: 'bookmark', offset: offset(11) })).toMatchObject({ type: 'fault' });
    expect(watch.take({ kind: 'bookmark', offset: offset(12) }).type).toBe('give');
    expect(watch.position).toBe(12);
    for (const event of state(20)) expect(watch.take(event)).toMatchObject({ type: 'fault' });
  });

  it('begins with the whole batch that holds the place its caller named', () => {
    const watch = core({ since: offset(11) });
    expect(watch.take(delta(10, 13)).type).toBe('give');
    expect(watch.position).toBe(13);
  });

  it('lets filtered deltas have gaps, and bookmarks close them', () => {
    const watch = core({ since: offset(10), isFiltered: true });
    expect(watch.take(delta(14, 15)).type).toBe('give');
    expect(watch.take({ kind: 'bookmark', offset: offset(40) }).type).toBe('give');
    watch.broke(lost);
    expect(watch.request.since).toBe(40);
    expect(watch.take(delta(30, 31))).toMatchObject({ type: 'fault' });
  });

  it('tells a caller who named a place that it is gone, and begins again for any other', () => {
    expect(core({ since: offset(10) }).broke(gone)).toMatchObject({
      type: 'failed',
      code: 'OFFSET_OUT_OF_RANGE',
    });
    const watch = core();
    for (const event of state(10)) watch.take(event);
    expect(watch.broke(gone)).toEqual({ type: 'connect', afterMs: 0 });
    expect(watch.request.since).toBeNull();
    for (const event of state(500)) expect(watch.take(event).type).toBe('give');
  });

  it('gives up on another cluster and on what no retry mends, and waits longer between attempts', () => {
    const ended = (code: string, retryable: boolean) =>
      core().broke({ type: 'ended', code, message: code, retryable }).type;
    expect(ended('INCONSISTENT_CLUSTER_ID', false)).toBe('failed');
    expect(ended('RESOURCE_NOT_FOUND', false)).toBe('failed');
    expect(ended('NOT_CONTROLLER', true)).toBe('connect');
    expect(ended('UNKNOWN_SERVER_ERROR', false)).toBe('connect');
    const watch = core();
    const waits = Array.from({ length: 8 }, () => {
      const decision = watch.broke(lost);
      return decision.type === 'connect' ? decision.afterMs : -1;
    });
    expect(waits.slice(0, 2)).toEqual([0, 0]);
    expect(waits[2]).toBeGreaterThan(0);
    expect(waits[7]).toBeGreaterThan(waits[2] ?? 0);
  });
});

describe('a local image', () => {
  const record = (at: number, sessionId: number) => ({
    offset: offset(at),
    type: 'OpenSessionRecord',
    value: { sessionId, principal: 'tester', timeoutMs: 1_000 },
  });

  it('is there when its state is whole, and stays while another comes', () => {
    const image = new LocalImageCore(builtInRegistry);
    const [begin, , end] = state(10);
    if (begin?.kind !== 'stateBegin' || end?.kind !== 'stateEnd') throw new Error('a state has both');
    image.take(begin);
    image.take({ kind: 'state', records: [{ ...record(3, 3), timestampMs: 7 }] });
    expect(image.image).toBeNull();
    image.take(end);
    image.take(delta(10, 12, [record(10, 10)]));
    expect(image.image?.endOffset).toBe(12);
    expect([...(image.image?.session.sessions.values() ?? [])].map(({ sessionId }) => sessionId)).toEqual([
      3, 10,
    ]);
    const before = image.image;
    image.take({ ...begin, offset: offset(50) });
    expect(image.image).toBe(before);
    image.take({ kind: 'stateEnd', offset: offset(50) });
    expect(image.image?.endOffset).toBe(50);
    expect(image.image?.session.sessions.size).toBe(0);
  });

  it('says what it does not understand', () => {
    const image = new LocalImageCore(builtInRegistry);
    for (const event of state(10)) if (event.kind !== 'heartbeat') image.take(event);
    const digest = image.image === null ? '' : imageDigest(image.image);
    const newer = { offset: offset(10), type: 'NewerRecord', value: {} };
    expect(image.take(delta(10, 11, [newer]))).toEqual({
      ok: false,
      error: 'this client does not know the record NewerRecord',
    });
    const odd = { ...record(10, 10), value: { sessionId: 'ten' } };
    expect(image.take(delta(10, 11, [odd]))).toMatchObject({ ok: false });
    expect(image.image === null ? '' : imageDigest(image.image)).toBe(digest);
  });
});

describe('a transaction that comes in parts', () => {
  const part = (base: number, end: number): WatchDelta => ({ ...delta(base, end), continues: true });

  it('is given as one change once it is whole', () => {
    const watch = core();
    for (const event of state(10)) watch.take(event);
    expect(watch.take(part(10, 12))).toEqual({ type: 'skip' });
    expect(watch.take(part(12, 13))).toEqual({ type: 'skip' });
    expect(watch.position).toBe(10);
    const whole = watch.take(delta(13, 15));
    expect(whole).toMatchObject({ type: 'give', event: { baseOffset: 10, endOffset: 15 } });
    expect(watch.position).toBe(15);
    expect(watch.take(delta(15, 16))).toMatchObject({ type: 'give', event: { baseOffset: 15 } });
  });

  it('is begun again where the stream breaks off within it', () => {
    const watch = core();
    for (const event of state(10)) watch.take(event);
    watch.take(part(10, 12));
    watch.broke(lost);
    expect(watch.request.since).toBe(10);
    watch.begun({ nodeId: nodeId(0), clusterId, offset: offset(20), logStartOffset: offset(0) });
    expect(watch.take(part(10, 12)).type).toBe('skip');
    expect(watch.take(delta(12, 15))).toMatchObject({ type: 'give', event: { baseOffset: 10 } });
  });

  it('has no gap, no repetition and no bookmark within it', () => {
    for (const next of [delta(13, 14), delta(11, 13), { kind: 'bookmark', offset: offset(12) } as const]) {
      const watch = core();
      for (const event of state(10)) watch.take(event);
      watch.take(part(10, 12));
      expect(watch.take(next).type).toBe('fault');
    }
  });

  it('is replayed at once, each part with its own time', () => {
    const record = (at: number): WatchDelta['records'][number] => ({
      offset: offset(at),
      type: 'OpenSessionRecord',
      value: { sessionId: at, principal: 'tester', timeoutMs: 60_000 },
    });
    const watch = core();
    const copy = new LocalImageCore(builtInRegistry);
    const follow = (event: WatchEvent): void => {
      const step = watch.take(event);
      if (step.type === 'give') copy.take(step.event);
    };
    for (const event of state(10)) follow(event);
    const before = copy.image;
    follow({ ...part(10, 11), timestampMs: 7, records: [record(10)] });
    expect(copy.image).toBe(before);
    follow({ ...delta(11, 12), timestampMs: 9, records: [record(11)] });
    const rows = [...(copy.image?.session.sessions.values() ?? [])];
    expect(rows.map(({ sessionId, lastUsedMs }) => [sessionId, lastUsedMs])).toEqual([
      [10, 7],
      [11, 9],
    ]);
  });
});
