import { equal, ok as holds } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecovery } from '../../../src/broker/log/open-partition-log.ts';
import type { PartitionLog } from '../../../src/broker/log/partition-log.ts';
import { endOf, LogBench, type MadeBatch, madeBatch } from './log-bench.ts';

type State = readonly MadeBatch[];

type Action =
  | { readonly kind: 'append'; readonly sizes: readonly number[]; readonly isLater: boolean }
  | { readonly kind: 'truncate'; readonly part: number }
  | { readonly kind: 'retain'; readonly bytes: number }
  | { readonly kind: 'read'; readonly part: number; readonly bytesMax: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'failNext'; readonly operation: 'pwrite' | 'fdatasync' }
  | { readonly kind: 'crash'; readonly power: boolean };

/**
 * The log against a model. After a crash it holds what some prefix of its calls left, one that has every call that was
 * completed; an append may be there in part, and so may a cut.
 */
class Model {
  readonly bench: LogBench;
  log: PartitionLog;
  reads = 0;
  crashes = 0;
  #state: State = [];
  #call = 0;
  #completed = 0;
  #possible: { readonly call: number; readonly state: State }[] = [{ call: 0, state: [] }];
  #epoch = 0;
  #fill = 0;
  /** Retention may have removed what lies below `high`, and what lies below `low` is gone for certain. */
  #start = { low: 0, high: 0 };

  constructor(seed: number, segmentBytes: number) {
    this.bench = new LogBench({ seed, segmentBytes });
    this.log = this.bench.open().log;
  }

