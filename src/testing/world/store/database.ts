import type { StoreEntry } from '../../../ports/checkpoint-store.ts';
import type { HashedChance } from '../chance.ts';

type Batch = { readonly puts: readonly StoreEntry[]; readonly deletes: readonly Uint8Array[] };

/** More unsynced batches than this, and the system has written the older ones back by itself. */
const journalMax = 256;

/**
 * A sorted key-value store with atomic batches. Keys are held as strings of one code unit per byte, whose
 * order is the order of the bytes.
 *
 * Invariant: the content is what is durable with the journal's batches applied in order.
 */
export class Database {
  #content = new Map<string, Uint8Array>();
  #durable = new Map<string, Uint8Array>();
  #journal: Batch[] = [];
  /** The keys in order; null after a change of keys, until the next scan. */
  #sortedKeys: string[] | null = null;

  write(puts: readonly StoreEntry[], deletes: readonly Uint8Array[]): void {
    const batch = { puts: puts.map(copyEntry), deletes: deletes.map((key) => key.slice()) };
    this.#sortedKeys = null;
    apply(this.#content, batch);
    this.#journal.push(batch);
    if (this.#journal.length <= journalMax) return;
    const oldest = this.#journal.shift();
    if (oldest !== undefined) apply(this.#durable, oldest);
  }

  /** Everything written so far is durable. */
  settle(): void {
    for (const batch of this.#journal) apply(this.#durable, batch);
    this.#journal = [];
  }

  /** Some suffix of the unsynced batches is lost, whole batches each. */
  losePower(chance: HashedChance): void {
    const kept = chance.integer(this.#journal.length + 1);
    for (const batch of this.#journal.slice(0, kept)) apply(this.#durable, batch);
    this.#journal = [];
    this.#content = new Map(this.#durable);
    this.#sortedKeys = null;
  }

  /** Loses an entry whose key has more than one byte, as if it had never been written; false where none is. */
  forgetOne(choice: number): boolean {
    const keys = [...this.#content.keys()].filter((key) => key.length > 1).toSorted(byCodeUnit);
    const key = keys[choice % Math.max(1, keys.length)];
    if (key === undefined) return false;
    this.settle();
    this.#content.delete(key);
    this.#durable.delete(key);
    this.#sortedKeys = null;
    return true;
  }

  get isEmpty(): boolean {
    return this.#content.size === 0;
  }

  get(key: Uint8Array): Uint8Array | null {
    return this.#content.get(toText(key)) ?? null;
  }

  durableValue(key: Uint8Array): Uint8Array | null {
    return this.#durable.get(toText(key)) ?? null;
  }

  scan(from: Uint8Array, to: Uint8Array, limit: number): readonly StoreEntry[] {
    const keys = (this.#sortedKeys ??= [...this.#content.keys()].toSorted(byCodeUnit));
    const end = toText(to);
    const entries: StoreEntry[] = [];
    for (let at = firstAtOrAfter(keys, toText(from)); at < keys.length && entries.length < limit; at++) {
      const text = keys[at];
      if (text === undefined || text >= end) break;
      const value = this.#content.get(text);
      if (value !== undefined) entries.push({ key: toBytes(text), value });
    }
    return entries;
  }
}

function apply(content: Map<string, Uint8Array>, batch: Batch): void {
  for (const key of batch.deletes) content.delete(toText(key));
  for (const { key, value } of batch.puts) content.set(toText(key), value);
}

function copyEntry(entry: StoreEntry): StoreEntry {
  return { key: entry.key.slice(), value: entry.value.slice() };
}

function firstAtOrAfter(keys: readonly string[], text: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function byCodeUnit(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
