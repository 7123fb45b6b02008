import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { NodeId } from '../base/brands.ts';
import { becomeLeader } from './become-leader.ts';
import { badMessage, type CoreState, isLocal, send, setQuorumState } from './core-state.ts';
import { resendMs } from './limits.ts';
import type { VoteRequest, VoteResponse } from './messages.ts';
import { type ReplicaKey, sameReplica } from './replica-key.ts';
import type { Ballot, Candidate, Prospective } from './role.ts';
import {
  becomeCandidate,
  becomeUnattached,
  loseElection,
  noteEpochOf,
  randomElectionDeadlineMs,
} from './transition.ts';

/**
 * Vote and pre-vote (Raft paper, 5.2, 5.4.1, Figure 2 "RequestVote RPC"; KIP-595, KIP-853, KIP-996).
 *
 * A vote is given to whoever asks for it by this replica's whole key, whether or not its own log already
 * knows either of them as voters: the candidate's newer set may stand only in the candidate's log, and
 * could never be committed otherwise (Raft thesis, 4.1). The candidate counts voters of its own set only.
 */
export function handleVoteRequest(core: CoreState, from: NodeId, request: VoteRequest): void {
  if (request.candidate.id !== from) {
    badMessage(core, from, `asks for votes as node ${request.candidate.id}`);
    return;
  }
  // KIP-853: the one who is asked stood on another disk; its promises are not this replica's to keep.
  if (!isLocal(core, request.voter)) {
    coverageMark('vote: asked of another directory');
    return;
  }
  // KIP-996: a pre-vote raises nobody's epoch.
  if (!request.preVote && request.epoch > core.quorum.epoch) becomeUnattached(core, request.epoch);
  const voteGranted = request.preVote ? wouldVote(core, request) : vote(core, request);
  send(core, from, {
    type: 'voteResponse',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leaderId: core.quorum.leaderId,
    voter: core.local,
    voteGranted,
    preVote: request.preVote,
    requestEpoch: request.epoch,
  });
  if (request.preVote) askAgain(core, request.candidate);
}

/**
 * Whoever asks for pre-votes has given its leader up by now, so that its own rejection, given while it still
 * followed, is out of date: it is asked once more, at once. Pre-votes bind nobody (KIP-996). Without this the
 * one with the longer log would wait for its whole election timeout, because the other cannot win.
 */
function askAgain(core: CoreState, candidate: ReplicaKey): void {
  const { role } = core;
  if (role.name !== 'prospective' || !core.voterSets.isVoter(candidate)) return;
  const at = role.ballot.rejected.indexOf(candidate.id);
  if (at < 0) return;
  coverageMark('pre-vote: a rejection is out of date');
  role.ballot.rejected.splice(at, 1);
  sendVoteRequest(core, role, candidate);
}

/** Decides, and remembers the vote durably before the answer leaves. */
function vote(core: CoreState, request: VoteRequest): boolean {
  const { quorum } = core;
  if (request.epoch < quorum.epoch) return false;
  assert(request.epoch === quorum.epoch, 'a vote in an epoch that was not entered');
  // Design 19: this replica has lost records that it acknowledged; its log is no witness.
  if (quorum.recovering) {
    coverageMark('vote: refused while recovering');
    return false;
  }
  // One vote an epoch (Raft paper, Figure 2: "If votedFor is null or candidateId").
  if (quorum.voted !== null) {
    coverageMark('vote: the epoch has its vote');
    return sameReplica(quorum.voted, request.candidate);
  }
  // The epoch has its leader already (KIP-595).
  if (quorum.leaderId !== null || core.endedEpoch === quorum.epoch) {
    coverageMark('vote: the epoch has its leader');
    return false;
  }
  if (!isUpToDate(core, request)) {
    coverageMark("vote: the candidate's log is behind");
    return false;
  }
  setQuorumState(core, { voted: request.candidate });
  // A granted vote gives the candidate time to win (Raft paper, 5.2).
  becomeUnattached(core, quorum.epoch, randomElectionDeadlineMs(core));
  return true;
}

