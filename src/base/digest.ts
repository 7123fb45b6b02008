/**
 * A 64-bit digest in two lanes of 32 bits, by integer operations alone, so that it is the same on every
 * machine. It finds differences and damage; it is no protection against someone who forges both.
 */
export type Digest = { readonly high: number; readonly low: number };

export const zeroDigest: Digest = Object.freeze({ high: 0, low: 0 });

/**
 * Digests of members are added lane by lane, so that the digest of a set depends on neither the order
 * nor the place of its members.
 */
export function addDigests(left: Digest, right: Digest): Digest {
  return { high: (left.high + right.high) >>> 0, low: (left.low + right.low) >>> 0 };
}

export function sameDigest(left: Digest, right: Digest): boolean {
  return left.high === right.high && left.low === right.low;
}

/** 16 hexadecimal digits. */
export function digestText(digest: Digest): string {
  return digest.high.toString(16).padStart(8, '0') + digest.low.toString(16).padStart(8, '0');
}

/** Takes values in order; the same values in the same order give the same digest. */
export class Hasher {
  #high = 0x9747b28c;
  #low = 0x3c6ef372;
  #count = 0;

  reset(): void {
    this.#high = 0x9747b28c;
    this.#low = 0x3c6ef372;
    this.#count = 0;
  }

  /** One int32 (murmur3's body step in each lane, with other constants in the second). */
  int32(value: number): void {
    let word = Math.imul(value, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    let high = this.#high ^ Math.imul(word, 0x1b873593);
    high = (high << 13) | (high >>> 19);
    this.#high = (Math.imul(high, 5) + 0xe6546b64) | 0;

    let other = Math.imul(value, 0x239b961b);
    other = (other << 16) | (other >>> 16);
    let low = this.#low ^ Math.imul(other, 0xab0e9789);
    low = (low << 17) | (low >>> 15);
    this.#low = (Math.imul(low, 5) + 0x561ccd1b) | 0;
    this.#count++;
  }

  /** A safe integer, both halves. */
  integer(value: number): void {
    this.int32(value | 0);
    this.int32(Math.floor(value / 4294967296));
  }

  boolean(value: boolean): void {
    this.int32(value ? 1 : 2);
  }

  /** UTF-16 code units, after their number. */
  string(value: string): void {
    this.int32(value.length);
    for (let at = 0; at < value.length; at++) this.int32(value.charCodeAt(at));
  }

  /** Four bytes at a time, after their number. */
  bytes(value: Uint8Array): void {
    const length = value.length;
    this.int32(length);
    const whole = length - (length % 4);
    for (let at = 0; at < whole; at += 4) {
      this.int32(
        (value[at] ?? 0) |
          ((value[at + 1] ?? 0) << 8) |
          ((value[at + 2] ?? 0) << 16) |
          ((value[at + 3] ?? 0) << 24),
      );
    }
    for (let at = whole; at < length; at++) this.int32(value[at] ?? 0);
  }

  digest(value: Digest): void {
    this.int32(value.high);
    this.int32(value.low);
  }

  /** The digest of all values so far. */
  finish(): Digest {
    const high = finalise((this.#high ^ this.#count) + this.#low);
    const low = finalise((this.#low ^ this.#count) + high);
    return { high, low };
  }
}

function finalise(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
