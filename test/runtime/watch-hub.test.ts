import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset, uuid } from '../../src/base/brands.ts';
import { createImageBuilder, imageDigest } from '../../src/metadata/image.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import { RecentDeltas } from '../../src/runtime/watch/recent-deltas.ts';
import type { WatchDelta } from '../../src/runtime/watch/watch-api.ts';
import { BatchRecords } from '../../src/runtime/watch/batch-records.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { HubHost, hubClusterId as clusterId, session } from './support/hub-host.ts';
import type { VirtualProcess } from './support/clock.ts';
import { ListLog } from './support/list-log.ts';
import { noOps } from './support/operations.ts';
import { abort, begin, end } from './support/transactions.ts';
import { gaplessFrom, RecordedWatch } from './support/watch.ts';

describe('a stream', () => {
  it('begins with the state and goes on with every batch after it', () => {
    const host = new HubHost();
    host.write([session(1), session(2)], [session(3)]);
    const watch = host.watch();
    host.run();
    expect(watch.kinds).toEqual(['stateBegin', 'state', 'stateEnd']);
    expect(watch.begin).toMatchObject({ clusterId, nodeId: 0, offset: 3 });
    host.write([session(4)], [session(5), session(6)]);
    host.log.control(2);
    host.commit();
    host.run();
    expect(watch.deltas.map(({ baseOffset, endOffset }) => [baseOffset, endOffset])).toEqual([
      [3, 4],
      [4, 6],
      [6, 7],
    ]);
    expect(watch.deltas.at(-1)).toMatchObject({ records: [], epoch: 2 });
    const copy = watch.image().image;
    expect(copy?.endOffset).toBe(7);
    expect(copy === null ? null : imageDigest(copy)).toBe(imageDigest(host.image));
    expect(copy?.timestampMs).toBe(host.image.timestampMs);
    expect(copy?.epoch).toBe(host.image.epoch);
  });

  it('shows no password, in the state or in what changes', () => {
    const [secret, hidden] = ['tiger-7', '(hidden)'];
    const record = (value: string): MetadataRecord => {
      const resource = { resourceType: 4, resourceName: '' };
      return { type: 'ConfigRecord', ...resource, name: 'ssl.key.password', value };
    };
    const host = new HubHost();
    host.write([record(`${secret}-a`)]);
    const watch = host.watch();
    host.run();
    host.write([record(`${secret}-b`)]);
    host.run();
    const shown = JSON.stringify(watch.received);
    expect(shown).not.toContain(secret);
    expect(shown.split(hidden)).toHaveLength(3);
  });

  it('gives a large state in slices, of one moment, whatever is written meanwhile', () => {
    const host = new HubHost();
    host.write(Array.from({ length: 1_000 }, (_, at) => session(at)));
    const watch = host.watch();
    watch.isReading = false;
    host.run();
    const before = imageDigest(host.image);
    watch.handle.more();
    host.run();
    expect(watch.kinds).toEqual(['stateBegin', 'state']);
    host.write([session(5_000)]);
    for (let turns = 0; turns < 3; turns++) {
      watch.handle.more();
      host.run();
    }
    expect(watch.kinds).toEqual(['stateBegin', 'state', 'state', 'state', 'state', 'stateEnd']);
    const state = watch.image().image;
    expect(state === null ? null : imageDigest(state)).toBe(before);
    watch.handle.more();
    host.run();
    expect(watch.deltas).toMatchObject([{ baseOffset: 1_000, endOffset: 1_001 }]);
  });

  it('resumes at an offset with the batch that holds it, from memory or from the log', () => {
    const host = new HubHost();
    host.write([session(1)], [session(2), session(3)], [session(4)]);
    const ends = [host.watch({ since: offset(1) }), host.watch({ since: offset(2) })];
    host.run();
    for (const watch of ends) {
      expect(watch.kinds).toEqual(['delta', 'delta']);
      expect(watch.deltas[0]).toMatchObject({ baseOffset: 1, endOffset: 3 });
    }
    host.write([session(5)]);
    host.run();
    const late = host.watch({ since: offset(4) });
    host.run();
    expect(late.deltas).toMatchObject([{ baseOffset: 4 }]);
    expect(ends.every((watch) => gaplessFrom(watch.deltas))).toBe(true);
  });

  it('waits for an offset that this node has not reached, and never says that it stands there', () => {
    const host = new HubHost();
    host.write([session(1)]);
    const watch = host.watch({ since: offset(4) });
    host.run(30_000);
    expect(watch.received.length).toBeGreaterThan(0);
    expect(new Set(watch.kinds)).toEqual(new Set(['heartbeat']));
    host.write([session(2)], [session(3), session(4), session(5)]);
    host.run();
    expect(watch.deltas).toMatchObject([{ baseOffset: 2, endOffset: 5 }]);
  });

  it('is refused where the log begins later, and for another cluster', () => {
    const host = new HubHost();
    host.write([session(1)], [session(2)], [session(3)]);
    host.log.cleanTo(offset(2));
    const late = host.watch({ since: offset(1) });
    const foreign = host.watch({ since: offset(2), clusterId: uuid('CCCCCCCCCCCCCCCCCCCCCA') });
    host.run();
    expect(late.end).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', position: null, logStartOffset: 2 });
    expect(foreign.end?.code).toBe('INCONSISTENT_CLUSTER_ID');
    expect([late.begin, foreign.begin]).toEqual([null, null]);
    expect(host.hub.count).toBe(0);
  });

  it('leaves out other kinds, and says by a bookmark how far that was', () => {
    const host = new HubHost();
    host.write([session(1), { type: 'NoOpRecord' }]);
    const watch = host.watch({ kinds: ['session'] });
    host.run();
    expect(watch.received.flatMap((event) => (event.kind === 'state' ? event.records : [])).length).toBe(1);
    host.write(noOps(3), [{ type: 'NoOpRecord' }, session(2)], noOps(2));
    host.run();
    expect(watch.deltas).toMatchObject([{ baseOffset: 5, endOffset: 7, records: [{ offset: 6 }] }]);
    expect(watch.position).toBe(7);
    host.run(20_000);
    expect(watch.received.find(({ kind }) => kind === 'bookmark')).toEqual({ kind: 'bookmark', offset: 9 });
    expect(watch.kinds.filter((kind) => kind === 'bookmark').length).toBe(1);
    expect(watch.kinds.at(-1)).toBe('heartbeat');
  });

  it('gives a reader nothing that it has not asked for, and the log to one that is behind', () => {
    const host = new HubHost();
    host.write([session(0)]);
    const slow = host.watch();
    const quick = host.watch();
    slow.isReading = false;
    host.run();
    for (let at = 1; at <= 300; at++) {
      host.write([session(at), ...noOps(20)]);
      host.run(1);
    }
    host.run();
    expect(slow.received).toEqual([]);
    expect(quick.position).toBe(host.image.endOffset);
    const { length: readsBefore } = host.log.reads;
    slow.isReading = true;
    slow.handle.more();
    host.run(2_000);
    expect(host.log.reads.length).toBeGreaterThan(readsBefore);
    expect(slow.position).toBe(host.image.endOffset);
    expect(gaplessFrom(slow.deltas)).toBe(true);
    expect(slow.deltas.length).toBe(300);
  });

  it('ends when the log no longer holds what comes next, and never skips it', () => {
    const host = new HubHost();
    host.write([session(1)]);
    const slow = host.watch({ since: offset(0) });
    slow.isReading = false;
    host.run();
    host.write([session(2)], [session(3)]);
    host.run();
    // A snapshot takes the place of the log and of what was kept of it.
    host.log.batches = [];
    host.log.cleanTo(offset(900));
    host.image = createImageBuilder(host.image).freeze(offset(900), epoch(2));
    host.hub.applied();
    host.run();
    slow.handle.more();
    host.run();
    expect(slow.end).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', position: null, logStartOffset: 900 });
    const fresh = host.watch({ since: offset(900) });
    host.write([session(4)]);
    host.run();
    expect(fresh.deltas).toMatchObject([{ baseOffset: 900 }]);
  });

  it('ends with its place when the node stops or seems to be cut off', () => {
    const host = new HubHost();
    host.write([session(1)]);
    const cut = host.watch();
    host.run();
    host.leaderId = null;
    host.run(11_000);
    expect(cut.end).toMatchObject({ code: 'NOT_CONTROLLER', position: 1 });
    host.leaderId = nodeId(1);
    const watch = host.watch();
    const half = host.watch();
    half.isReading = false;
    host.run();
    host.hub.close();
    expect(watch.end).toMatchObject({ code: 'NOT_CONTROLLER', position: 1 });
    expect(half.end).toMatchObject({ code: 'NOT_CONTROLLER', position: null });
    const refused = host.watch();
    host.run();
    expect(refused.end?.code).toBe('NOT_CONTROLLER');
  });

  it('is behind by what its reader has not taken, and the slowest one counts', () => {
    const host = new HubHost();
    host.write([session(1)]);
    expect(host.hub.lagRecords).toBe(0);
    const [quick, ahead] = [host.watch(), host.watch({ since: offset(50) })];
    host.run();
    const slow = new RecordedWatch((asked, listener) => {
      const handle = host.hub.open(asked, listener);
      return { more: () => undefined, close: () => handle.close() };
    });
    host.write([session(2)], [session(3), session(4)]);
    host.run();
    expect(host.hub.lagRecords).toBe(3);
    slow.handle.close();
    expect(host.hub.lagRecords).toBe(0);
    for (const { handle } of [quick, ahead]) handle.close();
    expect([host.hub.count, host.hub.lagRecords]).toEqual([0, 0]);
  });

  it('tells nothing after it was closed', () => {
    const host = new HubHost();
    host.write([session(1)]);
    const watch = host.watch();
    host.run();
    watch.handle.close();
    const { length } = watch.received;
    host.write([session(2)]);
    host.run(20_000);
    expect(watch.received.length).toBe(length);
    expect(watch.end).toBeNull();
    expect(host.hub.count).toBe(0);
  });
});

