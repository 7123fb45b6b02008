import type { Epoch, NodeId } from '../base/brands.ts';
import type { Voter } from './replica-key.ts';

/**
 * The records that Raft itself writes and reads. All other records are opaque to it.
 * Names and meaning are Kafka's (KIP-595, KIP-853).
 */
export type ControlRecord = LeaderChangeRecord | KRaftVersionRecord | KRaftVotersRecord;

/** First record of every epoch: committing it commits all that earlier epochs left (Raft paper, 5.4.2). */
export type LeaderChangeRecord = {
  readonly type: 'LeaderChange';
  readonly leaderId: NodeId;
  readonly epoch: Epoch;
  readonly voterIds: readonly NodeId[];
  readonly grantingVoterIds: readonly NodeId[];
};

export type KRaftVersionRecord = { readonly type: 'KRaftVersion'; readonly kraftVersion: number };

/** A whole voter set; in force from the moment it is appended, not from its commit (KIP-853). */
export type KRaftVotersRecord = { readonly type: 'KRaftVoters'; readonly voters: readonly Voter[] };
