import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgets } from '../../simulator/faults/budget.ts';
import type { Fault, FaultKind, FaultTarget } from '../../simulator/faults/fault.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { PlannedOperation, RunConfig, Schedule } from '../../simulator/faults/schedule.ts';
import { runSchedule } from '../../simulator/run.ts';
import { decodeSavedRun, hosts, type SavedRun } from '../../simulator/saved-run.ts';
import { check, timeoutMs } from './check.ts';

const durationUs = 4_000_000;
const nodes = 3;

const config: RunConfig = {
  ...generateSchedule(1).config,
  nodes,
  budget: 'minority damaged',
  durationUs,
  recordsBetweenSnapshots: 20,
  link: { lossPerMille: 10, duplicatePerMille: 10, delayUs: 60, jitterUs: 400, isOrdered: false },
  driftPpm: [0, 100, -100],
};

/** What a fault says beside when it happens. */
type Details<Kind extends FaultKind> = Omit<Extract<Fault, { readonly kind: Kind }>, 'kind' | 'atUs'>;

/** Those that need software of two releases, and a suspension, which has a place of its own in a run, are left out. */
type ArbitraryKind = Exclude<FaultKind, 'upgrade' | 'finalize' | 'suspend'>;

const target: fc.Arbitrary<FaultTarget> = fc.oneof(
  fc.constant('leader' as const),
  fc.nat({ max: nodes - 1 }),
);
const node = fc.nat({ max: nodes - 1 });
const forUs = fc.integer({ min: 1_000, max: 3_000_000 });
const power = fc.boolean();
const direction = fc.constantFrom('both' as const, 'in' as const, 'out' as const);
const side = fc.integer({ min: 1, max: 2 ** nodes - 2 });
const choice = fc.nat();

const arbitraries: { readonly [Kind in ArbitraryKind]: fc.Arbitrary<Details<Kind>> } = {
  crash: fc.record({ target, power, downUs: forUs }),
  crashAll: fc.record({ power, downUs: forUs }),
  crashBetweenEffects: fc.record({ target, calls: fc.integer({ min: 1, max: 12 }), power, downUs: forUs }),
  stop: fc.record({ target, downUs: forUs }),
  rollingRestart: fc.record({ downUs: forUs, gapUs: forUs }),
  pause: fc.record({ target, forUs }),
  stall: fc.record({ target, forUs }),
  isolate: fc.record({ target, direction, forUs }),
  split: fc.record({ side, forUs }),
  bridge: fc.record({ target, side, forUs }),
  cutPair: fc
    .record({ from: node, step: fc.integer({ min: 1, max: nodes - 1 }), isOneWay: fc.boolean(), forUs })
    .map(({ step, ...pair }) => ({ ...pair, to: (pair.from + step) % nodes })),
  flap: fc.record({ target, periodUs: fc.integer({ min: 20_000, max: 400_000 }), forUs }),
  reset: fc.record({ target }),
  clog: fc.record({ target, direction, factor: fc.constantFrom(5, 50, 500), forUs }),
  storm: fc.record({ lossPerMille: fc.nat({ max: 300 }), duplicatePerMille: fc.nat({ max: 500 }), forUs }),
  slowDisk: fc.record({ target, factor: fc.constantFrom(10, 100, 1_000), forUs }),
  stallDisk: fc.record({ target, forUs }),
  failDisk: fc.record({
    target,
    operation: fc.constantFrom('pread' as const, 'pwrite' as const, 'fdatasync' as const, 'store' as const),
  }),
  fullDisk: fc.record({ target, forUs }),
  lowDisk: fc.record({ target, forUs }),
  rot: fc.record({ target, choice, downUs: forUs }),
  misdirect: fc.record({ target, choice }),
  wipe: fc.record({ target, downUs: forUs }),
  wallJump: fc.record({ target, byMs: fc.integer({ min: -3_600_000, max: 3_600_000 }) }),
  drift: fc.record({ target, ppm: fc.integer({ min: -500, max: 500 }) }),
  addVoter: fc.record({ target }),
  removeVoter: fc.record({ target }),
};

const atUs = fc.nat({ max: durationUs - 1 });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  ...Object.entries(arbitraries).map(([kind, details]) =>
    // Each kind stands with its own details in the table.
    fc
      .tuple(atUs, details as fc.Arbitrary<object>)
      .map(([at, fields]) => ({ kind, atUs: at, ...fields }) as Fault),
  ),
);

const operation: fc.Arbitrary<PlannedOperation> = fc.record({
  atUs,
  client: fc.nat({ max: 2 }),
  kind: fc.constantFrom('write' as const, 'read' as const),
  key: fc.nat({ max: 3 }),
  padding: fc.constantFrom(0, 100, 3_000),
});

/** Few faults and many requests where fast-check alone decides how many, so both are as many as may be. */
const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    seed: fc.nat(),
    faults: fc.array(fault, { minLength: 1, maxLength: 25, size: 'max' }),
    operations: fc.array(operation, { minLength: 50, maxLength: 200, size: 'max' }),
  })
  .map(({ seed, faults, operations }) => ({
    seed,
    config,
    faults: inOrder(faults),
    operations: inOrder(operations),
    calls: [],
    brokers: null,
    groups: null,
    watchers: [],
  }));

function inOrder<Planned extends { readonly atUs: number }>(planned: readonly Planned[]): readonly Planned[] {
  return planned.toSorted((left, right) => left.atUs - right.atUs);
}

const folder = fileURLToPath(new URL('../simulator/found', import.meta.url));

/** What broke a property once. */
const found: readonly SavedRun[] = readdirSync(folder).map((file) => {
  const saved = decodeSavedRun(readFileSync(join(folder, file), 'utf8'));
  if (!saved.ok) throw new Error(`${file}: ${saved.error}`);
  return saved.value;
});

describe('arbitrary faults in an arbitrary order', () => {
  it('break no property while they damage a minority, and the record of the run gives the same run again', {
    timeout: timeoutMs,
  }, () => {
    const happened = new Set<string>();
    check(
      fc.property(
        schedule.map((made): SavedRun => ({ host: 'bare', mutant: null, schedule: made })),
        (saved) => {
          const host = hosts[saved.host];
          const first = runSchedule({ schedule: saved.schedule, host });
          expect(first.violation?.message ?? null).toBeNull();
          const again = runSchedule({ schedule: first.recorded, host });
          expect(again.digest).toBe(first.digest);
          for (const { kind } of first.recorded.faults) happened.add(kind);
        },
      ),
      found.length + 15,
      found.map((saved) => [saved]),
    );
    expect(happened.size).toBeGreaterThan(20);
  });

  it('are of every kind that the budget has but those that need company', () => {
    const kinds = [...budgets[config.budget].kinds].filter((kind) => !(kind in arbitraries));
    expect(kinds.toSorted()).toEqual(['finalize', 'suspend', 'upgrade']);
  });
});
