import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Compiles texts, by paths that end in `.ts`, each for itself: without a look at types or at what is imported,
 * so that hundreds take a second or two. Gives what does not parse, and null when all does.
 */
export function compileTexts(texts: ReadonlyMap<string, string>, folder: string): string | null {
  rmSync(folder, { recursive: true, force: true });
  const sources = join(folder, 'sources');
  for (const [path, text] of texts) writeWithFolder(join(sources, path), text);
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
  return status === 0 ? null : `${stdout}${stderr}`.trim();
}

/** Where `compileTexts` has put the program of a text. */
export function compiledPath(folder: string, path: string): string {
  return join(folder, 'compiled', programOf(path));
}

export function programOf(path: string): string {
  return path.replace(/\.ts$/, '.js');
}

/** Copies programs by hard links, which takes a moment; declarations and source maps stay behind. */
export function linkPrograms(from: string, to: string): void {
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
