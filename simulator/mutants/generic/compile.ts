import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Compiles sources, by their paths below `folder`, each for itself: without a look at types or at what is
 * imported, so that hundreds take a second or two. Throws where one does not parse.
 */
export function compileSources(texts: ReadonlyMap<string, string>, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const sources = join(folder, 'sources');
  for (const [path, text] of texts) {
    const target = join(sources, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  const compilerOptions = {
    noEmit: false,
    incremental: false,
    tsBuildInfoFile: null,
    rootDir: '.',
    outDir: resolve(folder, 'compiled'),
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
  if (status !== 0) throw new Error(`the mutants do not compile: ${stdout}${stderr}`);
}

/** Where a source of `compileSources` has its program. */
export function compiledPath(folder: string, path: string): string {
  return join(folder, 'compiled', path.replace(/\.ts$/, '.js'));
}
