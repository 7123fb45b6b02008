import { assert } from './assert.ts';
import { uuid, type Uuid } from './brands.ts';
import type { Random } from './random.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The value of each character of the alphabet, by its code; 0 for any other. */
const characterValues: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, alphabet.indexOf(String.fromCharCode(code))),
);

const alphabetCodes: Uint8Array = Uint8Array.from(alphabet, (character) => character.charCodeAt(0));

/** The uuid of all zeros; Kafka reserves it, and so do we: it names nothing. */
export const zeroUuid: Uuid = uuid('AAAAAAAAAAAAAAAAAAAAAA');

/**
 * 16 bytes to Kafka's form, 22 characters of base64url. All characters go into one call: a text that is put
 * together from pieces stays in pieces until it is compared, and ids are keys.
 */
export function uuidFromBytes(bytes: Uint8Array): Uuid {
  assert(bytes.length === 16, `a uuid has 16 bytes, not ${bytes.length}`);
  const a = tripleAt(bytes, 0);
  const b = tripleAt(bytes, 3);
  const c = tripleAt(bytes, 6);
  const d = tripleAt(bytes, 9);
  const e = tripleAt(bytes, 12);
  const last = bytes[15] ?? 0;
  const text = String.fromCharCode(
    codeOf(a >> 18),
    codeOf(a >> 12),
    codeOf(a >> 6),
    codeOf(a),
    codeOf(b >> 18),
    codeOf(b >> 12),
    codeOf(b >> 6),
    codeOf(b),
    codeOf(c >> 18),
    codeOf(c >> 12),
    codeOf(c >> 6),
    codeOf(c),
    codeOf(d >> 18),
    codeOf(d >> 12),
    codeOf(d >> 6),
    codeOf(d),
    codeOf(e >> 18),
    codeOf(e >> 12),
    codeOf(e >> 6),
    codeOf(e),
    codeOf(last >> 2),
    codeOf(last << 4),
  );
  // Every character is of the alphabet, and the last one holds two bits: what `uuid` would look for.
  return text as Uuid;
}

function tripleAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

/** The character for the lowest six bits. */
function codeOf(bits: number): number {
  return alphabetCodes[bits & 63] ?? 0;
}

/** The 16 bytes of a uuid, in a new array. */
export function uuidToBytes(value: Uuid): Uint8Array {
  const bytes = new Uint8Array(16);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let character = 0; character < value.length; character++) {
    held = (held << 6) | (characterValues[value.charCodeAt(character)] ?? 0);
    bits += 6;
    if (bits < 8 || at === 16) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 255;
    held &= (1 << bits) - 1;
  }
  return bytes;
}

/** A random uuid (RFC 9562 version 4), never the zero one and never beginning with '-', as in Kafka. */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const bytes = new Uint8Array(16);
    for (let at = 0; at < 16; at++) bytes[at] = random.integer(256);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const value = uuidFromBytes(bytes);
    if (!value.startsWith('-')) return value;
  }
}

/** The first five characters, which are 30 bits: a number that engines keep without a box. */
export function prefixOf(value: Uuid): number {
  let prefix = 0;
  for (let at = 0; at < 5; at++) prefix = (prefix << 6) | (characterValues[value.charCodeAt(at)] ?? 0);
  return prefix;
}
