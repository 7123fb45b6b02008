import { generateSchedule } from '../faults/generate.ts';
import { runSchedule } from '../run.ts';
import { hosts } from '../saved-run.ts';
import { type SeedResult, seedResult, type SeedTask } from './seed-result.ts';

/** Runs a seed, and where asked runs it again: a run that differs from itself is a finding of its own. */
export function runSeed(task: SeedTask): SeedResult {
  const { host, workload, seed, isRepeated } = task;
  const run = (): SeedResult => {
    const before = process.cpuUsage();
    const report = runSchedule({ schedule: generateSchedule(seed, workload), host: hosts[host] });
    const { user, system } = process.cpuUsage(before);
    return seedResult(task, report, user + system);
  };
  const first = run();
  if (!isRepeated || first.broken !== null) return first;
  const second = run();
  if (second.digest === first.digest) return first;
  const message = `the digest is ${first.digest}, and then ${second.digest}`;
  return { ...first, broken: { property: 'the same seed gives the same run', message } };
}
