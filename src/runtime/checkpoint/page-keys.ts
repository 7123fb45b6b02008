import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';

/**
 * Keys of the checkpoint store. A page is written under a new key by every checkpoint that changes it, so
 * that the pages of the checkpoint in force stay untouched until the next one is published (design 18).
 *
 * | key | value |
 * |-----|-------|
 * | 0x00 | the manifest of the checkpoint in force |
 * | 0x01, page key's length (u16), page key, checkpoint's end offset (u64) | 0x01 and the page, or 0x00: it is gone |
 *
 * The length comes before the page key so that all versions of one page stand together, oldest first.
 */
export const manifestKey: Uint8Array = Uint8Array.of(0);
export const pageKeysFrom: Uint8Array = Uint8Array.of(1);
export const pageKeysTo: Uint8Array = Uint8Array.of(2);

export function versionedPageKey(pageKey: Uint8Array, checkpointOffset: Offset): Uint8Array {
  assert(pageKey.length <= 0xffff, 'a page key is too long');
  const key = new Uint8Array(1 + 2 + pageKey.length + 8);
  const view = new DataView(key.buffer);
  view.setUint8(0, 1);
  view.setUint16(1, pageKey.length);
  key.set(pageKey, 3);
  view.setBigUint64(3 + pageKey.length, BigInt(checkpointOffset));
  return key;
}

/** Null when `key` is no page's. */
export function parseVersionedPageKey(
  key: Uint8Array,
): { readonly pageKey: Uint8Array; readonly checkpointOffset: number } | null {
  if (key.length < 11 || key[0] !== 1) return null;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const length = view.getUint16(1);
  if (key.length !== 3 + length + 8) return null;
  const offset = view.getBigUint64(3 + length);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return { pageKey: key.slice(3, 3 + length), checkpointOffset: Number(offset) };
}

export function pageValue(page: Uint8Array): Uint8Array {
  const value = new Uint8Array(1 + page.length);
  value[0] = 1;
  value.set(page, 1);
  return value;
}

export const goneValue: Uint8Array = Uint8Array.of(0);

/** The page that a stored value holds, null for a page that is gone, undefined for a damaged value. */
export function parsePageValue(value: Uint8Array): Uint8Array | null | undefined {
  if (value[0] === 1) return value.subarray(1);
  return value.length === 1 && value[0] === 0 ? null : undefined;
}
