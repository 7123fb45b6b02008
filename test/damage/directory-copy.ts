import {
  closeSync,
  type Dirent,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Every file of some folders of a directory, by its path within that directory, held in memory. */
export type DirectoryCopy = {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Buffer>;
};

export function copyOf(directory: string, folders: readonly string[]): DirectoryCopy {
  const paths = pathsIn(directory, folders);
  return { folders, files: new Map(paths.map((path) => [path, readFileSync(join(directory, path))])) };
}

/** Puts the copied folders back to what they held. A start changes little, so most files stay as they are. */
export function putBack(directory: string, { folders, files }: DirectoryCopy): void {
  const there = new Set(pathsIn(directory, folders));
  for (const path of there) if (!files.has(path)) rmSync(join(directory, path));
  // The database that a node has received stands in a folder of its own, which, left empty, would be in force.
  for (const folder of foldersIn(directory, folders)) {
    if (![...files.keys()].some((path) => path.startsWith(`${folder}/`))) {
      rmSync(join(directory, folder), { recursive: true, force: true });
    }
  }
  for (const [path, bytes] of files) {
    const target = join(directory, path);
    if (!there.has(path)) {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, bytes);
      continue;
    }
    const found = readFileSync(target);
    if (!found.equals(bytes)) writeOver(target, found.length, bytes);
  }
}

/**
 * Written in place: a file that is emptied first and written anew is flushed by some file systems when it is
 * closed.
 */
function writeOver(target: string, length: number, bytes: Buffer): void {
  const file = openSync(target, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
    if (length > bytes.length) ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
}

function foldersIn(directory: string, folders: readonly string[]): readonly string[] {
  return entriesIn(directory, folders)
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

function pathsIn(directory: string, folders: readonly string[]): readonly string[] {
  return entriesIn(directory, folders)
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

function entriesIn(directory: string, folders: readonly string[]): readonly Dirent[] {
  return folders
    .map((folder) => join(directory, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
}
