import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import { pageKeyBytes } from '../../codec/image-pages.ts';
import { versionedPageKey } from './page-keys.ts';

/** Remembers under which checkpoint's key each page in force is stored, so that a replaced one can be deleted. */
export class PageVersions {
  readonly #offsets = new Map<number, Offset>();

  /** The page is now stored under `checkpointOffset`; gives the key that it was stored under before. */
  replace(pageKey: Uint8Array, checkpointOffset: Offset): Uint8Array | null {
    const before = this.#take(pageKey);
    this.#offsets.set(nameOf(pageKey), checkpointOffset);
    return before;
  }

  /** The page is gone; gives the key that it was stored under. */
  remove(pageKey: Uint8Array): Uint8Array | null {
    return this.#take(pageKey);
  }

  get size(): number {
    return this.#offsets.size;
  }

  #take(pageKey: Uint8Array): Uint8Array | null {
    const name = nameOf(pageKey);
    const offset = this.#offsets.get(name);
    if (offset === undefined) return null;
    this.#offsets.delete(name);
    return versionedPageKey(pageKey, offset);
  }
}

/** The bytes as one number: a page's key has five of them, which a safe integer holds. */
function nameOf(pageKey: Uint8Array): number {
  assert(pageKey.length === pageKeyBytes, `a page key of ${pageKey.length} bytes`);
  let name = 0;
  for (const byte of pageKey) name = name * 256 + byte;
  return name;
}
