import type { Epoch, NodeId } from '../base/brands.ts';
import type { IoId } from './inputs.ts';
import type { SnapshotId } from './snapshot-id.ts';

/** A snapshot that is being taken from a leader, chunk by chunk (KIP-630; design 18). */
export type SnapshotDownload = {
  readonly snapshotId: SnapshotId;
  /** From whom; another leader's stream need not be the same bytes, so nothing is resumed with it. */
  readonly leaderId: NodeId;
  readonly leaderEpoch: Epoch;
  /** Bytes stored so far, and the place of the next chunk. */
  position: number;
  /** When the next chunk was asked for; null while one is being stored. */
  askedMs: number | null;
  storing: { readonly ioId: IoId; readonly endPosition: number; readonly last: boolean } | null;
};

/** A whole snapshot is replacing the log and the state. Nothing calls that back. */
export type SnapshotInstallation = {
  readonly ioId: IoId;
  readonly snapshotId: SnapshotId;
  readonly leaderId: NodeId;
};

/**
 * A snapshot whose content did not verify. It may never do so, and every try moves all of it over the
 * network: the same one is asked of the same leader again only after a pause that grows.
 */
export type RefusedSnapshot = {
  readonly snapshotId: SnapshotId;
  readonly leaderId: NodeId;
  readonly times: number;
  readonly notBeforeMs: number;
};