/** KIP-996: would this replica vote for the candidate, if it asked in earnest? */
function wouldVote(core: CoreState, request: VoteRequest): boolean {
  if (request.epoch < core.quorum.epoch) return false;
  if (core.quorum.recovering) {
    coverageMark('pre-vote: refused while recovering');
    return false;
  }
  const { role } = core;
  if (role.name === 'leader') return false;
  if (role.name === 'follower' && hearsLeader(core, role.lastAnswerMs, role.suspectsLeader)) {
    coverageMark('pre-vote: refused by who hears the leader');
    return false;
  }
  return isUpToDate(core, request);
}

/**
 * A follower that has fetched within the fetch timeout would not help to depose its leader (KIP-996),
 * unless the leader's connection was closed and refused (design 8).
 */
function hearsLeader(core: CoreState, lastAnswerMs: number | null, suspectsLeader: boolean): boolean {
  if (suspectsLeader || lastAnswerMs === null) return false;
  return core.nowMs - lastAnswerMs < core.config.fetchTimeoutMs;
}

/** The later last epoch wins, and only between equal ones the longer log (Raft paper, 5.4.1). */
function isUpToDate(core: CoreState, request: VoteRequest): boolean {
  const { log } = core;
  if (request.lastEpoch !== log.lastEpoch) return request.lastEpoch > log.lastEpoch;
  return request.logEndOffset >= log.endOffset;
}

export function handleVoteResponse(core: CoreState, from: NodeId, response: VoteResponse): void {
  if (response.voter.id !== from) {
    badMessage(core, from, `votes as node ${response.voter.id}`);
    return;
  }
  noteEpochOf(core, response.epoch, response.leaderId);
  const { role } = core;
  const isPreVote = role.name === 'prospective';
  if (!isPreVote && role.name !== 'candidate') return;
  if (response.preVote !== isPreVote || response.requestEpoch !== core.quorum.epoch) {
    coverageMark('vote: an answer to an earlier ballot');
    return;
  }
  // Only voters of the set in force count, by their whole key (KIP-853).
  if (!core.voterSets.isVoter(response.voter)) return;
  const { granted, rejected } = role.ballot;
  if (granted.includes(from) || rejected.includes(from)) return;
  (response.voteGranted ? granted : rejected).push(from);
  countVotes(core, role);
}

/** The candidate's own vote is on disk: from here on it can win. */
export function noteOwnVoteDurable(core: CoreState): void {
  const { role } = core;
  if (role.name !== 'candidate' || role.isOwnVoteDurable) return;
  assert(core.gateIoId === null, 'the own vote is counted before it is durable');
  role.isOwnVoteDurable = true;
  countVotes(core, role);
}

function countVotes(core: CoreState, role: Prospective | Candidate): void {
  const { majority, voters } = core.voterSets;
  const { granted, rejected } = role.ballot;
  if (rejected.length > voters.length - majority) {
    loseElection(core);
    return;
  }
  if (granted.length < majority) return;
  if (role.name === 'prospective') {
    becomeCandidate(core);
    return;
  }
  if (role.isOwnVoteDurable) becomeLeader(core, granted);
}

/** Asks every voter that has not answered, and asks again while the election lasts. */
export function sendVoteRequests(core: CoreState): void {
  const { role } = core;
  if (role.name !== 'prospective' && role.name !== 'candidate') return;
  role.ballot.nextSendMs = core.nowMs + resendMs(core.config);
  for (const voter of core.voterSets.voters) {
    if (voter.id === core.local.id || hasAnswered(role.ballot, voter.id)) continue;
    sendVoteRequest(core, role, voter);
  }
}

function sendVoteRequest(core: CoreState, role: Prospective | Candidate, voter: ReplicaKey): void {
  const { id, directoryId } = voter;
  send(core, id, {
    type: 'voteRequest',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    candidate: core.local,
    voter: { id, directoryId },
    lastEpoch: core.log.lastEpoch,
    logEndOffset: core.log.endOffset,
    preVote: role.name === 'prospective',
  });
}

function hasAnswered(ballot: Ballot, id: NodeId): boolean {
  return ballot.granted.includes(id) || ballot.rejected.includes(id);
}
