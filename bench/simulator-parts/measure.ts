import { parseArgs } from 'node:util';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import { runSchedule } from '../../simulator/run.ts';
import { type HostName, hosts } from '../../simulator/saved-run.ts';
import { report, type ReportRow } from '../report.ts';
import { positive } from '../support/numbers.ts';

function main(): void {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '5' },
      first: { type: 'string', default: '1' },
    },
  });
  const seeds = threeNodeSeeds(positive(values.first), positive(values.seeds));
  const rounds = positive(values.rounds);
  const names = Object.keys(hosts) as HostName[];
  report(
    'simulator',
    names.map((name) => measure(name, seeds, rounds)),
  );
}

/** The first so many seeds whose quorum has three nodes and whose budget allows faults. */
function threeNodeSeeds(first: number, count: number): readonly number[] {
  const seeds: number[] = [];
  for (let seed = first; seeds.length < count; seed++) {
    const { config } = generateSchedule(seed);
    if (config.nodes === 3 && config.budget !== 'fault free') seeds.push(seed);
  }
  return seeds;
}

type Round = { readonly simulatedMs: number; readonly processorMs: number; readonly events: number };

function measure(host: HostName, seeds: readonly number[], roundCount: number): ReportRow {
  runAll(host, seeds);
  const rounds = Array.from({ length: roundCount }, () => runAll(host, seeds));
  const speeds = rounds.map(({ simulatedMs, processorMs }) => simulatedMs / processorMs);
  const [{ simulatedMs, events } = { simulatedMs: 0, events: 0 }] = rounds;
  const sorted = speeds.toSorted((left, right) => left - right);
  return {
    host,
    seedCount: seeds.length,
    roundCount,
    simulatedSeconds: Math.round(simulatedMs / 1000),
    eventsPerSimulatedSecond: Math.round(events / (simulatedMs / 1000)),
    simulatedSecondsPerSecond: Math.round(medianOf(sorted)),
    slowestRound: Math.round(sorted[0] ?? 0),
    fastestRound: Math.round(sorted.at(-1) ?? 0),
  };
}

/** By the time of this process's processor, compilation and garbage collection included. */
function runAll(host: HostName, seeds: readonly number[]): Round {
  const before = process.cpuUsage();
  let simulatedMs = 0;
  let events = 0;
  for (const seed of seeds) {
    const { violation, ...done } = runSchedule({ schedule: generateSchedule(seed), host: hosts[host] });
    if (violation !== null) throw new Error(`seed ${seed} (${host}) fails: ${violation.message}`);
    simulatedMs += done.simulatedUs / 1000;
    events += done.events;
  }
  const { user, system } = process.cpuUsage(before);
  return { simulatedMs, processorMs: (user + system) / 1000, events };
}

function medianOf(sorted: readonly number[]): number {
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}

main();
