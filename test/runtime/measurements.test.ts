import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import type { Files } from '../../src/ports/files.ts';
import { Histogram } from '../../src/runtime/measurements/histogram.ts';
import { NodeMeter } from '../../src/runtime/measurements/node-meter.ts';
import { RecentTotals } from '../../src/runtime/measurements/recent-totals.ts';
import { nodeId } from '../../src/base/brands.ts';

describe('a histogram', () => {
  it('counts what is at or below a bound there, and what is above all of them at the end', () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
    expect(histogram.snapshot()).toEqual({ bounds: [1, 2], counts: [2, 1, 1], sum: 12 });
  });
});

describe('recent totals', () => {
  it('hold the last half minute and nothing before', () => {
    const totals = new RecentTotals(0);
    totals.add(300, 500);
    totals.add(300, 29_500);
    expect(totals.perSecond(29_900)).toBeCloseTo(600 / 29.9);
    expect(totals.average(29_900)).toBe(300);
    expect(totals.perSecond(30_500)).toBe(10);
    expect(totals.perSecond(100_000)).toBe(0);
    expect(totals.average(100_000)).toBeNull();
  });

  it('do not forget within the slot that is written to', () => {
    const totals = new RecentTotals(1_000);
    for (let at = 0; at < 10; at++) totals.add(1, 1_000 + at);
    expect(totals.perSecond(1_010)).toBe(10);
  });
});

/** A clock that stands where the test puts it, and a disk whose operations end when the test says so. */
function meterAt() {
  const state = { nowMs: 0 };
  const pending: (() => void)[] = [];
  const clock = { monotonicMs: () => state.nowMs } as Clock;
  const files: Files = {
    submit: (_operation, complete) => void pending.push(() => complete({ ok: true, value: null as never })),
  };
  return { state, pending, meter: new NodeMeter(files, clock) };
}

describe('the meter of a node', () => {
  it('knows how long a flush took, and how long a write hangs that has not ended', () => {
    const { state, pending, meter } = meterAt();
    meter.files.submit({ kind: 'fdatasync', handle: 1 as never }, () => {});
    state.nowMs = 40;
    expect(meter.files.oldestWriteMs()).toBe(40);
    pending.shift()?.();
    expect(meter.files.oldestWriteMs()).toBeNull();
    expect(meter.read().flushSeconds.sum).toBeCloseTo(0.04);
    meter.files.submit({ kind: 'list', path: '.' }, () => {});
    expect(meter.files.oldestWriteMs()).toBeNull();
  });

  it('measures an election from the loss of a leader, and a failover from its last word to serving', () => {
    const { state, meter } = meterAt();
    meter.roleChanged(nodeId(1), false, null);
    state.nowMs = 5_000;
    meter.roleChanged(null, false, 2_000);
    state.nowMs = 5_200;
    meter.roleChanged(null, false, 2_200);
    state.nowMs = 5_300;
    meter.roleChanged(nodeId(0), true, 0);
    state.nowMs = 5_400;
    meter.activated();
    const { electionSeconds, failoverSeconds } = meter.read();
    expect(electionSeconds.sum).toBeCloseTo(0.3);
    expect(failoverSeconds.sum).toBeCloseTo(2.4);
  });

  it('knows for how long nothing was committed, and forgets it when all is', () => {
    const { state, meter } = meterAt();
    meter.appended(3, false);
    state.nowMs = 100;
    meter.appended(1, false);
    state.nowMs = 200;
    expect(meter.uncommittedMs()).toBe(200);
    meter.highWatermarkAdvanced(false);
    state.nowMs = 250;
    expect(meter.uncommittedMs()).toBe(50);
    meter.highWatermarkAdvanced(true);
    expect(meter.uncommittedMs()).toBe(0);
  });

  it('averages commits of proposals that were made under the present leadership', () => {
    const { state, meter } = meterAt();
    meter.proposed(1);
    meter.proposed(2);
    state.nowMs = 10;
    meter.committed(1);
    meter.roleChanged(nodeId(2), false, 0);
    state.nowMs = 1_000;
    meter.committed(2);
    expect(meter.read().commitLatencyMs).toBe(10);
  });
});
