import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of its own that a test can fill; only root may make one, and null is for everyone else. */
export function mountDisk(sizeBytes: number): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-disk-'));
  if (mountDiskAt(folder, sizeBytes)) return folder;
  rmSync(folder, { recursive: true, force: true });
  return null;
}

export function unmountDisk(folder: string): void {
  unmountDiskAt(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** The same over a folder that is there; whether it could be. */
export function mountDiskAt(folder: string, sizeBytes: number): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function unmountDiskAt(folder: string): void {
  execFileSync('umount', [folder], { stdio: 'ignore' });
}

export function canMountDisk(): boolean {
  const folder = mountDisk(1_048_576);
  if (folder !== null) unmountDisk(folder);
  return folder !== null;
}
