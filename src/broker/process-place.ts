import { readFile, stat } from 'node:fs/promises';

const bootIdFile = '/proc/sys/kernel/random/boot_id';

/**
 * Where a process works: on this boot of this machine, unlike that of any other, in this very directory and in no copy
 * of it. Only there does the lock of the directory tell that the process before has ended. Null where the system does
 * not say.
 */
export async function readPlace(directory: string): Promise<string | null> {
  const bootId = (await readFile(bootIdFile, 'utf8').catch(() => '')).trim();
  const found = await stat(directory, { bigint: true }).catch(() => null);
  return bootId === '' || found === null ? null : `${bootId} ${found.dev} ${found.ino}`;
}
