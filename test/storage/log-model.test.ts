import fc from 'fast-check';
import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch, offset, type Offset } from '../../src/base/brands.ts';
import { batchEndOffset, type LogBatch } from '../../src/raft/batch.ts';
import type { LogRecovery, RaftLog } from '../../src/runtime/log/raft-log.ts';
import { BatchMaker, bytesOf, LogBench } from './log-bench.ts';

/** What the log is to hold: batches from `start` on. */
type State = {
  readonly start: Offset;
  readonly startCrc: number;
  readonly startEpoch: number;
  readonly batches: readonly LogBatch[];
};

type Action =
  | { readonly kind: 'append'; readonly sizes: readonly number[]; readonly newEpoch: boolean }
  | { readonly kind: 'voters'; readonly count: number }
  | { readonly kind: 'truncate'; readonly part: number }
  | { readonly kind: 'reset'; readonly by: number }
  | { readonly kind: 'clean'; readonly part: number }
  | { readonly kind: 'read'; readonly part: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'inspectDurable' }
  | { readonly kind: 'failNext'; readonly operation: 'pwrite' | 'fdatasync' }
  | { readonly kind: 'crash'; readonly power: boolean };

function endOf(state: State): Offset {
  const last = state.batches.at(-1);
  return last === undefined ? state.start : batchEndOffset(last);
}

/**
 * The log against a model. After a crash the log must hold what it held after some prefix of the calls,
 * one that has every call that was answered; an append of several batches may be there in part.
 */
class Model {
  readonly bench: LogBench;
  log: RaftLog;
  #ioId = 0;
  #fill = 1;
  #state: State = { start: offset(0), startCrc: 0, startEpoch: 0, batches: [] };
  /** States that a crash may leave; the first is the one after the last call that was answered. */
  #possible: { readonly ioId: number; readonly state: State }[] = [];
  #cleanedTo = offset(0);

  constructor(seed: number, segmentSectors: number) {
    this.bench = new LogBench({ seed, segmentBytes: segmentSectors * 512, cacheBytesMax: 1_500 });
    this.log = this.bench.openSound().log;
    this.#possible = [{ ioId: 0, state: this.#state }];
  }

  apply(action: Action): void {
    // After a failure the node stops: nothing but the crash follows.
    const isCall = ['append', 'voters', 'truncate', 'reset', 'clean', 'read'].includes(action.kind);
    if (isCall && this.bench.failures.length > 0) return;
    switch (action.kind) {
      case 'append':
        return this.#append(action.sizes, action.newEpoch);
      case 'voters': {
        const maker = this.#maker(false);
        return this.#appendBatches([maker.voters([...Array(action.count).keys()])]);
      }
      case 'truncate':
        return this.#truncate(action.part);
      case 'reset':
        return this.#reset(action.by);
      case 'clean':
        return this.#clean(action.part);
      case 'read':
        return this.#read(action.part);
      case 'steps':
        return this.bench.steps(action.count);
      case 'flush':
        this.bench.scheduler.runUntilIdle();
        return this.checkAllFlushed();
      case 'inspectDurable':
        return this.#inspectDurable();
      case 'failNext':
        this.bench.disk.failNext[action.operation] = 1;
        return;
      case 'crash':
        return this.crash(action.power);
    }
  }

  #maker(newEpoch: boolean): BatchMaker {
    const last = this.#state.batches.at(-1);
    const lastEpoch = last === undefined ? this.#state.startEpoch : last.epoch;
    const crc = this.log.chainCrcAt(this.log.endOffset);
    assert(crc !== null, 'the chain CRC at the end is known');
    return new BatchMaker(endOf(this.#state), crc, Math.max(1, lastEpoch + (newEpoch ? 1 : 0)));
  }

  #append(sizes: readonly number[], newEpoch: boolean): void {
    const maker = this.#maker(newEpoch);
    this.#appendBatches(sizes.map((size) => maker.data(1 + (size % 3), size, this.#fill++)));
  }

