import { describe, expect, it } from 'vitest';
import type { BudgetName } from '../../simulator/faults/budget.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { findIdlePart, type Progress } from '../../simulator/idle-part.ts';

const busy: Progress = { operations: 1, calls: 1, records: 1, leaderships: 1, watchEvents: 1 };

/** A schedule that has every part, under a budget of our choice. */
function scheduleUnder(budget: BudgetName): Schedule {
  const drawn = Array.from({ length: 400 }, (_, at) => generateSchedule(at + 1, 'brokers')).find(
    ({ operations, calls, brokers }) =>
      operations.length > 10 &&
      calls.length > 10 &&
      (brokers?.records.length ?? 0) > 10 &&
      brokers?.faults.length === 0,
  );
  const of = (workload: 'groups' | 'watchers'): Schedule => generateSchedule(1, workload);
  if (drawn === undefined) throw new Error('no seed has all parts');
  const config = { ...drawn.config, budget, durationUs: 30_000_000 };
  const watchers = of('watchers').watchers.map((watcher) => ({ ...watcher, kinds: null }));
  return { ...drawn, config, groups: of('groups').groups, watchers };
}

describe('an idle part of a run', () => {
  const schedule = scheduleUnder('fault free');

  it('is none where every part has come to something', () => {
    expect(findIdlePart(schedule, busy)).toBeNull();
  });

  it.each([
    ['operations', 'no request of a client came about'],
    ['calls', 'no call of an operator came about'],
    ['records', 'no record of a producer came about'],
    ['leaderships', 'no leadership of a group came about'],
    ['watchEvents', 'no event of a watch came about'],
  ] as const)('is named where nothing came of what was planned: %s', (part, idle) => {
    expect(findIdlePart(schedule, { ...busy, [part]: 0 })).toBe(idle);
  });

  it('is none where the part was not planned', () => {
    const without = { ...schedule, calls: [], brokers: null, groups: null, watchers: [] };
    const progress = { operations: 1, calls: 0, records: 0, leaderships: 0, watchEvents: 0 };
    expect(findIdlePart(without, progress)).toBeNull();
  });

  it('is none where the run was over before anything could come of it', () => {
    const config = { ...schedule.config, durationUs: 1_000_000 };
    expect(
      findIdlePart({ ...schedule, config, groups: null }, { ...busy, calls: 0, watchEvents: 0 }),
    ).toBeNull();
  });

  it('is none where brokers fail, whose records may all have to wait', () => {
    const fault = { kind: 'pause', broker: 0, atUs: 1, forUs: 1 } as const;
    const brokers = schedule.brokers === null ? null : { ...schedule.brokers, faults: [fault] };
    expect(findIdlePart({ ...schedule, brokers }, { ...busy, records: 0 })).toBeNull();
  });

  it('is none where controllers fail, which may leave room for nothing', () => {
    expect(findIdlePart(scheduleUnder('minority damaged'), { ...busy, calls: 0 })).toBeNull();
    expect(findIdlePart(scheduleUnder('short stalls'), { ...busy, calls: 0 })).not.toBeNull();
  });
});
