import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compiledPath, compileTexts } from '../program-copy.ts';
import { Copies } from './copies.ts';
import { type GenericMutant, mutatedText } from './generic-mutant.ts';
import { TestProcess } from './test-process.ts';
import { type Kill, type Stage, tryMutant } from './try-mutant.ts';

export type CampaignOptions = {
  readonly mutants: readonly GenericMutant[];
  readonly workers: number;
  /** What it writes; within the checkout. */
  readonly folder: string;
  /** Asked before each trial. */
  readonly mayGoOn: () => boolean;
  /** A mutant that was not killed in the quick stage is told of once more, after the thorough one. */
  readonly onTried: (mutant: GenericMutant, stage: Stage, kill: Kill | null) => void;
};

type Waiting = { readonly mutant: GenericMutant; readonly stage: Stage };

/**
 * Tries one mutant after the other, as many at once as there are workers: all of them quickly, and then those
 * that are left thoroughly.
 */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const { mutants, workers, folder, mayGoOn, onTried } = options;
  const texts = new Map(mutants.map(({ file }) => [file, readFileSync(file, 'utf8')]));
  const textOf = (mutant: GenericMutant): string => mutatedText(texts.get(mutant.file) ?? '', mutant);
  const programs = join(folder, 'programs');
  const complaint = compileTexts(
    new Map(mutants.map((mutant) => [sourcePath(mutant), textOf(mutant)])),
    programs,
  );
  if (complaint !== null) throw new Error(`a mutant is no program: ${complaint}`);
  const waiting = mutants.map((mutant): Waiting => ({ mutant, stage: 'quick' }));
  const work = async (name: string): Promise<void> => {
    const copies = new Copies(join(folder, name));
    const tests = new TestProcess(resolve(copies.testRoot));
    while (mayGoOn()) {
      const next = waiting.shift();
      if (next === undefined) break;
      const { mutant, stage } = next;
      copies.plant(mutant.file, textOf(mutant), compiledPath(programs, sourcePath(mutant)));
      const kill = await tryMutant({ mutant, stage, seedWorkerPath: copies.seedWorkerPath, tests });
      copies.restore(mutant.file);
      onTried(mutant, stage, kill);
      if (kill === null && stage === 'quick') waiting.push({ mutant, stage: 'thorough' });
    }
    tests.end();
  };
  await Promise.all(Array.from({ length: workers }, (_, at) => work(`worker-${at}`)));
}

/** Each mutant of a file has a folder of its own. */
function sourcePath({ file, hash }: GenericMutant): string {
  return `${hash}/${file}`;
}