  #appendBatches(batches: readonly LogBatch[]): void {
    const ioId = ++this.#ioId;
    this.log.append(ioId, batches);
    for (const batch of batches) {
      this.#state = { ...this.#state, batches: [...this.#state.batches, batch] };
      this.#possible.push({ ioId, state: this.#state });
    }
  }

  #truncate(part: number): void {
    const candidates = this.#state.batches.filter((batch) => batch.baseOffset >= this.#cleanedTo);
    const at = candidates[Math.floor(part * candidates.length)];
    if (at === undefined) return;
    const batches = this.#state.batches.filter((batch) => batch.baseOffset < at.baseOffset);
    this.#state = { ...this.#state, batches };
    this.#possible.push({ ioId: ++this.#ioId, state: this.#state });
    this.log.truncate(this.#ioId, at.baseOffset);
    holds(this.log.flushedOffset <= at.baseOffset);
  }

  #reset(by: number): void {
    const start = offset(endOf(this.#state) + by);
    const startEpoch = (this.#state.batches.at(-1)?.epoch ?? this.#state.startEpoch) + 1;
    const startCrc = 1_000_000 + this.#fill++;
    this.#state = { start, startCrc, startEpoch, batches: [] };
    this.#possible.push({ ioId: ++this.#ioId, state: this.#state });
    this.#cleanedTo = start;
    this.log.resetTo(this.#ioId, { endOffset: start, epoch: epoch(startEpoch) }, startCrc);
  }

  /** Below what is flushed; a checkpoint beyond it has a test of its own (`log.test.ts`). */
  #clean(part: number): void {
    const candidates = this.#state.batches.filter((batch) => batchEndOffset(batch) <= this.log.flushedOffset);
    const at = candidates[Math.floor(part * candidates.length)];
    if (at === undefined) return;
    // What a call that is not answered may still cut stays.
    if (this.#possible.some(({ state }) => endOf(state) < at.baseOffset)) return;
    this.log.cleanTo({ endOffset: at.baseOffset, epoch: at.epoch });
    if (at.baseOffset > this.#cleanedTo) this.#cleanedTo = at.baseOffset;
  }

  #read(part: number): void {
    const candidates = this.#state.batches.filter((batch) => batch.baseOffset >= this.#cleanedTo);
    const index = Math.floor(part * candidates.length);
    const from = candidates[index]?.baseOffset;
    if (from === undefined || this.bench.failures.length > 0) return;
    const found = this.bench.read(this.log, from, this.log.endOffset, 3_000);
    if (!found.ok && this.bench.failures.length > 0) return;
    assert(found.ok, `a read at ${from} succeeds: ${JSON.stringify(found)}`);
    holds(found.value.length > 0);
    expectSame(found.value, candidates.slice(index, index + found.value.length));
    equal(this.log.chainCrcAt(from), previousCrcOf(found.value[0]));
  }

  checkAllFlushed(): void {
    if (this.bench.failures.length > 0) return;
    const answered = Math.max(0, ...this.bench.flushed, ...this.bench.truncated);
    equal(answered, this.#ioId);
    equal(this.log.endOffset, endOf(this.#state));
    equal(this.log.flushedOffset, this.log.endOffset);
  }

  /** States that a crash now may leave. */
  #afterCrash(): readonly State[] {
    const answered = Math.max(0, ...this.bench.flushed, ...this.bench.truncated);
    const firstOpen = this.#possible.findLastIndex(({ ioId }) => ioId <= answered);
    return this.#possible.slice(Math.max(0, firstOpen)).map(({ state }) => state);
  }

  /** What would be left if nothing survived that was not flushed. */
  #inspectDurable(): void {
    const allowed = this.#afterCrash();
    const bench = new LogBench({
      disk: this.bench.disk.durableCopy(),
      segmentBytes: this.bench.segmentBytes,
    });
    const { log, recovery } = bench.openSound();
    assert(recovery.corruption === null, `no crash corrupts: ${JSON.stringify(recovery.corruption)}`);
    this.#match(bench, log, recovery, allowed);
  }

  crash(power: boolean): void {
    const allowed = this.#afterCrash();
    if (power) this.bench.disk.losePower();
    else this.bench.disk.killProcess();
    this.bench.disk.failNext.pwrite = 0;
    this.bench.disk.failNext.fdatasync = 0;
    this.bench.failures.length = 0;
    const { log, recovery } = this.bench.openSound();
    this.log = log;
    this.#ioId = 0;
    this.bench.flushed.length = 0;
    this.bench.truncated.length = 0;
    assert(recovery.corruption === null, `no crash corrupts: ${JSON.stringify(recovery.corruption)}`);
    this.#state = this.#match(this.bench, log, recovery, allowed);
    this.#possible = [{ ioId: 0, state: this.#state }];
    equal(log.flushedOffset, log.endOffset);
  }

  /** The one of `allowed` that the reopened log holds. */
  #match(bench: LogBench, log: RaftLog, recovery: LogRecovery, allowed: readonly State[]): State {
    const crc = log.chainCrcAt(log.endOffset);
    const state = allowed.find(
      (candidate) => endOf(candidate) === log.endOffset && crcAtEnd(candidate) === crc,
    );
    const ends = allowed.map((candidate) => endOf(candidate)).join(', ');
    assert(state !== undefined, `the log ends at ${log.endOffset}, allowed: ${ends}`);
    holds(recovery.logStart.endOffset <= Math.max(this.#cleanedTo, state.start));
    const kept = state.batches.filter((batch) => batch.baseOffset >= recovery.logStart.endOffset);
    expectSame(bench.readAll(log, recovery.logStart.endOffset), kept);
    equal(recovery.lastEpoch, state.batches.at(-1)?.epoch ?? state.startEpoch);
    deepEqual(recovery.epochStarts, epochStartsOf(kept));
    deepEqual(
      recovery.voterSets.map((set) => set.offset),
      voterOffsetsOf(kept),
    );
    equal(
      recovery.kraftVersion?.kraftVersion ?? null,
      kept.findLast(isControl)?.records.length === 2 ? versionOf(kept) : null,
    );
    return state;
  }
}

function isControl(batch: LogBatch): batch is Extract<LogBatch, { kind: 'control' }> {
  return batch.kind === 'control';
}

function versionOf(batches: readonly LogBatch[]): number | null {
  const records = batches.findLast(isControl)?.records ?? [];
  const found = records.find((record) => record.type === 'KRaftVersion');
  return found?.type === 'KRaftVersion' ? found.kraftVersion : null;
}

function voterOffsetsOf(batches: readonly LogBatch[]): readonly number[] {
  return batches.filter(isControl).map((batch) => batch.baseOffset + 1);
}

function epochStartsOf(batches: readonly LogBatch[]): readonly unknown[] {
  const starts: { epoch: number; startOffset: number }[] = [];
  for (const batch of batches) {
    if (starts.at(-1)?.epoch !== batch.epoch)
      starts.push({ epoch: batch.epoch, startOffset: batch.baseOffset });
  }
  return starts;
}

function previousCrcOf(batch: LogBatch | undefined): number {
  assert(batch !== undefined, 'there is a batch');
  return Buffer.from(bytesOf(batch)).readUInt32BE(32);
}

function crcAtEnd(state: State): number {
  const last = state.batches.at(-1);
  return last === undefined ? state.startCrc : Buffer.from(bytesOf(last)).readUInt32BE(36);
}

function expectSame(found: readonly LogBatch[], wanted: readonly LogBatch[]): void {
  equal(found.length, wanted.length);
  found.forEach((batch, index) => {
    const other = wanted[index];
    assert(other !== undefined, 'of the same length');
    equal(batch.baseOffset, other.baseOffset);
    equal(Buffer.compare(bytesOf(batch), bytesOf(other)), 0);
  });
}

const part = fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100);
const size = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 400, max: 1_800 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_800, max: 9_000 }) },
);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 6, size: 'max' }),
      newEpoch: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('voters' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('truncate' as const), part }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), by: fc.integer({ min: 0, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clean' as const), part }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), part }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('steps' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'inspectDurable' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('failNext' as const),
      operation: fc.constantFrom('pwrite' as const, 'fdatasync' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('crash' as const), power: fc.boolean() }) },
);

