import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { failed, ok, type Result } from '../../src/base/result.ts';
import { patchSources, type PlantingError } from './patch-sources.ts';
import type { PlantedBug } from './planted-bug.ts';

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
  rmSync(folder, { recursive: true, force: true });
  const sources = join(folder, 'sources');
  const compiled = join(folder, 'compiled');
  const copy = join(folder, build);
  for (const [file, text] of patched.value) writeWithFolder(join(sources, file), text);
  const complaint = compile(sources, compiled);
  if (complaint !== null) {
    const file = [...patched.value.keys()].join(', ');
    return failed({ code: 'DOES_NOT_PARSE', file, message: complaint });
  }
  linkPrograms(build, copy);
  for (const file of patched.value.keys()) {
    const program = file.replace(/\.ts$/, '.js');
    // The link goes first, or the write would change the checkout's own build.
    rmSync(join(copy, program));
    writeFileSync(join(copy, program), readFileSync(join(compiled, program)));
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

/** Without a look at types or at what is imported, which takes half a second. Gives what does not parse. */
function compile(sources: string, compiled: string): string | null {
  const compilerOptions = {
    noEmit: false,
    incremental: false,
    tsBuildInfoFile: null,
    rootDir: '.',
    outDir: resolve(compiled),
    noCheck: true,
    noResolve: true,
    types: [],
  };
  const config = { extends: resolve('tsconfig.json'), compilerOptions, include: ['.'] };
  writeFileSync(join(sources, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', sources], {
    encoding: 'utf8',
  });
  return status === 0 ? null : `${stdout}${stderr}`.trim();
}

/** By hard links, which takes a moment; declarations and source maps stay behind. */
function linkPrograms(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkPrograms(source, target);
    else if (!/\.(d\.ts|map)$/.test(entry.name)) linkSync(source, target);
  }
}

function writeWithFolder(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
