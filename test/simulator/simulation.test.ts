import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { bareHost } from '../../simulator/hosts/bare/bare-host.ts';
import { runSchedule, type RunReport } from '../../simulator/run.ts';

function run(schedule: Schedule): RunReport {
  return runSchedule({ schedule, host: bareHost });
}

/** A seed's schedule, cut to its first seconds to keep the test short. */
function shortened(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed);
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

describe('the simulator', () => {
  it('does exactly the same again for the same seed', () => {
    for (const seed of [3, 20, 33]) {
      const first = run(shortened(seed, 6_000_000));
      const second = run(shortened(seed, 6_000_000));
      expect(second.digest).toBe(first.digest);
      expect(second.events).toBe(first.events);
    }
  });

  it('does something else for another seed', () => {
    const digests = [1, 2, 3].map((seed) => run(shortened(seed, 3_000_000)).digest);
    expect(new Set(digests).size).toBe(3);
  });

  it('finds every property to hold over a fixed list of seeds', () => {
    for (let seed = 100; seed < 115; seed++) {
      const { violation } = run(generateSchedule(seed));
      expect(violation?.message ?? null, `seed ${seed}`).toBeNull();
    }
  });

  it('elects once and never again where nothing fails', () => {
    for (const seed of [1, 2, 3]) {
      const schedule = generateSchedule(seed);
      const link = { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true };
      const report = run({ ...schedule, faults: [], config: { ...schedule.config, link } });
      expect(report.violation?.message ?? null).toBeNull();
      expect(report.elections, `seed ${seed}`).toBe(1);
    }
  });

  it('reaches what it is meant to test', () => {
    const reached = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      for (const mark of run(generateSchedule(seed)).marks.keys()) reached.add(mark);
    }
    const wanted = [
      'role leader',
      'role resigned',
      'truncateLog',
      'installSnapshot',
      'fetch diverging',
      'fetch snapshot',
      'pre-vote refused',
      'vote granted',
      'boot behind a snapshot',
      'completeReadBarrier',
      'failReadBarriers',
      'proposal failed: OUTCOME_UNKNOWN',
    ];
    expect(wanted.filter((mark) => !reached.has(mark))).toEqual([]);
  });
});