/** Runs that once found a bug. */
const foundBefore: [number, number, Action[]][] = [
  [
    // Cleaning was interrupted before a segment that had been cut to below its beginning was removed.
    0,
    8,
    [
      { kind: 'append', sizes: [400, 3013, 1], newEpoch: false },
      { kind: 'flush' },
      { kind: 'truncate', part: 0 },
      { kind: 'steps', count: 1 },
      { kind: 'append', sizes: [89], newEpoch: false },
      { kind: 'append', sizes: [796, 17, 832, 578], newEpoch: false },
      { kind: 'steps', count: 7 },
      { kind: 'crash', power: false },
      { kind: 'clean', part: 0.8 },
      { kind: 'steps', count: 1 },
      { kind: 'crash', power: false },
      { kind: 'steps', count: 2 },
      { kind: 'reset', by: 0 },
      { kind: 'voters', count: 1 },
    ],
  ],
];

describe('the log over a faulty disk', () => {
  it('holds after every crash what some prefix of its calls left, with all that was answered', () => {
    let runs = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 8, max: 24 }),
        fc.array(action, { minLength: 5, maxLength: 60, size: 'max' }),
        (seed, segmentSectors, actions) => {
          const model = new Model(seed, segmentSectors);
          for (const next of actions) model.apply(next);
          model.crash(true);
          runs++;
        },
      ),
      { numRuns: Number(process.env['LOG_MODEL_RUNS'] ?? 400), examples: foundBefore },
    );
    expect(runs).toBeGreaterThan(100);
  });
});
