import type { NodeId } from '../../base/brands.ts';
import { crcOf } from '../../codec/crc.ts';
import type { StoreEntry } from '../../ports/checkpoint-store.ts';
import type { Effect } from '../../raft/effects.ts';
import type { FetchSnapshotResponse } from '../../raft/messages.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import { SnapshotStreamReader } from './snapshot-stream.ts';

type SendSnapshotChunk = Extract<Effect, { type: 'sendSnapshotChunk' }>;

/**
 * Streams the snapshot in force to followers, a chunk a request. The entries come from an image that is
 * persistent, so a stream stays consistent while the state moves on, and nothing on disk is pinned.
 */
export class SnapshotSender {
  readonly #entriesOf: (snapshotId: SnapshotId) => Iterable<StoreEntry> | null;
  readonly #transfers = new Map<NodeId, Transfer>();

  /** `entriesOf` gives a snapshot's entries, or null when it is no longer had. */
  constructor(entriesOf: (snapshotId: SnapshotId) => Iterable<StoreEntry> | null) {
    this.#entriesOf = entriesOf;
  }

  /** The answer to one request for a chunk. */
  answer(effect: SendSnapshotChunk): FetchSnapshotResponse {
    const { snapshotId } = effect.response;
    const transfer = this.#transferAt(effect.to, snapshotId, effect.position);
    if (transfer === null) {
      return { ...effect.response, outcome: { kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' } };
    }
    if (transfer.chunk?.position !== effect.position) {
      if (transfer.reader.position !== effect.position) {
        return { ...effect.response, outcome: { kind: 'refused', error: 'POSITION_OUT_OF_RANGE' } };
      }
      transfer.chunk = { position: effect.position, ...transfer.reader.next(effect.maxBytes) };
    }
    const { position, bytes, last } = transfer.chunk;
    return { ...effect.response, outcome: { kind: 'chunk', position, bytes, crc: crcOf(bytes), last } };
  }

  /** Forgets transfers of snapshots that were replaced. */
  keepOnly(snapshotId: SnapshotId): void {
    for (const [peer, transfer] of this.#transfers) {
      if (!sameSnapshot(transfer.snapshotId, snapshotId)) this.#transfers.delete(peer);
    }
  }

  /** The transfer to `peer`, at `position` or holding the chunk that begins there. */
  #transferAt(peer: NodeId, snapshotId: SnapshotId, position: number): Transfer | null {
    const known = this.#transfers.get(peer);
    if (known !== undefined && sameSnapshot(known.snapshotId, snapshotId)) {
      if (known.reader.position === position || known.chunk?.position === position) return known;
    }
    const entries = this.#entriesOf(snapshotId);
    if (entries === null) return null;
    const transfer: Transfer = { snapshotId, reader: new SnapshotStreamReader(entries), chunk: null };
    // A receiver that resumes elsewhere than it left off: the stream is made again up to there.
    while (transfer.reader.position < position) {
      const skipped = transfer.reader.next(position - transfer.reader.position);
      if (skipped.bytes.length === 0) break;
    }
    this.#transfers.set(peer, transfer);
    return transfer;
  }
}

/** The last chunk is kept, because the answer that carried it may be lost and asked for again. */
type Transfer = {
  readonly snapshotId: SnapshotId;
  readonly reader: SnapshotStreamReader;
  chunk: { readonly position: number; readonly bytes: Uint8Array; readonly last: boolean } | null;
};

function sameSnapshot(left: SnapshotId, right: SnapshotId): boolean {
  return left.endOffset === right.endOffset && left.epoch === right.epoch;
}