describe('all who watch', () => {
  it('are given the same arrays of the same deltas, decoded once', () => {
    const host = new HubHost();
    host.write([session(1)]);
    const watches = Array.from({ length: 50 }, () => host.watch({ since: offset(1) }));
    const filtered = Array.from({ length: 2 }, () => host.watch({ since: offset(1), kinds: ['session'] }));
    host.run();
    const { length: readsBefore } = host.log.reads;
    host.write([session(2)], [session(3), { type: 'NoOpRecord' }]);
    host.run();
    expect(host.log.reads.length - readsBefore).toBe(1);
    const [first] = watches;
    for (const watch of watches) expect(watch.given[0]).toBe(first?.given[0]);
    expect(filtered[0]?.given[0]).toBe(filtered[1]?.given[0]);
    expect(filtered[0]?.deltas[1]?.records.length).toBe(1);
  });

  it('cost nothing while there are none', () => {
    const host = new HubHost();
    host.write([session(1)]);
    host.run(20_000);
    expect(host.log.reads).toEqual([]);
    const watch = host.watch({ since: offset(1) });
    host.run();
    expect(host.records.isWatched).toBe(true);
    watch.handle.close();
    host.write([session(2)]);
    host.run();
    expect(host.records.isWatched).toBe(false);
    expect(host.log.reads).toEqual([]);
  });
});

