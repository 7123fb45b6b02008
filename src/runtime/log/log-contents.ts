import { type Epoch, type Offset } from '../../base/brands.ts';
import { type DecodedBatch } from '../../codec/batch.ts';
import { batchEndOffset } from '../../raft/batch.ts';
import type { EpochStart, VoterSetAt } from '../../raft/config.ts';
import { DiskIndex } from './disk-index.ts';
import type { KRaftVersionAt } from './raft-log.ts';
import type { Segment } from './segment.ts';
import { TransactionIndex } from './transaction-index.ts';

/** What a scan of the segments has found so far: the index, and what the control records say. */
export class LogContents {
  readonly index = new DiskIndex();
  readonly transactions = new TransactionIndex();
  #epochStarts: EpochStart[] = [];
  #voterSets: VoterSetAt[] = [];
  #kraftVersions: KRaftVersionAt[] = [];

  get epochStarts(): readonly EpochStart[] {
    return this.#epochStarts;
  }

  get voterSets(): readonly VoterSetAt[] {
    return this.#voterSets;
  }

  get kraftVersion(): KRaftVersionAt | null {
    return this.#kraftVersions.at(-1) ?? null;
  }

  /** The first segment of the scan is where the log begins. */
  addSegment(segment: Segment): void {
    if (this.index.segments.length === 0) this.transactions.beginScan(segment.header.baseOffset);
    this.index.addSegment(segment);
  }

  /** Why `decoded` cannot be the log's next batch; null when it can. */
  objectionTo(decoded: DecodedBatch): string | null {
    const { header } = decoded;
    if (header.baseOffset !== this.index.endOffset) return `a batch at ${header.baseOffset} leaves a gap`;
    if (header.previousCrc !== this.index.chainCrc)
      return `the batch at ${header.baseOffset} breaks the chain`;
    if (header.epoch < this.index.lastEpoch) return `the batch at ${header.baseOffset} goes back in epochs`;
    return null;
  }

  addBatch(decoded: DecodedBatch, payloadPosition: number): void {
    const { batch, header } = decoded;
    this.#noteEpoch(batch.epoch, batch.baseOffset);
    this.index.addBatch({ ...header, endOffset: batchEndOffset(batch), payloadPosition });
    this.transactions.add(batch);
    if (batch.kind !== 'control') return;
    batch.records.forEach((record, position) => {
      const at = (batch.baseOffset + position) as Offset;
      if (record.type === 'KRaftVoters') this.#voterSets.push({ offset: at, voters: record.voters });
      if (record.type === 'KRaftVersion')
        this.#kraftVersions.push({ offset: at, kraftVersion: record.kraftVersion });
    });
  }

  truncateTo(to: Offset): void {
    this.index.truncateTo(to);
    this.transactions.truncateTo(to);
    this.#epochStarts = this.#epochStarts.filter((start) => start.startOffset < to);
    this.#voterSets = this.#voterSets.filter((set) => set.offset < to);
    this.#kraftVersions = this.#kraftVersions.filter((version) => version.offset < to);
  }

  #noteEpoch(epoch: Epoch, startOffset: Offset): void {
    if (this.#epochStarts.at(-1)?.epoch !== epoch) this.#epochStarts.push({ epoch, startOffset });
  }
}
