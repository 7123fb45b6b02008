import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule } from '../../simulator/run.ts';

/** A seed's schedule with model brokers, cut to its first seconds to keep the test short. */
function withBrokers(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed, 'brokers');
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

describe('model brokers in the simulator', () => {
  it('keep every record that was acknowledged, over a fixed list of seeds', () => {
    let acknowledged = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const report = runSchedule({ schedule: withBrokers(seed, 10_000_000), host: nodeHost });
      expect(report.violation?.message ?? null, `seed ${seed}`).toBeNull();
      acknowledged += report.brokers.acknowledged;
    }
    expect(acknowledged).toBeGreaterThan(100);
  });

  it('do exactly the same again for the same seed', () => {
    const [first, second] = [1, 2].map(() =>
      runSchedule({ schedule: withBrokers(4, 6_000_000), host: nodeHost }),
    );
    expect(second?.digest).toBe(first?.digest);
  });
});
