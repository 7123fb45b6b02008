import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runCi } from './command/ci.ts';
import { showRun } from './command/explain.ts';
import { runSeeds } from './command/run-seeds.ts';
import { runSoak } from './command/soak.ts';
import { allMutants } from './mutants/all.ts';
import { hunt } from './mutants/hunt.ts';
import { decodeSavedRun, type HostName, hosts, mutantNamed } from './saved-run.ts';

const usage = `npm run simulate -- [options]
  (no option)      a fixed list of seeds, each twice, then fresh ones
  --from N         the first of the fresh seeds (default: a new one each time, which is printed)
  --seconds S      begin no fresh seed after so many seconds (default: 240)
  --workers N      parallel processes (default: one for each core)

  --seed N         one seed; a failing one is shrunk and explained
  --count M        that many seeds from there, until one fails (default: 1)
  --schedule FILE  one saved schedule, with a transcript and a timeline
  --host NAME      what runs: "node", the whole controller (default), or "bare", the core on its log
  --mutant NAME    plant a bug
  --verbose        a transcript with every message
  --digests        print the digest of each seed and nothing else

  --mutants        hunt every planted bug, each through at most --count seeds (default: 100)
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
  mutants: { type: 'boolean', default: false },
  soak: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  digests: { type: 'boolean', default: false },
  host: { type: 'string', default: 'node' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

function wholeNumber(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number, not "${text}"`);
}

/** True when every property held. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const print = (line: string): void => console.log(line);
  const workers = wholeNumber(values.workers, 0, 'workers');
  if (values.schedule !== undefined) return runScheduleFile(values.schedule, values.verbose);
  if (values.mutants) return huntAll(values);
  if (values.soak) {
    const minutes = wholeNumber(values.minutes, 10, 'minutes');
    return await runSoak({ minutes, workers, isFresh: values.fresh, print, progress });
  }
  if (values.seed !== undefined || values.count !== undefined || values.mutant !== undefined) {
    return runSeeds({
      first: wholeNumber(values.seed, 1, 'seed'),
      count: wholeNumber(values.count, values.seed === undefined ? 100 : 1, 'count'),
      host: hostNamed(values.host),
      mutant: values.mutant === undefined ? null : knownMutant(values.mutant),
      isVerbose: values.verbose,
      digestsOnly: values.digests,
      print,
    });
  }
  // Any number will do, as long as another day begins elsewhere.
  const from = wholeNumber(values.from, 10_000 + (Date.now() % 2_000_000_000), 'from');
  return await runCi({ from, seconds: wholeNumber(values.seconds, 240, 'seconds'), workers, print });
}

function runScheduleFile(path: string, isVerbose: boolean): boolean {
  const saved = decodeSavedRun(readFileSync(path, 'utf8'));
  if (!saved.ok) throw new Error(`${path} is no schedule of this simulator: ${saved.error}`);
  const print = (line: string): void => console.log(line);
  const command = `npm run simulate -- --schedule ${path}`;
  const name = basename(path, '.json');
  const report = showRun(saved.value, { name, command, isVerbose, print });
  print(report.violation === null ? 'it holds' : `FAILED: ${report.violation.message}`);
  print(`digest ${report.digest}`);
  return report.violation === null;
}

function hostNamed(name: string): HostName {
  const found = (Object.keys(hosts) as HostName[]).find((known) => known === name);
  if (found === undefined) throw new Error(`--host takes "node" or "bare", not "${name}"`);
  return found;
}

function knownMutant(name: string): string {
  if (mutantNamed(name) !== null) return name;
  const names = allMutants.map((mutant) => `\n  ${mutant.name}`).join('');
  throw new Error(`there is no mutant "${name}"; there are:${names}`);
}

function huntAll(values: Values): boolean {
  const firstSeed = wholeNumber(values.seed, 1, 'seed');
  const seedsMax = wholeNumber(values.count, 100, 'count');
  const host = hosts[hostNamed(values.host)];
  let escaped = 0;
  for (const mutant of allMutants) {
    const found = hunt(mutant, host, firstSeed, seedsMax);
    if (found === null) escaped++;
    const result =
      found === null ? `NOT CAUGHT in ${seedsMax} seeds` : `seed ${found.seed}, ${found.message}`;
    console.log(`${mutant.name} | ${mutant.source} | ${result}`);
  }
  console.log(`${allMutants.length - escaped} of ${allMutants.length} caught`);
  return escaped === 0;
}

let lastProgressMs = 0;

/** On a terminal the line replaces itself; in a file there is one now and then. */
function progress(line: string): void {
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\u001b[2K${line}`);
    return;
  }
  if (performance.now() - lastProgressMs < 30_000) return;
  lastProgressMs = performance.now();
  console.log(line);
}

main().then(
  (holds) => {
    process.exitCode = holds ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    console.error(usage);
    process.exitCode = 2;
  },
);
