import type { NodeId, Offset } from '../base/brands.ts';
import type { RoleName } from './effects.ts';
import type { Leadership } from './leadership.ts';
import type { ReplicaKey } from './replica-key.ts';

/**
 * What a replica is at a moment, with all that belongs to that role alone. What outlives a role (epoch,
 * vote, log, voter sets, high watermark) stands in `CoreState`.
 *
 * Observers are unattached or followers; only voters take the other roles, except that a leader stays one
 * until the set without it is committed (KIP-853).
 */
export type Role = Unattached | Follower | Prospective | Candidate | Leader | Resigned;

/** Knows of no leader in its epoch and asks its peers for one (KIP-595, "Unattached"). */
export type Unattached = {
  readonly name: 'unattached';
  /** When a voter begins to seek election; it counts for nobody else. */
  electionDeadlineMs: number;
  nextQuestionMs: number;
};

/** Fetches from a leader (KIP-595, "Follower"). */
export type Follower = {
  readonly name: 'follower';
  readonly leaderId: NodeId;
  /** Without a good answer until then the leader is given up. */
  fetchDeadlineMs: number;
  /** The fetch that waits for its answer; null while none may be sent. */
  question: FetchQuestion | null;
  /** Answers to fetches before this one were asked of another leader, or by another process. */
  readonly firstFetchId: number;
  /** Not before this time is the next fetch sent; after an error it lies ahead. */
  nextFetchMs: number;
  /** The next fetch is held back until a flush completes, `nextFetchMs` at the latest (`fetchLingerMs`). */
  isAwaitingFlush: boolean;
  /** The latest read-barrier round seen from this leader (design 5). */
  round: number;
  /** When the leader last gave a good answer; null before the first (KIP-996's "fetched successfully"). */
  lastAnswerMs: number | null;
  /** The leader's connection was closed and refused (design 8). */
  suspectsLeader: boolean;
};

export type FetchQuestion = {
  readonly fetchId: number;
  readonly fetchOffset: Offset;
  readonly sentMs: number;
};

/** Who has answered a candidate. */
export type Ballot = {
  readonly granted: NodeId[];
  readonly rejected: NodeId[];
  nextSendMs: number;
};

/** Asks whether it would win, and has not raised its epoch (KIP-996). */
export type Prospective = {
  readonly name: 'prospective';
  readonly ballot: Ballot;
  electionDeadlineMs: number;
};

/** Has raised its epoch, voted for itself and asks for votes (Raft paper, 5.2). */
export type Candidate = {
  readonly name: 'candidate';
  readonly ballot: Ballot;
  electionDeadlineMs: number;
  /** Its own vote is a promise like any other: nothing is won before it is on disk. */
  isOwnVoteDurable: boolean;
};

export type Leader = {
  readonly name: 'leader';
  readonly leadership: Leadership;
};

/** Has led this epoch, does so no longer, and tells the others (KIP-595, "Resigned"). */
export type Resigned = {
  readonly name: 'resigned';
  electionDeadlineMs: number;
  nextSendMs: number;
  readonly successors: readonly ReplicaKey[];
  /** Voters that have not confirmed the end of the epoch. */
  unanswered: readonly NodeId[];
};

/**
 * Every legal transition; `transitionTo` allows no other.
 *
 *                    ┌──────────── a higher epoch, or the epoch's leader is gone ───────────┐
 *                    ▼                                                                      │
 *   start ──▶ UNATTACHED ── election timeout ──▶ PROSPECTIVE ── majority would vote ──▶ CANDIDATE
 *              │  ▲   ▲                           │   ▲   │                              │   │
 *    learns of │  │   └─── pre-vote lost ─────────┘   │   │ pre-vote lost,        majority  │ learns of
 *    a leader  │  │        (leader unknown)           │   │ leader known           votes  │ a leader
 *              ▼  │                                   │   ▼                              ▼   ▼
 *           FOLLOWER ────── fetch timeout ────────────┘ FOLLOWER                    LEADER  FOLLOWER
 *              ▲                                          ▲                            │
 *              └── learns of a leader ── RESIGNED ◀── no majority heard of, or asked to ┘
 *                                          │
 *                                          └── election timeout ──▶ PROSPECTIVE (voters) or UNATTACHED
 *
 * From every role a higher epoch leads to UNATTACHED, or to FOLLOWER where its leader is known
 * (Raft paper, Figure 2, "Rules for Servers, All Servers"). Nobody returns to LEADER but through
 * CANDIDATE, so that nobody leads one epoch twice.
 */
export const legalTransitions: Readonly<Record<RoleName, readonly RoleName[]>> = {
  unattached: ['unattached', 'follower', 'prospective'],
  follower: ['unattached', 'follower', 'prospective'],
  prospective: ['unattached', 'follower', 'candidate'],
  candidate: ['unattached', 'follower', 'leader'],
  leader: ['unattached', 'follower', 'resigned'],
  resigned: ['unattached', 'follower', 'prospective'],
};

/** The next fetch is not sent before `atMs`, whatever was waited for until now. */
export function putOffFetch(role: Follower, atMs: number): void {
  role.nextFetchMs = atMs;
  role.isAwaitingFlush = false;
}
