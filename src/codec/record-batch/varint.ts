/**
 * Kafka's variable-length integers: zig-zag, then seven bits a byte, the least first (as in Protocol Buffers). A
 * varint is of 32 bits and at most 5 bytes, a varlong of 64 bits and at most 10.
 */
const sevenBits = 128;
const int32Max = 2 ** 31 - 1;
/** Above these a 64-bit value is no safe integer, and none of ours. */
const varlongBytesMax = 8;

export class VarintWriter {
  readonly #bytes: Buffer;
  #position: number;

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  /** Any safe integer whose double is one, too. */
  varint(value: number): void {
    let rest = zigZag(value);
    for (; rest >= sevenBits; rest = Math.floor(rest / sevenBits)) {
      this.#bytes[this.#position++] = (rest % sevenBits) | sevenBits;
    }
    this.#bytes[this.#position++] = rest;
  }

  int8(value: number): void {
    this.#bytes[this.#position++] = value;
  }

  /** The length, -1 for null, and the bytes. */
  sizedBytes(value: Uint8Array | null): void {
    this.varint(value?.length ?? -1);
    if (value === null) return;
    this.#bytes.set(value, this.#position);
    this.#position += value.length;
  }
}

/** Bytes that a value takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigZag(value); rest >= sevenBits; rest = Math.floor(rest / sevenBits)) bytes++;
  return bytes;
}

function zigZag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

/**
 * Reads within [position, end) and never beyond. The first fault is kept, and every later read gives a harmless
 * value, so that a decoder reads from top to bottom.
 */
export class VarintReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;
  #fault: string | null = null;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.#bytes = bytes;
    this.#position = position;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get fault(): string | null {
    return this.#fault;
  }

  fail(message: string): void {
    this.#fault ??= message;
  }

  varint(what: string): number {
    const value = this.varlong(what);
    if (value >= -int32Max - 1 && value <= int32Max) return value;
    this.fail(`${what} is no int32`);
    return 0;
  }

  varlong(what: string): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < varlongBytesMax; count++) {
      const byte = this.#next();
      if (byte === null) break;
      value += (byte % sevenBits) * factor;
      if (byte < sevenBits) return this.#decoded(what, value);
      factor *= sevenBits;
    }
    this.fail(`${what} does not end`);
    return 0;
  }

  int8(what: string): number {
    const byte = this.#next();
    if (byte === null) this.fail(`${what} is not there`);
    return byte ?? 0;
  }

  /** A view; null where the length says so. */
  sizedBytes(what: string): Uint8Array | null {
    const length = this.varint(`the length of ${what}`);
    if (length === -1) return null;
    if (length < 0 || length > this.#end - this.#position) {
      this.fail(`${what} of ${length} bytes, where ${this.#end - this.#position} are left`);
      return null;
    }
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  #next(): number | null {
    if (this.#position >= this.#end) return null;
    return this.#bytes[this.#position++] ?? null;
  }

  #decoded(what: string, zigZagged: number): number {
    if (!Number.isSafeInteger(zigZagged)) this.fail(`${what} is no safe integer`);
    return zigZagged % 2 === 0 ? zigZagged / 2 : -(zigZagged + 1) / 2;
  }
}
