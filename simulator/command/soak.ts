import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { coverageMarks } from '../../src/base/coverage-marks.ts';
import { coverageFault, coverageTable } from '../coverage.ts';
import { Summary, type Totals } from '../summary.ts';
import { countFrom, explainSeed, inEveryWorkload, titleOf } from './ci.ts';
import type { Print } from './explain.ts';
import { outputPath } from './files.ts';
import { runPool } from './pool.ts';
import type { SeedResult } from './seed-result.ts';
import { progressBar } from './terminal.ts';

export type SoakOptions = {
  readonly minutes: number;
  readonly workers: number;
  /** Forgets what an earlier soak has reached. */
  readonly isFresh: boolean;
  readonly print: Print;
  /** Shows one line that replaces the one before it. */
  readonly progress: Print;
};

/** Where a soak goes on after it was ended: every seed below `nextSeed` has been run. */
type State = {
  readonly format: number;
  nextSeed: number;
  readonly totals: Totals;
  readonly failures: SeedResult[];
};

const format = 5;
/** Past the seeds that every check runs. */
const firstSeed = 1000;
const progressEveryMs = 2000;

/** Runs fresh seeds for so long, in parallel processes, and goes on where the last soak ended. */
export async function runSoak(options: SoakOptions): Promise<boolean> {
  const { minutes, workers, print, progress } = options;
  const state = options.isFresh ? newState() : readState();
  const summary = new Summary(state.totals);
  print(`from seed ${state.nextSeed}, after ${state.totals.seeds} runs`);
  const beganMs = performance.now();
  const seedsBefore = state.totals.seeds;
  const tasks = inEveryWorkload(countFrom(state.nextSeed));
  const running = new Set<string>();
  const elapsedMs = (): number => performance.now() - beganMs;
  const showProgress = (): void => {
    const seeds = (1000 * (state.totals.seeds - seedsBefore)) / Math.max(1, elapsedMs());
    progress(progressLine(summary, elapsedMs() / (minutes * 60_000), seeds));
  };
  const timer = setInterval(() => {
    writeState(state);
    showProgress();
  }, progressEveryMs);
  await runPool({
    workers,
    next: () => {
      if (elapsedMs() >= minutes * 60_000) return null;
      const task = tasks.next().value ?? null;
      if (task !== null) running.add(`${task.seed} ${task.host}`);
      return task;
    },
    onResult: (result) => {
      running.delete(`${result.seed} ${result.host}`);
      summary.add(result);
      if (result.broken !== null) {
        state.failures.push(result);
        print(`FAILED ${titleOf(result)}: ${result.broken.message}`);
      }
      // What runs still is run again after a resumption, and so counted twice at most.
      const lowest = Math.min(...[...running].map((name) => Number(name.split(' ')[0])), result.seed + 1);
      state.nextSeed = Math.max(state.nextSeed, lowest);
    },
  });
  clearInterval(timer);
  writeState(state);
  showProgress();
  print('');
  for (const failure of state.failures.slice(0, 1)) explainSeed(failure, print);
  print(summary.text());
  const { coverage } = state.totals.groups;
  print(coverageTable(coverage));
  const missed = coverageFault(state.totals.seeds, coverage);
  if (missed !== null) print(`FAILED: ${missed}`);
  return state.failures.length === 0 && missed === null;
}

/** A bar, and what has been reached since the first soak. */
function progressLine(summary: Summary, share: number, seedsPerSecond: number): string {
  const { totals } = summary;
  return [
    progressBar(share),
    `${totals.seeds} runs, ${seedsPerSecond.toFixed(1)}/s`,
    `${summary.simulatedSeconds} s simulated`,
    `${summary.faultEvents} faults`,
    `${totals.elections} elections`,
    `${Object.keys(totals.groups.coverage).length} of ${coverageMarks.length} marks`,
    `${totals.failures} failed`,
  ].join('  ');
}

function newState(): State {
  return { format, nextSeed: firstSeed, totals: new Summary().totals, failures: [] };
}

/** A state of another format is of no use, and begins anew. */
function readState(): State {
  const path = statePath();
  if (!existsSync(path)) return newState();
  const state = JSON.parse(readFileSync(path, 'utf8')) as State;
  return state.format === format ? state : newState();
}

/** By rename, so that a soak that is ended in the middle leaves a whole file. */
function writeState(state: State): void {
  const path = statePath();
  writeFileSync(`${path}.new`, JSON.stringify(state));
  renameSync(`${path}.new`, path);
}

function statePath(): string {
  return outputPath('soak.json');
}
