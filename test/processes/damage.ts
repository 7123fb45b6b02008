import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { assert } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';

/** One thing done to one file of a node that is not running. */
export type Damage = { readonly file: string } & (
  | { readonly kind: 'flip'; readonly position: number }
  | { readonly kind: 'cut'; readonly length: number }
  | { readonly kind: 'remove' }
);

type DamageableFile = { readonly file: string; readonly sizeBytes: number };

/** The files of a node's log and of its quorum state. */
function damageableFiles(dataDir: string): readonly DamageableFile[] {
  const names = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(segment-\d+\.log|quorum-state-[ab])$/.test(entry.name))
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)))
    .toSorted();
  return names.map((file) => ({ file, sizeBytes: readFileSync(join(dataDir, file)).length }));
}

/** Some of them: each file is met, flips and cuts in turn, half of them where the log's bytes are. */
export function someDamage(dataDir: string, count: number, random: Random): readonly Damage[] {
  const files = damageableFiles(dataDir);
  assert(files.length > 0, `${dataDir} holds neither log nor quorum state`);
  return Array.from({ length: count }, (_, index): Damage => {
    const { file, sizeBytes } = files[index % files.length] ?? { file: '', sizeBytes: 1 };
    const position = pickPosition(readFileSync(join(dataDir, file)), sizeBytes, random);
    return Math.floor(index / files.length) % 2 === 0
      ? { file, kind: 'flip', position }
      : { file, kind: 'cut', length: position };
  });
}

/** A segment is mostly room: half of the positions are taken from where something is written. */
function pickPosition(bytes: Buffer, sizeBytes: number, random: Random): number {
  if (random.chance(1, 2)) return random.integer(sizeBytes);
  const written = [...bytes.entries()].flatMap(([position, byte]) => (byte === 0 ? [] : [position]));
  return written[random.integer(Math.max(1, written.length))] ?? 0;
}

export function inflict(dataDir: string, damage: Damage): void {
  const path = join(dataDir, damage.file);
  if (damage.kind === 'remove') {
    rmSync(path);
    return;
  }
  if (damage.kind === 'cut') {
    truncateSync(path, damage.length);
    return;
  }
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(damage.position) ^ 0xff, damage.position);
  writeFileSync(path, bytes);
}

export function describeDamage(damage: Damage): string {
  switch (damage.kind) {
    case 'cut':
      return `${damage.file} cut to ${damage.length} bytes`;
    case 'flip':
      return `${damage.file} with byte ${damage.position} flipped`;
    case 'remove':
      return `${damage.file} removed`;
  }
}

/** Puts a directory back to what `original` holds. */
export function restore(dataDir: string, original: string): void {
  rmSync(dataDir, { recursive: true, force: true });
  cpSync(original, dataDir, { recursive: true });
}
