import type { HashedChance } from '../chance.ts';
import { StoredFile } from './stored-file.ts';

export type NamedEntry = StoredFile | 'directory';
export type NameChange = {
  /** The folder whose flush makes the change durable. */
  readonly directory: string;
  readonly names: readonly string[];
  readonly apply: (entries: Map<string, NamedEntry>) => void;
};

/**
 * The names of a file system: as processes see them, and as they would be found after a power failure.
 * A change of names is durable once its folder was flushed.
 */
export class Names {
  #visible = new Map<string, NamedEntry>();
  #durable = new Map<string, NamedEntry>();
  #pending: NameChange[] = [];

  get(path: string): NamedEntry | null {
    if (path === '' || path === '/' || path === '.') return 'directory';
    return this.#visible.get(path) ?? null;
  }

  file(path: string): StoredFile | null {
    const entry = this.get(path);
    return entry instanceof StoredFile ? entry : null;
  }

  /** Names within a folder, sorted by code unit. */
  list(path: string): readonly string[] {
    return namesIn(this.#visible, path);
  }

  filePaths(): readonly string[] {
    return [...this.#visible].filter(([, entry]) => entry !== 'directory').map(([path]) => path);
  }

  bytesUsed(): number {
    let bytes = 0;
    for (const entry of this.#visible.values()) {
      if (entry !== 'directory') bytes += entry.length;
    }
    return bytes;
  }

  create(path: string, entry: NamedEntry): void {
    this.#change({
      directory: parentOf(path),
      names: [path],
      apply: (entries) => void entries.set(path, entry),
    });
  }

  remove(path: string): void {
    this.#change({
      directory: parentOf(path),
      names: [path],
      apply: (entries) => void entries.delete(path),
    });
  }

  rename(from: string, to: string): void {
    this.#change({
      directory: parentOf(to),
      names: [from, to],
      apply: (entries) => moveEntry(entries, from, to),
    });
  }

  pendingOf(directory: string): readonly NameChange[] {
    return this.#pending.filter((change) => change.directory === directory);
  }

  settle(changes: readonly NameChange[]): void {
    const settled = new Set(changes);
    // Another flush of the same folder may have settled some of them meanwhile.
    for (const change of this.#pending) {
      if (settled.has(change)) change.apply(this.#durable);
    }
    this.#pending = this.#pending.filter((change) => !settled.has(change));
  }

  /**
   * The power failed. Each unflushed change of a name took place or not; after one that did not,
   * nothing later to the same name did.
   */
  losePower(chance: HashedChance): void {
    const files = new Set([...this.#visible.values(), ...this.#durable.values()]);
    const blocked = new Set<string>();
    const style = chance.integer(3);
    for (const change of this.#pending) {
      const lose = style === 0 || (style === 1 && chance.oneIn(2));
      if (lose || change.names.some((name) => blocked.has(name))) {
        for (const name of change.names) blocked.add(name);
      } else {
        change.apply(this.#durable);
      }
    }
    dropOrphans(this.#durable);
    this.#pending = [];
    this.#visible = new Map(this.#durable);
    for (const file of files) {
      if (file !== 'directory') file.losePower(chance);
    }
  }

  dropInFlight(chance: HashedChance): void {
    for (const entry of this.#visible.values()) {
      if (entry !== 'directory') entry.dropInFlight(chance);
    }
  }

  wipe(): void {
    this.#visible = new Map();
    this.#durable = new Map();
    this.#pending = [];
  }

  /** Only what is durable, in names and in bytes. */
  durableCopy(): Names {
    const copy = new Names();
    for (const [path, entry] of this.#durable) {
      const held = entry === 'directory' ? entry : entry.durableCopy();
      copy.#visible.set(path, held);
      copy.#durable.set(path, held);
    }
    dropOrphans(copy.#durable);
    dropOrphans(copy.#visible);
    return copy;
  }

  durableFile(path: string): StoredFile | null {
    const entry = this.#durable.get(path);
    return entry instanceof StoredFile ? entry : null;
  }

  /** Names within a folder that a power failure would leave, sorted by code unit; null when it would leave none. */
  durableNamesIn(path: string): readonly string[] | null {
    return isReachable(this.#durable, path) ? namesIn(this.#durable, path) : null;
  }

  #change(change: NameChange): void {
    change.apply(this.#visible);
    this.#pending.push(change);
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash === 0) return '/';
  return slash < 0 ? '' : path.slice(0, slash);
}

function namesIn(entries: ReadonlyMap<string, NamedEntry>, path: string): readonly string[] {
  const names: string[] = [];
  for (const known of entries.keys()) {
    if (parentOf(known) === path) names.push(known.slice(path === '/' ? 1 : path.length + 1));
  }
  return names.toSorted(byCodeUnit);
}

/** True for a folder whose name is there, and those of all folders above it. */
function isReachable(entries: ReadonlyMap<string, NamedEntry>, path: string): boolean {
  if (path === '' || path === '/') return true;
  return entries.get(path) === 'directory' && isReachable(entries, parentOf(path));
}

/** Moves a name, and with a folder everything in it. */
function moveEntry(entries: Map<string, NamedEntry>, from: string, to: string): void {
  const entry = entries.get(from);
  // Its creation may have been lost by the crash that is being played.
  if (entry === undefined) return;
  entries.delete(from);
  entries.set(to, entry);
  if (entry !== 'directory') return;
  const inside = [...entries].filter(([path]) => path.startsWith(`${from}/`));
  for (const [path, held] of inside) {
    entries.delete(path);
    entries.set(to + path.slice(from.length), held);
  }
}

/** What stands in a folder whose own name was lost cannot be reached. */
function dropOrphans(entries: Map<string, NamedEntry>): void {
  for (const path of [...entries.keys()].toSorted(byCodeUnit)) {
    const parent = parentOf(path);
    const atRoot = parent === '' || parent === '/';
    if (!atRoot && entries.get(parent) !== 'directory') entries.delete(path);
  }
}

function byCodeUnit(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
