import type { Epoch, Offset } from '../base/brands.ts';

/**
 * Names a snapshot (KIP-630): every record below `endOffset` (exclusive) is in it,
 * and the last of them was written in `epoch`. (0, 0) is the empty log's beginning.
 */
export type SnapshotId = { readonly endOffset: Offset; readonly epoch: Epoch };
