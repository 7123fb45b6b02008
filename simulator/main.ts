import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runCi } from './command/ci.ts';
import { showRun } from './command/explain.ts';
import { findPlantedBug, runInCopy } from './command/run-in-copy.ts';
import { runSeeds } from './command/run-seeds.ts';
import { runSoak } from './command/soak.ts';
import { print, runMain, showProgress, wholeNumber } from './command/terminal.ts';
import { workloadNames } from './faults/generate.ts';
import { decodeSavedRun, hostNames } from './saved-run.ts';

const usage = `npm run simulate -- [options]
  (no option)      a fixed list of seeds, each twice, then fresh ones
  --from N         the first of the fresh seeds (default: a new one each time, which is printed)
  --seconds S      begin no fresh seed after so many seconds (default: 240)
  --workers N      parallel processes (default: one for each core)

  --seed N         one seed; a failing one is shrunk and explained
  --count M        that many seeds from there, until one fails (default: 1)
  --schedule FILE  one saved schedule, with a transcript and a timeline
  --host NAME      what runs: "node", the whole controller (default), or "bare", the core on its log
  --workload NAME  what a seed is made into: "mixed" (default); an unknown name lists all
  --mutant NAME    plant a bug, which says its own host and workload where these are not given
  --verbose        a transcript with every message
  --digests        print the digest of each seed and nothing else

  --soak           fresh seeds for --minutes (default: 10), going on where the last soak ended
  --fresh          let the soak begin anew`;

const options = {
  seed: { type: 'string' },
  count: { type: 'string' },
  from: { type: 'string' },
  seconds: { type: 'string' },
  minutes: { type: 'string' },
  workers: { type: 'string' },
  schedule: { type: 'string' },
  mutant: { type: 'string' },
  soak: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  digests: { type: 'boolean', default: false },
  host: { type: 'string' },
  workload: { type: 'string' },
  // Said by the checkout's program to the one in a copy: the bug that is planted in it.
  planted: { type: 'string' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** What may be said of each way to run; the first that has an option which none but it has is meant. */
const ways = {
  schedule: ['schedule', 'planted', 'verbose'],
  soak: ['soak', 'fresh', 'minutes', 'workers'],
  seeds: ['seed', 'count', 'mutant', 'planted', 'host', 'workload', 'verbose', 'digests'],
  check: ['from', 'seconds', 'workers'],
} as const satisfies Readonly<Record<string, readonly (keyof typeof options)[]>>;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** True when every property held. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help) {
    print(usage);
    return true;
  }
  const way = wayOf(values);
  const workers = wholeNumber(values.workers, 0, 'workers');
  if (values.schedule !== undefined) return await runScheduleFile(values.schedule, values);
  if (way === 'soak') {
    const minutes = wholeNumber(values.minutes, 10, 'minutes');
    return await runSoak({ minutes, workers, isFresh: values.fresh, print, progress: showProgress });
  }
  if (way === 'seeds') return await runChosenSeeds(values);
  // Any number will do, as long as another day begins elsewhere.
  const from = wholeNumber(values.from, 10_000 + (Date.now() % 2_000_000_000), 'from');
  return await runCi({ from, seconds: wholeNumber(values.seconds, 240, 'seconds'), workers, print });
}

/** @throws {Error} when an option is given that has no meaning beside the others. */
function wayOf(values: Values): keyof typeof ways {
  const isGiven = (name: keyof Values): boolean => values[name] !== undefined && values[name] !== false;
  const given = (Object.keys(options) as (keyof Values)[]).filter(isGiven);
  const isMeant = (way: keyof typeof ways): boolean => given.some((name) => isOfAlone(way, name));
  // Half an hour of both cores is for whoever says so.
  const way = values.soak ? 'soak' : ((['schedule', 'seeds'] as const).find(isMeant) ?? 'check');
  const stray = given.find((name) => !includes(ways[way], name));
  if (stray === undefined) return way;
  const others = given.filter((name) => name !== stray).map((name) => `--${name}`);
  throw new Error(
    `--${stray} has no meaning ${others.length === 0 ? 'alone' : `beside ${others.join(', ')}`}`,
  );
}

function isOfAlone(way: keyof typeof ways, name: keyof Values): boolean {
  const others = Object.entries(ways).filter(([other]) => other !== way);
  return includes(ways[way], name) && !others.some(([, names]) => includes(names, name));
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

async function runChosenSeeds(values: Values): Promise<boolean> {
  const { seed, count, mutant, host, workload, verbose, digests } = values;
  const bug = mutant === undefined ? null : await findPlantedBug(mutant);
  if (bug !== null && bug.name !== values.planted) return await runInCopy(bug, process.argv.slice(2));
  return runSeeds({
    first: wholeNumber(seed, 1, 'seed'),
    count: wholeNumber(count, seed === undefined ? 100 : 1, 'count'),
    host: host === undefined ? (bug?.host ?? 'node') : oneOf(hostNames, host, 'host'),
    workload:
      workload === undefined ? (bug?.workload ?? 'mixed') : oneOf(workloadNames, workload, 'workload'),
    mutant: bug?.name ?? null,
    isVerbose: verbose,
    digestsOnly: digests,
    print,
  });
}

async function runScheduleFile(path: string, { planted, verbose }: Values): Promise<boolean> {
  const saved = decodeSavedRun(readFileSync(path, 'utf8'));
  if (!saved.ok) throw new Error(`${path} is no schedule of this simulator: ${saved.error}`);
  const { mutant } = saved.value;
  if (mutant !== null && mutant !== planted) {
    return await runInCopy(await findPlantedBug(mutant), process.argv.slice(2));
  }
  const command = `npm run simulate -- --schedule ${path}`;
  const name = basename(path, '.json');
  const report = showRun(saved.value, { name, command, isVerbose: verbose, print });
  print(report.violation === null ? 'it holds' : `FAILED: ${report.violation.message}`);
  print(`digest ${report.digest}`);
  return report.violation === null;
}

function oneOf<Name extends string>(names: readonly Name[], text: string, option: string): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`--${option} takes one of ${names.join(', ')}, not "${text}"`);
}

runMain(main, usage);
