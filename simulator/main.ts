import { parseArgs } from 'node:util';
import { generateSchedule } from './faults/generate.ts';
import { bareHost } from './hosts/bare/bare-host.ts';
import type { HostKind } from './hosts/host.ts';
import { nodeHost } from './hosts/node/node-host.ts';
import { allMutants } from './mutants/all.ts';
import { hunt } from './mutants/hunt.ts';
import { runSchedule, type RunReport } from './run.ts';
import { Summary } from './summary.ts';

const usage = `npm run simulate -- [options]
  --seed N      the first seed (default: 1)
  --count M     how many seeds, one after another (default: 100; 1 where --seed is given)
  --budget S    stop after S seconds, having run at least one seed
  --mutants     hunt every planted bug, each through at most --count seeds
  --host NAME   what runs: "node", the whole controller (default), or "bare", the core on its log
  --verbose     print a transcript, one line for each transition`;

function wholeNumber(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number, not "${text}"`);
}

/** Runs seeds, prints what fails with the command that repeats it, and ends with a summary. */
function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      budget: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      host: { type: 'string', default: 'node' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const first = wholeNumber(values.seed, 1, 'seed');
  const count = wholeNumber(values.count, values.seed === undefined ? 100 : 1, 'count');
  const host = hostNamed(values.host);
  if (values.mutants) return huntAll(host, first, count);
  const budgetS = wholeNumber(values.budget, 0, 'budget');
  const summary = new Summary();
  const beganMs = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    const report = runSeed(host, seed, values.verbose);
    summary.add(report);
    if (report.violation !== null) printFailure(report);
    else if (count === 1) console.log(`seed ${seed} holds, digest ${report.digest}`);
    if (budgetS > 0 && performance.now() - beganMs > budgetS * 1000) break;
  }
  const cpu = process.cpuUsage();
  const cpuSeconds = (cpu.user + cpu.system) / 1_000_000;
  console.log(summary.text((performance.now() - beganMs) / 1000, cpuSeconds));
  return summary.failures === 0 ? 0 : 1;
}

function hostNamed(name: string): HostKind {
  if (name === 'node') return nodeHost;
  if (name === 'bare') return bareHost;
  throw new Error(`--host takes "node" or "bare", not "${name}"`);
}

function huntAll(host: HostKind, firstSeed: number, seedsMax: number): number {
  let escaped = 0;
  for (const mutant of allMutants) {
    const found = hunt(mutant, host, firstSeed, seedsMax);
    if (found === null) escaped++;
    const result =
      found === null ? `NOT CAUGHT in ${seedsMax} seeds` : `seed ${found.seed}, ${found.message}`;
    console.log(`${mutant.name} | ${mutant.source} | ${result}`);
  }
  console.log(`${allMutants.length - escaped} of ${allMutants.length} caught`);
  return escaped === 0 ? 0 : 1;
}

function runSeed(host: HostKind, seed: number, verbose: boolean): RunReport {
  const schedule = generateSchedule(seed);
  const print = (line: string): void => console.log(line);
  return runSchedule({ schedule, host, ...(verbose ? { print } : {}) });
}

function printFailure(report: RunReport): void {
  const { seed, violation, digest } = report;
  const repeat = `npm run simulate -- --seed ${seed} --verbose`;
  console.log(`FAILED seed ${seed}: ${violation?.message} | digest ${digest} | ${repeat}`);
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error(usage);
  process.exitCode = 2;
}
