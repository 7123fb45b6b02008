import { assert } from './assert.ts';
import { uuid, type Uuid } from './brands.ts';
import type { Random } from './random.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The value of each character of the alphabet, by its code; 0 for any other. */
const characterValues: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, alphabet.indexOf(String.fromCharCode(code))),
);

/** The uuid of all zeros; Kafka reserves it, and so do we: it names nothing. */
export const zeroUuid: Uuid = uuid('AAAAAAAAAAAAAAAAAAAAAA');

/** 16 bytes to Kafka's form, 22 characters of base64url. */
export function uuidFromBytes(bytes: Uint8Array): Uuid {
  assert(bytes.length === 16, `a uuid has 16 bytes, not ${bytes.length}`);
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  text += alphabet[(held << (6 - bits)) & 63];
  return uuid(text);
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
