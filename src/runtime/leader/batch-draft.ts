import { assert } from '../../base/assert.ts';
import type { Epoch, Offset } from '../../base/brands.ts';
import { encodeRecords } from '../../codec/record-value.ts';
import { createImageBuilder, type ImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import { finalizedMetadataVersion } from '../../metadata/resources/feature/supported.ts';
import { countUncleanElections } from '../../metadata/resources/topic/records.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import type { ProposedBatch } from '../../raft/inputs.ts';
import { runtimeLimits } from '../limits.ts';

/** Room that is kept for the End of a transaction. */
const endRecordBytes = 16;

/**
 * A batch that is being made on the speculative state (design 9): records are replayed before they are appended. It
 * has one builder, so that a page is copied once however many of its operations touch it.
 */
export class BatchDraft {
  readonly #base: MetadataImage;
  readonly #epoch: Epoch;
  readonly #payloads: Uint8Array[] = [];
  /** Of each operation in the batch. */
  readonly #records: (readonly MetadataRecord[])[] = [];
  readonly timestampMs: number;
  #builder: ImageBuilder;
  #image: MetadataImage;
  #payloadBytes = 0;
  #uncleanElectionCount = 0;

  constructor(base: MetadataImage, epoch: Epoch, timestampMs: number) {
    this.#base = base;
    this.#epoch = epoch;
    this.#builder = createImageBuilder(base);
    this.#image = base;
    this.timestampMs = timestampMs;
  }

  /** The state after everything in the batch so far: a look into the builder, valid until it goes on. */
  get image(): MetadataImage {
    return this.#image;
  }

  get baseOffset(): Offset {
    return this.#base.endOffset;
  }

  get recordCount(): number {
    return this.#image.endOffset - this.#base.endOffset;
  }

  /** Leaders that the batch elects uncleanly. */
  get uncleanElectionCount(): number {
    return this.#uncleanElectionCount;
  }

  /** False when they do not fit any more. What throws is a record that contradicts the state, and changes nothing. */
  add(records: readonly MetadataRecord[], recordsReserved = 0): boolean {
    const payload = encodeRecords(this.#image.registry, records, finalizedMetadataVersion(this.#image));
    const fits =
      this.recordCount + records.length + recordsReserved <= runtimeLimits.recordsPerBatchMax &&
      this.#payloadBytes + payload.length + recordsReserved * endRecordBytes <= runtimeLimits.batchBytesMax;
    if (!fits) {
      assert(this.recordCount > 0, 'an operation returned more records than a batch holds');
      return false;
    }
    try {
      this.#replay(records);
    } catch (error) {
      this.#replayAnew();
      throw error;
    }
    this.#uncleanElectionCount += countUncleanElections(records);
    this.#records.push(records);
    this.#payloads.push(payload);
    this.#payloadBytes += payload.length;
    return true;
  }

  /** Ends the draft. */
  finish(): { readonly batch: ProposedBatch; readonly image: MetadataImage } {
    const { recordCount, timestampMs } = this;
    const image = this.#builder.freeze(this.#image.endOffset, this.#epoch);
    const batch = { recordCount, payload: concatenate(this.#payloads), appendTimestampMs: timestampMs };
    return { batch, image };
  }

  #replay(records: readonly MetadataRecord[]): void {
    let { endOffset } = this.#image;
    for (const record of records) {
      const position = { offset: endOffset, epoch: this.#epoch, timestampMs: this.timestampMs };
      this.#builder.replay(record, position);
      endOffset = (endOffset + 1) as Offset;
    }
    this.#image = this.#builder.peek();
  }

  /** A throw discards the builder: what stands in the batch already is replayed into another. */
  #replayAnew(): void {
    this.#builder = createImageBuilder(this.#base);
    this.#image = this.#base;
    for (const records of this.#records) this.#replay(records);
  }
}

function concatenate(payloads: readonly Uint8Array[]): Uint8Array {
  const [first] = payloads;
  if (first !== undefined && payloads.length === 1) return first;
  const whole = new Uint8Array(payloads.reduce((sum, payload) => sum + payload.length, 0));
  let at = 0;
  for (const payload of payloads) {
    whole.set(payload, at);
    at += payload.length;
  }
  return whole;
}
