import { readFile } from 'node:fs/promises';

const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** Of this boot of this machine, unlike that of any other; null where the system does not tell. */
export async function readBootId(): Promise<string | null> {
  const text = await readFile(bootIdFile, 'utf8').catch(() => '');
  return text.trim() === '' ? null : text.trim();
}
