import type { Offset, Epoch, Uuid } from '../base/brands.ts';
import type { QuorumState } from './quorum-state.ts';
import type { ReplicaKey, Voter } from './replica-key.ts';
import type { SnapshotId } from './snapshot-id.ts';

/** Times in ms; names and defaults are Kafka's where it has one (reference: KafkaConfig `controller.quorum.*`). */
export type RaftConfig = {
  readonly electionTimeoutMs: number;
  readonly electionBackoffMaxMs: number;
  readonly fetchTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  /** At most this many bytes in one fetch answer, unless its first batch alone is larger. */
  readonly fetchBytesMax: number;
  readonly snapshotChunkBytesMax: number;
  /** Proposals appended and not yet committed; more are refused. */
  readonly pendingProposalsMax: number;
  readonly pendingBytesMax: number;
  /**
   * How long a higher high watermark waits for records to travel with, before the leader tells followers of
   * it alone; 0 for not at all, as KIP-1166 has it.
   */
  readonly highWatermarkLingerMs: number;
  /**
   * How long a voter that flushes what it has fetched holds its next fetch back, so that one fetch both asks
   * and acknowledges; 0 for not at all.
   */
  readonly fetchLingerMs: number;
};

/** Where each epoch begins in this node's log, oldest first (Kafka's leader-epoch cache). */
export type EpochStart = { readonly epoch: Epoch; readonly startOffset: Offset };

/** A voter set and where in the log it came into force; the set at `offset` -1 … is the bootstrap's. */
export type VoterSetAt = {
  /** The offset of the KRaftVoters record; a bootstrap descriptor or a snapshot counts at its end offset. */
  readonly offset: Offset;
  readonly voters: readonly Voter[];
};

/** What the shell read from disk before it made the core. Everything named here is already flushed. */
export type RecoveredState = {
  readonly clusterId: Uuid;
  readonly local: ReplicaKey;
  readonly quorumState: QuorumState;
  /** Where the retained log begins: (0, 0), or a snapshot's end. */
  readonly logStart: SnapshotId;
  /** The newest verified checkpoint; its end is never below `logStart`'s. */
  readonly latestSnapshot: SnapshotId | null;
  readonly logEndOffset: Offset;
  readonly epochStarts: readonly EpochStart[];
  /**
   * Every voter set at or after `logStart`, and the one in force there, oldest first; never empty once
   * bootstrapped.
   */
  readonly voterSets: readonly VoterSetAt[];
  readonly kraftVersion: number;
  /** Where in the log its record stands; null when that is below the log's start or was never written. */
  readonly kraftVersionOffset: Offset | null;
  /** The state machine's position: everything below it was applied from the checkpoint. It is committed. */
  readonly appliedOffset: Offset;
  /** Where this node's peers were configured to be, for one that does not find itself in a voter set. */
  readonly bootstrapPeers: readonly ReplicaKey['id'][];
};
