import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule } from '../../simulator/run.ts';

/** A seed's schedule with programs that watch, cut to its first seconds to keep the test short. */
function withWatchers(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed, 'watchers');
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

describe('programs that watch in the simulator', () => {
  it('are sent the committed log and nothing else, over a fixed list of seeds', () => {
    const reached = new Set<string>();
    let events = 0;
    for (const seed of [1, 3, 4, 5, 11]) {
      const report = runSchedule({ schedule: withWatchers(seed, 4_000_000), host: nodeHost });
      expect(report.violation?.message ?? null, `seed ${seed}`).toBeNull();
      events += report.watches.events;
      for (const mark of report.coverage.keys()) reached.add(mark);
    }
    expect(events).toBeGreaterThan(100);
    expect([...reached]).toEqual(
      expect.arrayContaining(['watch: catches up from the log', 'watch: goes on where it broke off']),
    );
  });

  it('do exactly the same again for the same seed', () => {
    const [first, second] = [1, 2].map(() =>
      runSchedule({ schedule: withWatchers(5, 4_000_000), host: nodeHost }),
    );
    expect(second?.digest).toBe(first?.digest);
  });
});
