import { readFileSync } from 'node:fs';

/** The nearest package.json above this file that is ours: it stands elsewhere once the program is built. */
export function readVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    const found = readPackage(new URL(place, import.meta.url));
    if (found?.['name'] === 'ottla' && typeof found['version'] === 'string') return found['version'];
  }
  return 'unknown';
}

function readPackage(url: URL): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(url, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}
