import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { plantBug } from '../mutants/plant-bug.ts';
import type { PlantedBug } from '../mutants/planted-bug.ts';
import { loadPlantedBugs, selectBugs } from '../mutants/planted-bugs.ts';
import { outputPath } from './files.ts';

/** The one bug with this name, or whose file has it; throws with all names when there is none. */
export async function findPlantedBug(name: string): Promise<PlantedBug> {
  const [found, second] = selectBugs(await loadPlantedBugs(), [name]);
  if (found === undefined || second !== undefined) throw new Error(`"${name}" names a class of mutants`);
  return found.bug;
}

/**
 * Runs this same command with a bug planted: by the copy of the program that has it, in a process of its own,
 * which writes its files where this one would. True when every property held.
 */
export async function runInCopy(bug: PlantedBug, args: readonly string[]): Promise<boolean> {
  const copy = plantBug(bug, outputPath('planted'));
  if (!copy.ok) throw new Error(`the mutant cannot be planted: ${copy.error.code}: ${copy.error.message}`);
  const program = [copy.value.simulatorPath, ...args, '--planted', bug.name];
  const child = spawn(process.execPath, program, { stdio: 'inherit' });
  await once(child, 'exit');
  return child.exitCode === 0;
}
