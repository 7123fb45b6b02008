import { equal, ok as holds } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecovery } from '../../../src/broker/log/open-partition-log.ts';
import type { PartitionLog } from '../../../src/broker/log/partition-log.ts';
import { type LogStart, noStart } from '../../../src/broker/log/segment.ts';
import { endOf, LogBench, type MadeBatch, madeBatch } from './log-bench.ts';

/** After a reset it begins with an empty batch, which stands where the log went on. */
type State = readonly MadeBatch[];
type Possible = { readonly call: number; readonly state: State; readonly start: LogStart };

type Action =
  | { readonly kind: 'append'; readonly sizes: readonly number[]; readonly isLater: boolean }
  | { readonly kind: 'truncate'; readonly part: number }
  | { readonly kind: 'retain'; readonly bytes: number }
  | { readonly kind: 'reset'; readonly ahead: number }
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
  #possible: Possible[] = [{ call: 0, state: [], start: noStart }];
  #epoch = 0;
  #fill = 0;
  #start = noStart;

  constructor(seed: number, segmentBytes: number) {
    this.bench = new LogBench({ seed, segmentBytes });
    this.log = this.bench.open().log;
  }

  apply(action: Action): void {
    const isCall = ['append', 'truncate', 'retain', 'reset', 'read'].includes(action.kind);
    // After a failure the process stops: nothing but the crash follows.
    if (isCall && this.bench.failures.length > 0) return;
    switch (action.kind) {
      case 'append':
        return this.#append(action.sizes, action.isLater);
      case 'truncate':
        return this.#truncate(action.part);
      case 'retain':
        return this.#retain(action.bytes);
      case 'reset':
        return this.#reset(action.ahead);
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
      this.#possible.push({ call, state: this.#state, start: this.#start });
      return batch.bytes;
    });
    this.log.append(batches, () => this.#complete(call));
  }

  #truncate(part: number): void {
    const candidates = this.#state.filter(
      (each) => each.bytes.length > 0 && each.baseOffset >= this.#start.offset,
    );
    const at = candidates[Math.floor(part * candidates.length)];
    if (at === undefined) return;
    const to = at.baseOffset;
    const call = ++this.#call;
    const kept = this.#state.filter((batch) => batch.baseOffset < to || batch.bytes.length === 0);
    // Segments are removed one after another, the newest first.
    for (let count = this.#state.length; count >= kept.length; count--) {
      this.#possible.push({ call, state: this.#state.slice(0, count), start: this.#start });
    }
    this.#state = kept;
    this.#possible.push({ call, state: kept, start: this.#start });
    this.log.truncate(to, () => this.#complete(call));
    equal(this.log.endOffset, to);
  }

  #retain(retentionBytes: number): void {
    // What is not on disk for certain is not committed.
    const ends = this.#afterCrash().map(({ state }) => state.at(-1)?.endOffset ?? 0);
    const highWatermark = Math.min(...ends);
    const offset = this.log.retainedFrom({ nowMs: 0, retentionMs: null, retentionBytes, highWatermark });
    if (offset === this.#start.offset) return;
    holds(offset > this.#start.offset && offset <= highWatermark);
    const before = this.#state.find(({ endOffset }) => endOffset === offset);
    this.#start = { offset, epochBefore: epochOf(before) };
    const call = ++this.#call;
    this.#possible.push({ call, state: this.#state, start: this.#start });
    this.log.advanceStart(this.#start, () => this.#complete(call));
  }

  #reset(ahead: number): void {
    const offset = ahead === 0 ? 0 : (this.#state.at(-1)?.endOffset ?? 0) + ahead - 3;
    const call = ++this.#call;
    // What is not written yet is never written, and a cut that comes before may end before all is removed.
    for (let count = this.#state.length; count >= 0; count--) {
      this.#possible.push({ call, state: this.#state.slice(0, count), start: this.#start });
    }
    this.#start = offset <= 0 ? noStart : { offset, epochBefore: this.#epoch };
    const placed = {
      bytes: new Uint8Array(0),
      baseOffset: this.#start.offset,
      endOffset: this.#start.offset,
    };
    this.#state = [placed];
    this.#possible.push({ call, state: this.#state, start: this.#start });
    this.log.reset(this.#start, () => this.#complete(call));
    equal(this.log.endOffset, this.#start.offset);
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

  #afterCrash(): readonly Possible[] {
    const first = this.#possible.findLastIndex(({ call }) => call <= this.#completed);
    return this.#possible.slice(Math.max(0, first));
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
    const found = this.bench.readAll(log);
    const match = allowed.find(
      ({ state, start }) =>
        start.offset === log.startOffset &&
        (state.at(-1)?.endOffset ?? 0) === log.endOffset &&
        isSame(found, state, log.startOffset) &&
        isDeepStrictEqual(recovery.epochs, epochsOf(state, start)),
    );
    const ends = allowed
      .map(({ state, start }) => `${start.offset}-${state.at(-1)?.endOffset ?? 0}`)
      .join(', ');
    holds(
      match !== undefined,
      `the log is ${log.startOffset}-${log.endOffset} ${JSON.stringify(recovery.epochs)}, allowed: ${ends}`,
    );
    const { state, start } = match;
    this.log = log;
    this.#state = state;
    this.#call = 0;
    this.#completed = 0;
    this.#possible = [{ call: 0, state, start }];
    this.#start = start;
  }
}

function epochsOf(state: State, { offset, epochBefore }: LogStart): LogRecovery['epochs'] {
  const starts: { epoch: number; startOffset: number }[] = [];
  if (epochBefore >= 0) starts.push({ epoch: epochBefore, startOffset: offset - 1 });
  for (const batch of state) {
    const epoch = epochOf(batch);
    if (batch.endOffset > offset && starts.at(-1)?.epoch !== epoch) {
      starts.push({ epoch, startOffset: batch.baseOffset });
    }
  }
  return starts;
}

function epochOf(batch: MadeBatch | undefined): number {
  return batch === undefined || batch.bytes.length === 0 ? -1 : Buffer.from(batch.bytes).readInt32BE(12);
}

function isSame(found: readonly Uint8Array[], state: State, startOffset: number): boolean {
  const wanted = state.filter((batch) => batch.endOffset > startOffset);
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
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), ahead: fc.integer({ min: 0, max: 5 }) }),
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
