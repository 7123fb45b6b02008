import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { failed, ok, type Result } from '../base/result.ts';

/**
 * Makes a directory and those above it, or says in words with a path why it cannot be. Node's own recursive
 * form is not used: where a parent exists and takes no children, as /proc, it tries again for ever.
 */
export function makeDirectory(path: string): Result<null, string> {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) {
    const made = makeDirectory(parent);
    if (!made.ok) return made;
  }
  try {
    mkdirSync(path);
    return ok(null);
  } catch (error) {
    const file = firstFileAbove(path);
    if (file !== null) return failed(`${file} is a file, not a directory`);
    // Made before, or at this moment by somebody else.
    if (existsSync(path)) return ok(null);
    // Node ends its message with the call and the path.
    const reason = (error instanceof Error ? error.message : String(error)).replace(/, mkdir '.*$/s, '');
    return failed(`the directory ${path} cannot be made: ${reason}`);
  }
}

/** The path itself or what stands above it, if that is there and no directory. */
function firstFileAbove(path: string): string | null {
  for (let place = path; ; place = dirname(place)) {
    if (existsSync(place)) return isDirectory(place) ? null : place;
    if (place === dirname(place)) return null;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // It went away, or cannot be looked at; that it is a file is not what is wrong with it.
    return true;
  }
}
