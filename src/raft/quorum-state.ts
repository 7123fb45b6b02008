import type { Epoch, NodeId } from '../base/brands.ts';
import type { ReplicaKey } from './replica-key.ts';

/**
 * What a node must never forget, durable before any message that rests on it is sent
 * (Raft paper, Figure 2: currentTerm, votedFor; KIP-595's quorum-state file).
 *
 * Invariants
 * 1. `epoch` never decreases.
 * 2. Within an epoch `voted` is set at most once and never changes.
 * 3. `recovering` is set by the shell when corruption was found (design 19), and cleared only by the
 *    core's rule; while it stands the node neither votes nor campaigns.
 */
export type QuorumState = {
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly voted: ReplicaKey | null;
  readonly recovering: boolean;
};
