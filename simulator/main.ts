import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runCi } from './command/ci.ts';
import { showRun } from './command/explain.ts';
import { runSeeds } from './command/run-seeds.ts';
import { runSoak } from './command/soak.ts';
import { print, runMain, showProgress, wholeNumber } from './command/terminal.ts';
import { allMutants } from './mutants/all.ts';
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
  host: { type: 'string', default: 'node' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** True when every property held. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help) {
    print(usage);
    return true;
  }
  const workers = wholeNumber(values.workers, 0, 'workers');
  if (values.schedule !== undefined) return runScheduleFile(values.schedule, values.verbose);
  if (values.soak) {
    const minutes = wholeNumber(values.minutes, 10, 'minutes');
    return await runSoak({ minutes, workers, isFresh: values.fresh, print, progress: showProgress });
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

runMain(main, usage);
