import { writeFileSync } from 'node:fs';
import type { WorkloadName } from '../faults/generate.ts';
import { runSchedule, type RunReport } from '../run.ts';
import { encodeSavedRun, hosts, type SavedRun } from '../saved-run.ts';
import { shrinkSchedule } from '../shrink/shrink-schedule.ts';
import { timelinePage } from '../timeline/page.ts';
import { TimelineRecorder } from '../timeline/recorder.ts';
import { outputPath } from './files.ts';

export type Print = (line: string) => void;

/** So many runs, at most, to make a failing schedule small. */
const shrinkRunsMax = 500;
/** A longer transcript is in the file; its end is what people read. */
const transcriptLinesMax = 60;

export function runSaved({ host, schedule }: SavedRun): RunReport {
  return runSchedule({ schedule, host: hosts[host] });
}

/** A run that its seed and the name of the workload make again. */
export type SeededRun = SavedRun & { readonly workload: WorkloadName };

type RepeatedSeed = Omit<SeededRun, 'schedule'> & { readonly seed: number };

/** The command that repeats a run which a seed has made. */
export function commandOf({ host, mutant, seed, workload }: RepeatedSeed): string {
  const planted = mutant === null ? '' : ` --mutant ${JSON.stringify(mutant)}`;
  const ofWorkload =
    workload === 'mixed' ? '' : ` --workload ${workload.includes(' ') ? JSON.stringify(workload) : workload}`;
  return `npm run simulate -- --seed ${seed} --host ${host}${ofWorkload}${planted}`;
}

/** Makes a failing run small, and writes and prints what explains it. */
export function explainFailure(saved: SeededRun, failing: RunReport, print: Print): void {
  const { faults, operations } = failing.recorded;
  print(`  repeat it:  ${commandOf({ ...saved, seed: saved.schedule.seed })}`);
  print('  shrinking …');
  const shrunken = shrinkSchedule(failing, {
    run: (schedule) => runSaved({ ...saved, schedule }),
    runsMax: shrinkRunsMax,
  });
  const small: SavedRun = { ...saved, schedule: shrunken.schedule };
  const before = `${faults.length} faults and ${operations.length} operations`;
  const after = `${small.schedule.faults.length} and ${small.schedule.operations.length}`;
  const ending = shrunken.isCutShort ? ', and stopped there' : '';
  print(`  shrunk from ${before} to ${after} by ${shrunken.reruns} runs${ending}`);
  const name = `seed-${saved.schedule.seed}-${saved.host}`;
  const path = outputPath(`${name}.json`);
  writeFileSync(path, encodeSavedRun(small));
  const command = `npm run simulate -- --schedule ${path}`;
  print(`  the small schedule:  ${command}`);
  const shown = showRun(small, { name, command, isVerbose: false, print });
  print(`  broken:  ${shown.violation?.message ?? 'nothing'}`);
}

export type ShowOptions = {
  readonly name: string;
  readonly command: string;
  /** With every message, and whole. */
  readonly isVerbose: boolean;
  readonly print: Print;
};

/** Runs once more under observation: prints the transitions, and writes a transcript and a timeline. */
export function showRun(saved: SavedRun, { name, command, isVerbose, print }: ShowOptions): RunReport {
  const { host, mutant, schedule } = saved;
  const recorder = new TimelineRecorder();
  const all: string[] = [];
  const transitions: string[] = [];
  const report = runSchedule({
    schedule,
    host: hosts[host],
    recorder,
    print: (line, isDetail) => {
      all.push(line);
      if (!isDetail) transitions.push(line);
    },
  });
  const transcriptPath = outputPath(`${name}.txt`);
  writeFileSync(transcriptPath, `${all.join('\n')}\n`);
  const timelinePath = outputPath(`${name}.html`);
  const heading = `Seed ${schedule.seed}, ${host} host${mutant === null ? '' : `, with the mutant “${mutant}”`}`;
  const { nodes, budget } = schedule.config;
  const size = `${schedule.faults.length} faults, ${schedule.operations.length} operations, ${nodes} nodes`;
  const facts = `${size}; budget “${budget}”; digest ${report.digest}`;
  writeFileSync(timelinePath, timelinePage(recorder, { heading, command, facts }));
  print(`  the timeline:  ${timelinePath}`);
  print(`  every message:  ${transcriptPath}`);
  const lines = isVerbose ? all : transitions.slice(-transcriptLinesMax);
  if (lines.length < transitions.length) print(`  … ${transitions.length - lines.length} lines before`);
  for (const line of lines) print(`  ${line}`);
  return report;
}
