import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file that its owner alone may read, whole or not at all, and durable when this resolves. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const unfinished = `${path}.unfinished`;
  const file = await open(unfinished, 'w', 0o600);
  try {
    // One that was left there may have had other rights.
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Whether nobody but this process's own user, or root, can have written it. */
export async function isWrittenByOwner(path: string): Promise<boolean> {
  const { uid, mode } = await stat(path);
  const own = process.getuid?.();
  // Where there are no owners, as on Windows, the directory's rights are all there is.
  if (own === undefined) return true;
  return (uid === own || uid === 0) && (mode & 0o022) === 0;
}