  apply(action: Action): void {
    const isCall = ['append', 'truncate', 'retain', 'read'].includes(action.kind);
    // After a failure the process stops: nothing but the crash follows.
    if (isCall && this.bench.failures.length > 0) return;
    switch (action.kind) {
      case 'append':
        return this.#append(action.sizes, action.isLater);
      case 'truncate':
        return this.#truncate(action.part);
      case 'retain':
        return this.#retain(action.bytes);
      case 'read':
        return this.#read(action.part, action.bytesMax);
      case 'steps':
        return this.bench.steps(action.count);
      case 'flush':
        this.bench.scheduler.runUntilIdle();
        if (this.bench.failures.length === 0) equal(this.#completed, this.#call);
        return;
      case 'failNext':
        this.bench.disk.failNext[action.operation] = 1;
        return;
      case 'crash':
        return this.crash(action.power);
    }
  }

  #append(sizes: readonly number[], isLater: boolean): void {
    if (isLater) this.#epoch++;
    const call = ++this.#call;
    const batches = sizes.map((valueBytes) => {
      const baseOffset = this.#state.at(-1)?.endOffset ?? 0;
      const fill = this.#fill++;
      const batch = madeBatch({ baseOffset, valueBytes, records: 1 + (fill % 3), epoch: this.#epoch, fill });
      this.#state = [...this.#state, batch];
      this.#possible.push({ call, state: this.#state });
      return batch.bytes;
    });
    this.log.append(batches, () => this.#complete(call));
  }

  #truncate(part: number): void {
    const candidates = this.#state.filter((batch) => batch.baseOffset >= this.#start.high);
    const at = candidates[Math.floor(part * candidates.length)];
    if (at === undefined) return;
    const to = at.baseOffset;
    const call = ++this.#call;
    const kept = this.#state.filter((batch) => batch.baseOffset < to);
    // Segments are removed one after another, the newest first.
    for (let count = this.#state.length; count >= kept.length; count--) {
      this.#possible.push({ call, state: this.#state.slice(0, count) });
    }
    this.#state = kept;
    this.#possible.push({ call, state: kept });
    this.log.truncate(to, () => this.#complete(call));
    equal(this.log.endOffset, to);
  }

  #retain(retentionBytes: number): void {
    // What is not on disk for certain is not committed.
    const ends = this.#afterCrash().map((state) => state.at(-1)?.endOffset ?? 0);
    const highWatermark = Math.min(...ends);
    this.#start.high = Math.max(this.#start.high, highWatermark);
    const call = ++this.#call;
    this.#possible.push({ call, state: this.#state });
    this.log.applyRetention({ nowMs: 0, retentionMs: null, retentionBytes, highWatermark }, (startOffset) => {
      holds(startOffset <= this.#start.high);
      this.#start.low = startOffset;
      this.#complete(call);
    });
  }

  #complete(call: number): void {
    holds(call > this.#completed, 'calls complete in order');
    this.#completed = call;
  }

  #read(part: number, bytesMax: number): void {
    const from = this.log.startOffset + Math.floor(part * (this.log.endOffset - this.log.startOffset));
    const wanted = this.#state.filter((batch) => batch.endOffset > from);
    const answer = this.bench.read(this.log, from, bytesMax);
    if (this.bench.failures.length > 0) return;
    holds(answer.ok, `a read at ${from}: ${JSON.stringify(answer)}`);
    if (from < this.log.endOffset) holds(answer.value.length > 0);
    const total = answer.value.reduce((bytes, batch) => bytes + batch.length, 0);
    holds(total <= bytesMax || answer.value.length <= 1);
    expectSame(answer.value, wanted.slice(0, answer.value.length));
    this.reads++;
  }

  #afterCrash(): readonly State[] {
    const first = this.#possible.findLastIndex(({ call }) => call <= this.#completed);
    return this.#possible.slice(Math.max(0, first)).map(({ state }) => state);
  }

  crash(power: boolean): void {
    const allowed = this.#afterCrash();
    const { disk, failures } = this.bench;
    if (power) disk.losePower();
    else disk.killProcess();
    disk.heal();
    failures.length = 0;
    const { log, recovery } = this.bench.open();
    this.crashes++;
    holds(recovery.isClean, `no crash is a loss: ${JSON.stringify(recovery)}`);
    holds(log.startOffset >= this.#start.low && log.startOffset <= this.#start.high);
    const found = this.bench.readAll(log);
    const state = allowed.find(
      (candidate) =>
        (candidate.at(-1)?.endOffset ?? 0) === log.endOffset && isSame(found, candidate, log.startOffset),
    );
    const ends = allowed.map((candidate) => candidate.at(-1)?.endOffset ?? 0).join(', ');
    holds(state !== undefined, `the log ends at ${log.endOffset}, allowed: ${ends}`);
    this.#expectEpochs(recovery, state, log.startOffset);
    this.log = log;
    this.#state = state;
    this.#call = 0;
    this.#completed = 0;
    this.#possible = [{ call: 0, state }];
    this.#start = { low: log.startOffset, high: log.startOffset };
  }

  #expectEpochs({ epochs }: LogRecovery, state: State, startOffset: number): void {
    const starts: { epoch: number; startOffset: number }[] = [];
    for (const { bytes, baseOffset } of state) {
      const epoch = Buffer.from(bytes).readInt32BE(12);
      if (baseOffset >= startOffset && starts.at(-1)?.epoch !== epoch)
        starts.push({ epoch, startOffset: baseOffset });
    }
    equal(JSON.stringify(epochs), JSON.stringify(starts));
  }
}

function isSame(found: readonly Uint8Array[], state: State, startOffset: number): boolean {
  const wanted = state.filter((batch) => batch.baseOffset >= startOffset);
  return (
    found.length === wanted.length &&
    found.every((bytes, at) => Buffer.compare(bytes, wanted[at]?.bytes ?? new Uint8Array(0)) === 0)
  );
}

function expectSame(found: readonly Uint8Array[], wanted: State): void {
  equal(found.length, wanted.length);
  for (const [at, bytes] of found.entries()) {
    equal(Buffer.compare(bytes, wanted[at]?.bytes ?? new Uint8Array(0)), 0, `batch to ${endOf(bytes)}`);
  }
}

const part = fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100);
const size = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 400, max: 1_500 }) },
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 5, size: 'max' }),
      isLater: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('truncate' as const), part }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('retain' as const), bytes: fc.integer({ min: 0, max: 6_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      part,
      bytesMax: fc.integer({ min: 1, max: 4_000 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('steps' as const), count: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const }) },
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
    // Power was lost in the middle of a cut: zeros in the place of its first sector, and what was cut off behind them.
    182_460,
    630,
    [
      { kind: 'crash', power: false },
      { kind: 'append', sizes: [1], isLater: false },
      { kind: 'crash', power: false },
      { kind: 'crash', power: false },
      { kind: 'append', sizes: [1, 1, 1, 1], isLater: false },
      { kind: 'append', sizes: [1, 1], isLater: false },
      { kind: 'steps', count: 4 },
      { kind: 'crash', power: false },
      { kind: 'append', sizes: [1], isLater: false },
      { kind: 'steps', count: 2 },
      { kind: 'crash', power: true },
      { kind: 'truncate', part: 0.17 },
      { kind: 'failNext', operation: 'fdatasync' },
      { kind: 'read', part: 0, bytesMax: 1 },
      { kind: 'read', part: 0, bytesMax: 1 },
      { kind: 'crash', power: true },
      { kind: 'append', sizes: [400], isLater: false },
      { kind: 'append', sizes: [1], isLater: false },
    ],
  ],
];

describe('a partition’s log over a faulty disk', () => {
  it('holds after every crash what some prefix of its calls left, with all that was completed', () => {
    let reads = 0;
    let crashes = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 500, max: 5_000 }),
        fc.array(action, { minLength: 5, maxLength: 60, size: 'max' }),
        (seed, segmentBytes, actions) => {
          const model = new Model(seed, segmentBytes);
          for (const next of actions) model.apply(next);
          model.crash(true);
          reads += model.reads;
          crashes += model.crashes;
        },
      ),
      { numRuns: Number(process.env['LOG_MODEL_RUNS'] ?? 300), examples: foundBefore },
    );
    expect(reads).toBeGreaterThan(200);
    expect(crashes).toBeGreaterThan(500);
  });
});