/** Every look at it costs a ms, so that long work takes many slices; counts the turns that others get meanwhile. */
function slowClock({ clock }: VirtualProcess, turns: { count: number }): Clock {
  let looks = 0;
  return {
    monotonicMs: () => clock.monotonicMs() + looks++,
    wallMs: () => clock.wallMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    afterPendingEvents: (callback) => {
      clock.afterPendingEvents(() => turns.count++);
      clock.afterPendingEvents(callback);
    },
  };
}

describe('many who watch', () => {
  it('are served in slices, between which everything else has its turn', () => {
    const turns = { count: 0 };
    const host = new HubHost((process) => slowClock(process, turns));
    host.write([session(1)]);
    const watches = Array.from({ length: 200 }, () => host.watch({ since: offset(1) }));
    host.run(2_000);
    const before = turns.count;
    for (let at = 2; at < 12; at++) host.write([session(at)]);
    host.run(5_000);
    expect(turns.count - before).toBeGreaterThan(40);
    for (const watch of watches) {
      expect(watch.position).toBe(host.image.endOffset);
      expect(gaplessFrom(watch.deltas)).toBe(true);
    }
  });
});

describe('the records of a batch', () => {
  it('are handed over by the replay, once, and only while somebody watches', () => {
    const log = new ListLog(() => undefined);
    log.data([session(1)]);
    const [batch] = log.batches;
    if (batch === undefined) throw new Error('there is a batch');
    const records = new BatchRecords(builtInRegistry);
    expect(records.take(batch)).not.toBe(records.replayed(batch));
    records.isWatched = true;
    const replayed = records.replayed(batch);
    expect(records.take(batch)).toBe(replayed);
    expect(records.take(batch)).not.toBe(replayed);
    expect(records.take(batch)).toEqual(replayed);
  });
});

