import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { bareHost } from '../../simulator/hosts/bare/bare-host.ts';
import type { HostKind } from '../../simulator/hosts/host.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { runSchedule, type RunReport } from '../../simulator/run.ts';

function run(schedule: Schedule, host: HostKind = bareHost): RunReport {
  return runSchedule({ schedule, host });
}

const hosts: readonly (readonly [string, HostKind])[] = [
  ['the core on its log', bareHost],
  ['the whole node', nodeHost],
];

/** A seed's schedule, cut to its first seconds to keep the test short. */
function shortened(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed);
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

describe('the simulator', () => {
  it.each(hosts)('does exactly the same again for the same seed: %s', (_name, host) => {
    for (const seed of [3, 20, 33]) {
      const first = run(shortened(seed, 6_000_000), host);
      const second = run(shortened(seed, 6_000_000), host);
      expect(second.digest).toBe(first.digest);
      expect(second.events).toBe(first.events);
    }
  });

  it('does something else for another seed', () => {
    const digests = [1, 2, 3].map((seed) => run(shortened(seed, 3_000_000)).digest);
    expect(new Set(digests).size).toBe(3);
  });

  it.each(hosts)('finds every property to hold over a fixed list of seeds: %s', (_name, host) => {
    for (let seed = 100; seed < 112; seed++) {
      const { violation } = run(generateSchedule(seed), host);
      expect(violation?.message ?? null, `seed ${seed}`).toBeNull();
    }
  });

  // Seed 3 of the whole node: all three crashed between joining and their first vote. Each took the quorum
  // state that it had never written for a lost one, and became a stranger; the cluster was dead for good.
  it('starts again after all nodes crashed between joining and their first vote', () => {
    const schedule = shortened(3, 4_000_000);
    const faults = Array.from(
      { length: 6 },
      (_, at) => ({ kind: 'crashAll', atUs: 300_000 * (at + 1), power: true, downUs: 5000 }) as const,
    );
    expect(run({ ...schedule, faults }, nodeHost).violation?.message ?? null).toBeNull();
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
    for (let seed = 1; seed <= 24; seed++) {
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
