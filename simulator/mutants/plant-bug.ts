import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failed, ok, type Result } from '../../src/base/result.ts';
import { patchSources, type PlantingError } from './patch-sources.ts';
import type { PlantedBug } from './planted-bug.ts';
import { compiledPath, compileTexts, linkPrograms, programOf } from './program-copy.ts';

/** The program with a bug in it, beside the one without. */
export type PlantedCopy = {
  readonly simulatorPath: string;
  readonly workerPath: string;
};

const build = 'dist';

/**
 * Makes a copy of the build in `folder`, which lies within the checkout so that packages are found, with the
 * bug planted: the patched sources are compiled file by file and take the place of what was built from them.
 * The checkout's own sources and build stay as they are.
 */
export function plantBug(bug: PlantedBug, folder: string): Result<PlantedCopy, PlantingError> {
  const patched = patchSources(bug.patches, readSource);
  if (!patched.ok) return patched;
  const copy = join(folder, build);
  const complaint = compileTexts(patched.value, folder);
  if (complaint !== null) {
    const file = [...patched.value.keys()].join(', ');
    return failed({ code: 'DOES_NOT_PARSE', file, message: complaint });
  }
  linkPrograms(build, copy);
  for (const file of patched.value.keys()) {
    const program = join(copy, programOf(file));
    // The link goes first, or the write would change the checkout's own build.
    rmSync(program);
    copyFileSync(compiledPath(folder, file), program);
  }
  const simulator = join(copy, 'simulator');
  return ok({
    simulatorPath: join(simulator, 'main.js'),
    workerPath: join(simulator, 'command', 'worker.js'),
  });
}

/** A file of the checkout as a bug's patches see it; null for none. */
export function readSource(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
