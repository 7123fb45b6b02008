import { encodeRecordBatch } from '../../codec/record-batch/records.ts';
import type { PartitionAnswer, PartitionFetch } from './wire.ts';

type Batch = { readonly baseOffset: number; readonly endOffset: number; readonly bytes: Uint8Array };

/** The log of a partition that a peer leads, and what the peer says of it; each record is a batch of its own. */
export class PeerLog {
  /** What followers are told, whatever they have fetched. */
  highWatermark = 0;
  leaderEpoch: number;
  /** Told to whoever fetches from above its end, once its epoch is this one's or older. */
  divergesAt: { readonly epoch: number; readonly endOffset: number } | null = null;
  #batches: Batch[] = [];

  constructor(leaderEpoch: number) {
    this.leaderEpoch = leaderEpoch;
  }

  get endOffset(): number {
    return this.#batches.at(-1)?.endOffset ?? 0;
  }

  append(value: string): void {
    const baseOffset = this.endOffset;
    const record = { timestampMs: 1_700_000_000_000, key: null, value: Buffer.from(value), headers: [] };
    const place = { baseOffset, partitionLeaderEpoch: this.leaderEpoch };
    const bytes = encodeRecordBatch({ records: [record], ...place });
    this.#batches.push({ baseOffset, endOffset: baseOffset + 1, bytes });
  }

  answer(fetch: PartitionFetch): {
    readonly answer: PartitionAnswer;
    readonly batches: readonly Uint8Array[];
  } {
    const { topicId, partition, fetchOffset, currentLeaderEpoch } = fetch;
    const answer = { topicId, partition, highWatermark: this.highWatermark, logStartOffset: 0, bytes: 0 };
    if (currentLeaderEpoch !== this.leaderEpoch) {
      const error = currentLeaderEpoch < this.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH';
      return { answer: { ...answer, error }, batches: [] };
    }
    const { divergesAt } = this;
    if (divergesAt !== null && fetchOffset > divergesAt.endOffset) {
      return { answer: { ...answer, divergingEpoch: divergesAt }, batches: [] };
    }
    const found = this.#batches.filter(({ baseOffset }) => baseOffset >= fetchOffset);
    const batches = found.map(({ bytes }) => bytes);
    const bytes = batches.reduce((total, batch) => total + batch.length, 0);
    return { answer: { ...answer, bytes }, batches };
  }
}
