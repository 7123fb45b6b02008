import type { NodeId } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { crcOf } from '../../codec/crc.ts';
import type { StoreEntry } from '../../ports/checkpoint-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Effect } from '../../raft/effects.ts';
import type { FetchSnapshotResponse } from '../../raft/messages.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import { SnapshotStreamReader } from './snapshot-stream.ts';

type SendSnapshotChunk = Extract<Effect, { type: 'sendSnapshotChunk' }>;

/** A transfer that nobody has asked on for so long is forgotten, and with it the image that it pins. */
const idleTransferMs = 60_000;
/** Transfers at once; the one that was idle longest gives way. */
const transfersMax = 16;
/** A stream that is made again up to a position is made in pieces of so many bytes, to hold no more in memory. */
const skippedBytesMax = 64 * 1024;

/**
 * Streams snapshots to followers, a chunk a request. The entries come from an image that is persistent, so a
 * stream stays consistent while the state moves on, and nothing on disk is pinned. A transfer that has begun
 * goes on when a newer checkpoint is in force: a slow follower would otherwise never come to an end.
 */
export class SnapshotSender {
  readonly #clock: Clock;
  readonly #entriesOf: (snapshotId: SnapshotId) => Iterable<StoreEntry> | null;
  /** By the time of their last use, the longest idle first. */
  readonly #transfers = new Map<NodeId, Transfer>();

  /** `entriesOf` gives the entries of the snapshot in force, or null when it is another. */
  constructor(clock: Clock, entriesOf: (snapshotId: SnapshotId) => Iterable<StoreEntry> | null) {
    this.#clock = clock;
    this.#entriesOf = entriesOf;
  }

  /** The answer to one request for a chunk. */
  answer(effect: SendSnapshotChunk): FetchSnapshotResponse {
    const { snapshotId } = effect.response;
    this.#forgetIdle();
    const transfer = this.#transferAt(effect.to, snapshotId, effect.position);
    if (transfer === null) {
      coverageMark('snapshot: asked for, and a newer one is in force');
      return { ...effect.response, outcome: { kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' } };
    }
    if (transfer.chunk?.position === effect.position) {
      coverageMark('snapshot: a chunk is sent again');
    } else {
      if (transfer.reader.position !== effect.position) {
        return { ...effect.response, outcome: { kind: 'refused', error: 'POSITION_OUT_OF_RANGE' } };
      }
      transfer.chunk = { position: effect.position, ...transfer.reader.next(effect.maxBytes) };
    }
    const { position, bytes, last } = transfer.chunk;
    return { ...effect.response, outcome: { kind: 'chunk', position, bytes, crc: crcOf(bytes), last } };
  }

  /** This node's own state is replaced: whoever takes from it asks another. */
  forgetAll(): void {
    this.#transfers.clear();
  }

  get transferCount(): number {
    return this.#transfers.size;
  }

  #forgetIdle(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [peer, transfer] of this.#transfers) {
      const isIdle = nowMs - transfer.usedMs > idleTransferMs;
      if (isIdle || this.#transfers.size > transfersMax) this.#transfers.delete(peer);
    }
  }

  /** The transfer to `peer`, at `position` or holding the chunk that begins there. */
  #transferAt(peer: NodeId, snapshotId: SnapshotId, position: number): Transfer | null {
    const known = this.#transfers.get(peer);
    if (known !== undefined && sameSnapshot(known.snapshotId, snapshotId)) {
      if (known.reader.position === position || known.chunk?.position === position) {
        return this.#use(peer, known);
      }
    }
    const entries = this.#entriesOf(snapshotId);
    if (entries === null) return null;
    if (position > 0) coverageMark('snapshot: its stream is made again from the middle');
    const reader = new SnapshotStreamReader(entries);
    // A receiver that resumes elsewhere than it left off: the stream is made again up to there.
    while (reader.position < position) {
      const skipped = reader.next(Math.min(skippedBytesMax, position - reader.position));
      if (skipped.bytes.length === 0) break;
    }
    return this.#use(peer, { snapshotId, reader, chunk: null, usedMs: 0 });
  }

  #use(peer: NodeId, transfer: Transfer): Transfer {
    transfer.usedMs = this.#clock.monotonicMs();
    this.#transfers.delete(peer);
    this.#transfers.set(peer, transfer);
    return transfer;
  }
}

/** The last chunk is kept, because the answer that carried it may be lost and asked for again. */
type Transfer = {
  readonly snapshotId: SnapshotId;
  readonly reader: SnapshotStreamReader;
  chunk: { readonly position: number; readonly bytes: Uint8Array; readonly last: boolean } | null;
  usedMs: number;
};

function sameSnapshot(left: SnapshotId, right: SnapshotId): boolean {
  return left.endOffset === right.endOffset && left.epoch === right.epoch;
}