describe('recent deltas', () => {
  const delta = (baseOffset: number): WatchDelta => ({
    kind: 'delta',
    baseOffset: offset(baseOffset),
    endOffset: offset(baseOffset + 2),
    epoch: epoch(1),
    timestampMs: 0,
    records: [],
  });

  it('keep what fits, the newest one always', () => {
    const recent = new RecentDeltas(offset(10), 1_000);
    for (let at = 10; at < 1_010; at += 2) recent.add(delta(at), 100);
    expect([recent.start, recent.end, recent.bytes]).toEqual([990, 1_010, 1_000]);
    recent.add(delta(1_010), 5_000);
    expect([recent.start, recent.end]).toEqual([1_010, 1_012]);
    expect(recent.take(offset(1_010), 1)).toEqual([delta(1_010)]);
  });

  it('give what one who stands anywhere in them is owed, a bounded piece at a time', () => {
    const recent = new RecentDeltas(offset(0), 10_000);
    for (let at = 0; at < 40; at += 2) recent.add(delta(at), 100);
    expect(recent.take(offset(7), 250).map(({ baseOffset }) => baseOffset)).toEqual([6, 8]);
    expect(recent.take(offset(38), 250).map(({ baseOffset }) => baseOffset)).toEqual([38]);
    const taken = recent.take(offset(8), 250);
    expect(recent.take(offset(8), 250)).toBe(taken);
  });
});

describe('a transaction, to whoever watches', () => {
  const parts = [[begin, session(2)], [session(3)], [session(4), end]] as const;
  const shape = ({ baseOffset, endOffset, continues, records }: WatchDelta): string =>
    `${baseOffset}-${endOffset}${continues === true ? '+' : ''} ${records.length}`;

  it('comes in deltas that are tied together, from memory and from the log', () => {
    const host = new HubHost();
    host.write([session(0)]);
    const live = host.watch({ since: offset(0) });
    host.run();
    host.write(...parts, [session(6)]);
    host.run();
    const expected = ['0-1 1', '1-3+ 2', '3-4+ 1', '4-6 2', '6-7 1'];
    expect(live.deltas.map(shape)).toEqual(expected);
    const late = host.watch({ since: offset(0) });
    host.run();
    expect(late.deltas.map(shape)).toEqual(expected);
  });

  it('is gone on with out of the log by a reader that was slow, once memory holds its end alone', () => {
    const host = new HubHost();
    const watch = host.watch({ since: offset(0) });
    host.write([begin, session(1)]);
    host.write([end]);
    host.run();
    watch.isReading = false;
    const large = (at: number): MetadataRecord[] =>
      Array.from({ length: 60 }, (_, more) => session(at + more));
    host.write([begin, ...large(4)], large(64), large(124), large(184), [...large(244), end]);
    host.run();
    watch.isReading = true;
    watch.handle.more();
    host.run();
    expect(watch.deltas.map(shape).slice(2)).toEqual([
      '3-64+ 61',
      '64-124+ 60',
      '124-184+ 60',
      '184-244+ 60',
      '244-305 61',
    ]);
    expect(watch.end).toBeNull();
  });

  it('is given from its beginning to whoever begins within it', () => {
    const host = new HubHost();
    host.write([session(0)], ...parts);
    const watch = host.watch({ since: offset(4) });
    host.run();
    expect(watch.deltas.map(shape)).toEqual(['1-3+ 2', '3-4+ 1', '4-6 2']);
    const ahead = host.watch({ since: offset(8) });
    host.run();
    host.write([begin, session(7)], [session(8), end]);
    host.run();
    expect(ahead.deltas.map(shape)).toEqual(['6-8+ 2', '8-10 2']);
  });

  it('is one delta of its Abort where it is aborted', () => {
    const host = new HubHost();
    const watch = host.watch({ since: offset(0) });
    host.log.data([begin, session(1)]);
    host.log.data([session(2)]);
    host.log.data([abort]);
    host.image = createImageBuilder(host.image).freeze(host.log.endOffset, epoch(1));
    host.hub.applied();
    host.run();
    expect(watch.deltas.map(shape)).toEqual(['0-4 1']);
    expect(watch.recordTypes).toEqual(['AbortTransactionRecord']);
  });

  it('ends with a delta for those, too, who watch none of what its last batch holds', () => {
    const host = new HubHost();
    const watch = host.watch({ since: offset(0), kinds: ['session'] });
    host.write([begin], [session(1)], [end], noOps(1));
    host.run();
    expect(watch.deltas.map(shape)).toEqual(['1-2+ 1', '2-3 0']);
  });

  it('gives no place within it to go on from', () => {
    const host = new HubHost();
    const watch = host.watch({ since: offset(0) });
    watch.isReading = false;
    host.run();
    host.write(...parts.map((part) => [...part, ...noOps(0)]));
    host.run();
    host.hub.close();
    expect([0, 5]).toContain(watch.end?.position);
  });
});
