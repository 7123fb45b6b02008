/** Takes a line of a transcript. Transitions are few; details are the messages between them. */
export type PrintLine = (line: string, isDetail: boolean) => void;

/**
 * A rolling digest of everything that happens in a run: two runs of one seed agree on it, or the run
 * was not deterministic. Text is made only when somebody wants to read it.
 */
export class Trace {
  count = 0;
  #low = 0x6a09e667;
  #high = 0xbb67ae85;
  readonly #print: PrintLine | null;

  constructor(print: PrintLine | null = null) {
    this.#print = print;
  }

  /** Takes four integers into the digest; their upper halves take part, for times and offsets. */
  note(kind: number, first: number, second: number, third: number): void {
    this.count++;
    this.#mix(kind);
    this.#mix(first | 0);
    this.#mix(Math.trunc(first / 4294967296));
    this.#mix(second | 0);
    this.#mix(third | 0);
    this.#mix(Math.trunc(third / 4294967296));
  }

  /** One line of a readable transcript; `line` is called only when it will be read. */
  say(line: () => string, isDetail = false): void {
    if (this.#print !== null) this.#print(line(), isDetail);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #mix(value: number): void {
    let low = Math.imul(this.#low ^ value, 0x85ebca6b);
    low = (low << 13) | (low >>> 19);
    this.#low = (Math.imul(low, 5) + 0x27d4eb2f) | 0;
    let high = Math.imul(this.#high ^ this.#low, 0xc2b2ae35);
    high = (high << 17) | (high >>> 15);
    this.#high = (high ^ value) | 0;
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
