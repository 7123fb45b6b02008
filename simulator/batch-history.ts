import type { Epoch, Offset } from '../src/base/brands.ts';
import { batchEndOffset, type LogBatch } from '../src/raft/batch.ts';
import type { ControlRecord } from '../src/raft/control-records.ts';

/** One batch that was once appended somewhere, and the batch before it. */
export type BatchNode = {
  readonly parent: BatchNode | null;
  readonly baseOffset: Offset;
  readonly endOffset: Offset;
  readonly epoch: Epoch;
  /** As the batch was first seen; the leader's core may not know the time of a control batch. */
  readonly appendTimestampMs: number;
  /** Stands for the whole log up to and with this batch. */
  readonly chainCrc: number;
  /** The encoded records, as the leader that made the batch proposed them; null for a control batch. */
  payload: Uint8Array | null;
  readonly controlRecords: readonly ControlRecord[];
  readonly children: BatchNode[];
};

/**
 * Everything that was ever appended in one cluster, as a tree: each node's log is one path from the root.
 * Two logs are equal up to a batch if and only if their paths meet there.
 */
export class BatchHistory {
  readonly root: BatchNode = {
    parent: null,
    baseOffset: 0 as Offset,
    endOffset: 0 as Offset,
    epoch: 0 as Epoch,
    appendTimestampMs: 0,
    chainCrc: 0,
    payload: null,
    controlRecords: [],
    children: [],
  };
  readonly #byEnd = new Map<number, BatchNode[]>();

  find(endOffset: number, chainCrc: number): BatchNode | null {
    if (endOffset === 0) return this.root;
    return this.#byEnd.get(endOffset)?.find((node) => node.chainCrc === chainCrc) ?? null;
  }

  /**
   * The batch that follows `parent`, made known when it is new.
   *
   * Log matching (Raft paper, 5.3): if two logs hold a record with the same offset and epoch, they are
   * equal up to it. So one epoch has one batch that ends at an offset, and one that follows a batch.
   */
  extend(
    parent: BatchNode,
    batch: LogBatch,
    chainCrc: number,
    mismatch: (message: string) => void,
  ): BatchNode {
    const endOffset = batchEndOffset(batch);
    const payload = batch.kind === 'data' && batch.body.form === 'payload' ? batch.body.bytes : null;
    const sameEnd = this.#byEnd.get(endOffset) ?? [];
    for (const known of sameEnd) {
      if (known.chainCrc === chainCrc) {
        if (known.payload === null) known.payload = payload;
        return known;
      }
      if (known.epoch === batch.epoch) mismatch(`two logs end at ${endOffset} in epoch ${batch.epoch}`);
    }
    if (parent.children.some((child) => child.epoch === batch.epoch)) {
      mismatch(`two batches of epoch ${batch.epoch} begin at ${batch.baseOffset}`);
    }
    const node: BatchNode = {
      parent,
      baseOffset: batch.baseOffset,
      endOffset,
      epoch: batch.epoch,
      appendTimestampMs: batch.appendTimestampMs,
      chainCrc,
      payload,
      controlRecords: batch.kind === 'control' ? batch.records : [],
      children: [],
    };
    parent.children.push(node);
    if (sameEnd.length === 0) this.#byEnd.set(endOffset, sameEnd);
    sameEnd.push(node);
    return node;
  }
}
