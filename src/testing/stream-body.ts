/** The pieces of one stream, in their order, until it ends or is lost. */
export class StreamBody implements AsyncIterableIterator<Uint8Array> {
  readonly #onTaken: () => void;
  readonly #waiting: Uint8Array[] = [];
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void } | null = null;
  #end: { readonly error: Error | null } | null = null;

  /** `onTaken`: the reader has taken a piece and can take another. */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(piece: Uint8Array): void {
    if (this.#end !== null) return;
    const reader = this.#reader;
    this.#reader = null;
    if (reader === null) this.#waiting.push(piece);
    else {
      reader.resolve({ done: false, value: piece });
      this.#onTaken();
    }
  }

  /** What came before is still read. */
  end(error: Error | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    const reader = this.#reader;
    this.#reader = null;
    if (error === null) reader?.resolve(over);
    else reader?.reject(error);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#waiting.shift();
    if (piece !== undefined) {
      this.#onTaken();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#end !== null) {
      return this.#end.error === null ? Promise.resolve(over) : Promise.reject(this.#end.error);
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.end(null);
    return Promise.resolve(over);
  }
}

const over = { done: true, value: undefined } as const;
