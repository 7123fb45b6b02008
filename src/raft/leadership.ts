import type { NodeId, Offset } from '../base/brands.ts';
import type { SpaceStatus } from './messages.ts';
import { Queue } from './queue.ts';
import type { ReplicaKey } from './replica-key.ts';

/** Everything a leader keeps of its own epoch. It is thrown away whole when leadership ends. */
export type Leadership = {
  /** Where the epoch's LeaderChange record stands. */
  readonly epochStartOffset: Offset;
  readonly replicas: ReplicaProgress[];
  readonly pendingProposals: Queue<PendingProposal>;
  pendingBytes: number;
  readonly barriers: ReadBarriers;
  pendingVoterChange: PendingVoterChange | null;
  /** Rounds are raised and silent voters told of the epoch at these times. */
  nextTickMs: number;
  /** The round raised by the last of them. It ends the parking of observers, whom other rounds need not reach. */
  tickRound: number;
  /** Without an echo from a majority until then the leader resigns. */
  checkQuorumDeadlineMs: number;
  /** When the majority that supports the leader was last heard of. */
  lastMajorityContactMs: number;
  /** A record, a high watermark or a round is new since parked fetches were last looked at. */
  hasNews: boolean;
  /** When followers are told of a higher high watermark without records; infinite while all know of it. */
  tellHighWatermarkAtMs: number;
};

/** The leader's view of one replica, voter or observer. */
export type ReplicaProgress = {
  readonly key: ReplicaKey;
  /** The end of that replica's log, as far as it is known to match. */
  logEndOffset: Offset;
  /** Flushed there and matching; it never falls within an epoch (Raft paper, Figure 2: matchIndex). */
  acknowledgedOffset: Offset;
  lastFetchMs: number | null;
  /** Room on its disk, as its last fetch has said. */
  space: SpaceStatus;
  lastCaughtUpMs: number | null;
  /** The leader's log end at the replica's last fetch; who reaches it was caught up at that time. */
  leaderEndAtLastFetch: Offset;
  echoedRound: number;
  /** When the round that it has echoed was raised: so long ago it certainly followed this leader. */
  supportedAtMs: number;
  beginQuorumEpochSentMs: number;
  parked: ParkedFetch | null;
  /** A fetch with this number has its answer; a repetition only acknowledges. */
  answeredFetchId: number | null;
  snapshotProgress: {
    readonly endOffset: Offset;
    readonly position: number;
    readonly askedMs: number;
  } | null;
};

export type ParkedFetch = {
  readonly fetchId: number;
  readonly fetchOffset: Offset;
  readonly highWatermark: Offset;
  readonly round: number;
};

export type PendingProposal = {
  readonly proposalId: number;
  readonly baseOffset: Offset;
  readonly endOffset: Offset;
  readonly sizeInBytes: number;
};

export type PendingVoterChange = { readonly requestId: number; readonly offset: Offset };

export type ReadBarriers = {
  /** Raised for every batch of reads and at least every quarter of the fetch timeout; begins at 0. */
  round: number;
  /** The largest round that any answer has carried. A read may join only a round above it. */
  sentRound: number;
  /** When rounds were raised, oldest first. */
  raisedAt: RoundTime[];
  /** Asked before a record of this epoch was committed. */
  waiting: number[];
  readonly open: Queue<OpenBarrier>;
};

export type RoundTime = { readonly firstRound: number; readonly raisedMs: number };

export type OpenBarrier = {
  readonly barrierId: number;
  readonly round: number;
  readonly offset: Offset;
};

export function newReplicaProgress(key: ReplicaKey, nowMs: number): ReplicaProgress {
  return {
    key,
    logEndOffset: 0 as Offset,
    acknowledgedOffset: 0 as Offset,
    lastFetchMs: null,
    space: 'enough',
    lastCaughtUpMs: null,
    leaderEndAtLastFetch: Number.MAX_SAFE_INTEGER as Offset,
    echoedRound: 0,
    supportedAtMs: nowMs,
    beginQuorumEpochSentMs: nowMs,
    parked: null,
    answeredFetchId: null,
    snapshotProgress: null,
  };
}

export function progressOf(leadership: Leadership, key: ReplicaKey): ReplicaProgress | null {
  for (const progress of leadership.replicas) {
    if (progress.key.id === key.id && progress.key.directoryId === key.directoryId) return progress;
  }
  return null;
}

export function newLeadership(options: {
  readonly epochStartOffset: Offset;
  readonly voters: readonly ReplicaKey[];
  readonly localId: NodeId;
  readonly nowMs: number;
  readonly checkQuorumTimeoutMs: number;
}): Leadership {
  const { epochStartOffset, voters, localId, nowMs, checkQuorumTimeoutMs } = options;
  const others = voters.filter((voter) => voter.id !== localId);
  return {
    epochStartOffset,
    replicas: others.map(({ id, directoryId }) => newReplicaProgress({ id, directoryId }, nowMs)),
    pendingProposals: new Queue(),
    pendingBytes: 0,
    barriers: { round: 0, sentRound: 0, raisedAt: [], waiting: [], open: new Queue() },
    pendingVoterChange: null,
    nextTickMs: nowMs,
    tickRound: 0,
    checkQuorumDeadlineMs: nowMs + checkQuorumTimeoutMs,
    lastMajorityContactMs: nowMs,
    hasNews: false,
    tellHighWatermarkAtMs: Number.POSITIVE_INFINITY,
  };
}
