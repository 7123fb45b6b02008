import { describe, expect, it } from 'vitest';
import { testConfig } from './harness/host.ts';
import { answer, at, fetchOf, follow, lastFetch, Lone, recordsOf } from './harness/lone.ts';

const highWatermarkLingerMs = 2;
const fetchLingerMs = 5;
const config = { ...testConfig, highWatermarkLingerMs, fetchLingerMs };

/** Leads; node 2 has acknowledged a record of which node 3 does not know yet that it is committed. */
function leaderWithNews(): { readonly lone: Lone; readonly round: number } {
  const lone = new Lone({ config });
  lone.becomeCommittedLeader();
  // The first tick raises the round; an answer tells which one it is.
  lone.tick(0);
  lone.receive(3, fetchOf(lone, 3));
  const outcome = lone.sent('fetchResponse', 3)[0]?.outcome;
  const round = outcome?.kind === 'records' ? outcome.round : 0;
  const highWatermark = lone.core.highWatermark;
  lone.propose('a');
  lone.receive(3, fetchOf(lone, 3, { round, highWatermark, flushedOffset: highWatermark }));
  expect(lone.sent('fetchResponse')).toEqual([]);
  lone.receive(2, fetchOf(lone, 2, { round, highWatermark }));
  expect(lone.core.highWatermark).toBe(highWatermark + 1);
  return { lone, round };
}

describe('a leader that lingers with its high watermark', () => {
  it('waits for records to send it with', () => {
    const { lone } = leaderWithNews();
    expect(lone.sent('fetchResponse')).toEqual([]);
    lone.propose('b');
    const outcomes = lone.seen('sendLogRange').map(({ response }) => response.outcome);
    expect(outcomes).toMatchObject([
      { highWatermark: lone.core.highWatermark },
      { highWatermark: lone.core.highWatermark },
    ]);
  });

  it('sends it alone when none come for a while, and then does not wake again for it', () => {
    const { lone } = leaderWithNews();
    expect(lone.host.nextWakeAtMs - lone.nowMs).toBe(highWatermarkLingerMs);
    lone.tick(highWatermarkLingerMs);
    expect(lone.sent('fetchResponse').map(({ outcome }) => outcome)).toMatchObject([
      { highWatermark: lone.core.highWatermark, batches: [] },
      { highWatermark: lone.core.highWatermark, batches: [] },
    ]);
    expect(lone.host.nextWakeAtMs - lone.nowMs).toBeGreaterThan(highWatermarkLingerMs);
  });

  it('also tells those whose fetch comes when the others know already', () => {
    const { lone, round } = leaderWithNews();
    lone.tick(highWatermarkLingerMs);
    lone.receive(3, fetchOf(lone, 3, { round, highWatermark: 0 }));
    expect(lone.sent('fetchResponse')).toEqual([]);
    lone.tick(highWatermarkLingerMs);
    expect(lone.sent('fetchResponse', 3)[0]?.outcome).toMatchObject({
      highWatermark: lone.core.highWatermark,
    });
  });
});

describe('a voter that lingers with its fetch', () => {
  function fetched(): Lone {
    const lone = new Lone({ config });
    const fetchId = follow(lone, 3);
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([3, 3], 0)));
    expect(lone.sent('fetchRequest')).toEqual([]);
    return lone;
  }

  it('fetches once its flush is done, and acknowledges with it', () => {
    const lone = fetched();
    lone.cluster.completeIo(1);
    expect(lone.sent('fetchRequest')).toHaveLength(1);
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: at(2), flushedOffset: at(2) });
  });

  it('fetches without an acknowledgement when the flush takes longer, and acknowledges when it is done', () => {
    const lone = fetched();
    expect(lone.host.nextWakeAtMs - lone.nowMs).toBe(fetchLingerMs);
    lone.tick(fetchLingerMs);
    const early = lastFetch(lone);
    expect(early).toMatchObject({ fetchOffset: at(2), flushedOffset: at(0) });
    lone.cluster.queue = [];
    lone.cluster.completeIo(1);
    expect(lastFetch(lone)).toMatchObject({ flushedOffset: at(2), fetchId: early.fetchId });
  });

  it('fetches at once when it was given nothing to flush', () => {
    const lone = new Lone({ config });
    const fetchId = follow(lone, 3);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([], 0, { epochStartOffset: 0 })));
    expect(lastFetch(lone).fetchOffset).toBe(0);
  });
});
