import { assert } from '../../base/assert.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { StoreEntry } from '../../ports/checkpoint-store.ts';

/**
 * The byte stream of a snapshot on its way to a follower: entries one after another, each
 * `keyLength u32, valueLength u32, key, value`. The last entry is the manifest, so that a receiver that
 * has the manifest has everything. Chunks cut the stream anywhere.
 */
const entryHeaderBytes = 8;
const keyBytesMax = 1024;
const valueBytesMax = 16 * 1024 * 1024;

/** The stream's bytes for one entry. */
export function encodeStreamEntry(entry: StoreEntry): Uint8Array {
  assert(entry.key.length <= keyBytesMax, 'a checkpoint key is too long');
  assert(entry.value.length <= valueBytesMax, 'a checkpoint value is too long');
  const bytes = new Uint8Array(entryHeaderBytes + entry.key.length + entry.value.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entry.key.length);
  view.setUint32(4, entry.value.length);
  bytes.set(entry.key, entryHeaderBytes);
  bytes.set(entry.value, entryHeaderBytes + entry.key.length);
  return bytes;
}

/** Cuts a stream of entries out of `entries` on demand; position only moves forward. */
export class SnapshotStreamReader {
  readonly #entries: Iterator<StoreEntry>;
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;
  #isDone = false;

  constructor(entries: Iterable<StoreEntry>) {
    this.#entries = entries[Symbol.iterator]();
  }

  get position(): number {
    return this.#position;
  }

  /** The next bytes, at most `maxBytes`; `last` when nothing comes after them. */
  next(maxBytes: number): { readonly bytes: Uint8Array; readonly last: boolean } {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < maxBytes && this.#fill()) {
      const part = this.#rest.subarray(0, maxBytes - length);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      length += part.length;
    }
    this.#position += length;
    return { bytes: concatenate(parts, length), last: !this.#fill() };
  }

  /** True when there are bytes left. */
  #fill(): boolean {
    while (this.#rest.length === 0 && !this.#isDone) {
      const next = this.#entries.next();
      if (next.done === true) this.#isDone = true;
      else this.#rest = encodeStreamEntry(next.value);
    }
    return this.#rest.length > 0;
  }
}

/** Puts entries together again from chunks that cut them anywhere. */
export class SnapshotStreamParser {
  #pending: Uint8Array = new Uint8Array(0);

  /** Entries completed by `chunk`. A length beyond the format's limits is refused: the stream is damaged. */
  push(chunk: Uint8Array): Result<readonly StoreEntry[], string> {
    const bytes = this.#pending.length === 0 ? chunk : concatenate([this.#pending, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const entries: StoreEntry[] = [];
    let at = 0;
    while (bytes.length - at >= entryHeaderBytes) {
      const keyLength = view.getUint32(at);
      const valueLength = view.getUint32(at + 4);
      if (keyLength > keyBytesMax) return failed(`a key of ${keyLength} bytes`);
      if (valueLength > valueBytesMax) return failed(`a value of ${valueLength} bytes`);
      const end = at + entryHeaderBytes + keyLength + valueLength;
      if (end > bytes.length) break;
      const valueStart = at + entryHeaderBytes + keyLength;
      entries.push({
        key: bytes.slice(at + entryHeaderBytes, valueStart),
        value: bytes.slice(valueStart, end),
      });
      at = end;
    }
    this.#pending = bytes.slice(at);
    return ok(entries);
  }

  /** True when no entry is half received. */
  get isAtEntryEnd(): boolean {
    return this.#pending.length === 0;
  }
}

function concatenate(parts: readonly Uint8Array[], length?: number): Uint8Array {
  const whole = new Uint8Array(length ?? parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
