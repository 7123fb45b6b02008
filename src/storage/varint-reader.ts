/** Reads the numbers and the strings of LevelDB's files, one after another; null for what is not there whole. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** Seven bits a byte, the least first; null where there is none, or none that is a safe integer. */
  varint(): number | null {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) return null;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : null;
    }
    return null;
  }

  /** False where fewer than `count` bytes are left. */
  skip(count: number): boolean {
    this.#position += count;
    return this.#position <= this.#bytes.length;
  }

  /** Skips a string, which stands behind its length. */
  skipString(): boolean {
    const length = this.varint();
    return length !== null && this.skip(length);
  }

  isZerosFromHere(): boolean {
    return this.#bytes.subarray(this.#position).every((byte) => byte === 0);
  }
}
