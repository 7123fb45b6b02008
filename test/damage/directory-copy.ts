import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Every file of a directory by its path within it, held in memory. */
export type DirectoryCopy = ReadonlyMap<string, Buffer>;

function pathsIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

export function copyOf(directory: string): DirectoryCopy {
  return new Map(pathsIn(directory).map((path) => [path, readFileSync(join(directory, path))]));
}

/** Puts a directory back to what `copy` holds. A start changes little, so that most files stay as they are. */
export function putBack(directory: string, copy: DirectoryCopy): void {
  mkdirSync(directory, { recursive: true });
  const there = new Set(pathsIn(directory));
  for (const path of there) if (!copy.has(path)) rmSync(join(directory, path));
  for (const [path, bytes] of copy) {
    const target = join(directory, path);
    if (there.has(path) && readFileSync(target).equals(bytes)) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
}
