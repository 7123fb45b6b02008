import { assert } from '../../base/assert.ts';

/** Where one batch of a segment stands. */
export type BatchPlace = {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly epoch: number;
  /** Payload position of its first byte in the segment (see `sectors.ts`). */
  readonly payloadPosition: number;
  readonly length: number;
  readonly previousCrc: number;
  readonly crc: number;
};

const integersPerBatch = 5;

/**
 * The batches of one segment in order, as columns: a log between two checkpoints may hold hundreds of
 * thousands, and objects would weigh on the garbage collector.
 */
export class BatchColumns {
  #count = 0;
  #offsets = new Float64Array(32);
  #integers = new Uint32Array(32 * integersPerBatch);

  get count(): number {
    return this.#count;
  }

  add(place: BatchPlace): void {
    if (2 * this.#count + 2 > this.#offsets.length) this.#grow();
    this.#offsets[2 * this.#count] = place.baseOffset;
    this.#offsets[2 * this.#count + 1] = place.endOffset;
    const at = this.#count * integersPerBatch;
    this.#integers[at] = place.epoch;
    this.#integers[at + 1] = place.payloadPosition;
    this.#integers[at + 2] = place.length;
    this.#integers[at + 3] = place.previousCrc;
    this.#integers[at + 4] = place.crc;
    this.#count++;
  }

  at(index: number): BatchPlace {
    assert(index >= 0, `no batch ${index}`);
    assert(index < this.#count, `no batch ${index} of ${this.#count}`);
    const integer = (column: number): number => this.#integers[index * integersPerBatch + column] ?? 0;
    return {
      baseOffset: this.#offsets[2 * index] ?? 0,
      endOffset: this.#offsets[2 * index + 1] ?? 0,
      epoch: integer(0),
      payloadPosition: integer(1),
      length: integer(2),
      previousCrc: integer(3),
      crc: integer(4),
    };
  }

  /** The first batch whose base offset is at least `offset`; the count when there is none. */
  firstFrom(offset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[2 * middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops the batches from index `count` on. */
  cutTo(count: number): void {
    assert(count <= this.#count, 'a cut never adds batches');
    this.#count = count;
  }

  #grow(): void {
    const offsets = new Float64Array(2 * this.#offsets.length);
    const integers = new Uint32Array(2 * this.#integers.length);
    offsets.set(this.#offsets);
    integers.set(this.#integers);
    this.#offsets = offsets;
    this.#integers = integers;
  }
}
