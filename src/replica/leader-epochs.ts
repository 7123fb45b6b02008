import { assert } from '../base/assert.ts';

/** The records from `startOffset` on, up to the next entry, were written by the leader of `epoch`. */
export type LeaderEpochEntry = { readonly epoch: number; readonly startOffset: number };

/** Where the records of an epoch end; `epoch` -1 and offset 0 where a log has none that old. */
export type EpochEnd = { readonly epoch: number; readonly endOffset: number };

export const noEpoch = -1;

/**
 * Which leader epoch wrote which records of one replica's log (Kafka's leader epoch cache, KIP-101).
 *
 * Invariants
 * 1. Epochs ascend, and their start offsets never descend.
 * 2. No entry begins behind the log's end.
 * 3. Of what lies below the log's start there is one entry at most, which covers the last record that is gone: by its
 *    epoch another log is told from this one there, as Raft tells it by the term of a snapshot.
 */
export class LeaderEpochs {
  #entries: LeaderEpochEntry[];

  constructor(entries: readonly LeaderEpochEntry[] = []) {
    this.#entries = [];
    for (const { epoch, startOffset } of entries) this.begin(epoch, startOffset);
  }

  get entries(): readonly LeaderEpochEntry[] {
    return this.#entries;
  }

  /** The newest epoch that has begun, with or without records. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? noEpoch;
  }

  /** The epoch of the last record below `endOffset`. */
  epochBefore(endOffset: number): number {
    return this.#entries.findLast(({ startOffset }) => startOffset < endOffset)?.epoch ?? noEpoch;
  }

  /** Records from `startOffset` on belong to `epoch`. The same epoch may be begun again, further on. */
  begin(epoch: number, startOffset: number): void {
    const last = this.#entries.at(-1);
    if (last?.epoch === epoch) return;
    assert(
      last === undefined || last.epoch < epoch,
      `epoch ${epoch} follows epoch ${last?.epoch ?? noEpoch}`,
    );
    assert(
      last === undefined || last.startOffset <= startOffset,
      `epoch ${epoch} begins before the last one`,
    );
    // An epoch without records leaves no trace once another begins at the same place.
    if (last?.startOffset === startOffset) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
  }

  /** What lies at or behind `offset` is gone. */
  truncate(offset: number): void {
    this.#entries = this.#entries.filter(({ startOffset }) => startOffset < offset);
  }

  /** What lies below `logStartOffset` is gone, but for the epoch of the last record of it. */
  advanceStart(logStartOffset: number): void {
    const last = this.#entries.findLastIndex(({ startOffset }) => startOffset < logStartOffset);
    this.#entries.splice(0, last);
  }

  /** The log is empty and begins at `logStartOffset`, behind a record of `epochBefore`; -1 behind none. */
  reset(logStartOffset: number, epochBefore: number): void {
    this.#entries = epochBefore === noEpoch ? [] : [{ epoch: epochBefore, startOffset: logStartOffset - 1 }];
  }

  /** The entries that cover the records from `from` to `to`, the first of them clipped. */
  between(from: number, to: number): readonly LeaderEpochEntry[] {
    const covering: LeaderEpochEntry[] = [];
    for (const [at, { epoch, startOffset }] of this.#entries.entries()) {
      const end = this.#entries[at + 1]?.startOffset ?? to;
      if (end > from && startOffset < to) covering.push({ epoch, startOffset: Math.max(startOffset, from) });
    }
    return covering;
  }

  /**
   * The newest epoch of this log that is not newer than `epoch`, and where its records end in a log that
   * ends at `logEndOffset` (KIP-320, OffsetsForLeaderEpoch).
   */
  endOf(epoch: number, logEndOffset: number): EpochEnd {
    const at = this.#entries.findLastIndex((entry) => entry.epoch <= epoch);
    const found = this.#entries[at];
    if (found === undefined) return { epoch: noEpoch, endOffset: 0 };
    return { epoch: found.epoch, endOffset: this.#entries[at + 1]?.startOffset ?? logEndOffset };
  }
}
