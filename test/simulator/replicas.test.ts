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

/** Kinds of faults that come in company alone. */
const ofTrials: ReadonlySet<string> = new Set([
  'clogToControllers',
  'cutFromOtherControllers',
  'deafToControllers',
  'stallDisk',
]);

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

  it('are tried in every way that there is, and by chance, over a hundred seeds', () => {
    const kinds = new Set<string>();
    let byChance = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const faults = generateSchedule(seed, 'brokers').brokers?.faults ?? [];
      for (const { kind } of faults) kinds.add(kind);
      if (!faults.some(({ kind }) => ofTrials.has(kind))) byChance++;
    }
    expect([...ofTrials].filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(byChance).toBeGreaterThan(25);
  });

  it('do exactly the same again for the same seed', () => {
    const [first, second] = [1, 2].map(() =>
      runSchedule({ schedule: withBrokers(4, 6_000_000), host: nodeHost }),
    );
    expect(second?.digest).toBe(first?.digest);
  });
});
