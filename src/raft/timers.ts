import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { repeatBeginQuorumEpoch } from './begin-quorum-epoch.ts';
import { type CoreState, mayCampaign } from './core-state.ts';
import { askForDueChunk } from './download-snapshot.ts';
import { mayFetch, sendDueFetch, sendQuestion } from './fetch-response.ts';
import type { Leadership } from './leadership.ts';
import { fetchRetryMs, quarterOfFetchTimeoutMs, resendMs } from './limits.ts';
import { raiseRound } from './read-barrier.ts';
import { resign, resignIfDiskHangs, sendEndQuorumEpoch } from './resign.ts';
import type { Follower, Resigned, Unattached } from './role.ts';
import { loseElection, seekElection } from './transition.ts';
import { sendVoteRequests } from './vote.ts';

/**
 * Deadlines, which only a `wake` believes: the shell drains its sockets before it wakes the core late, so
 * that an answer which waited there counts (design, "Running").
 */
export function passDeadlines(core: CoreState): void {
  const { role, nowMs } = core;
  switch (role.name) {
    case 'unattached':
      if (mayCampaign(core) && nowMs >= role.electionDeadlineMs) seekElection(core);
      return;
    case 'follower':
      passFollowerDeadlines(core, role);
      return;
    case 'prospective':
    case 'candidate':
      if (nowMs >= role.electionDeadlineMs) loseElection(core);
      return;
    case 'leader':
      passLeaderDeadlines(core, role.leadership);
      return;
    case 'resigned':
      if (nowMs >= role.electionDeadlineMs) seekElection(core);
  }
}

function passFollowerDeadlines(core: CoreState, role: Follower): void {
  const { nowMs, download } = core;
  const retryMs = fetchRetryMs(core.config);
  if (nowMs >= role.fetchDeadlineMs) {
    // Nothing is fetched while a snapshot replaces the log, which says nothing of the leader.
    if (core.installation === null) {
      seekElection(core);
      return;
    }
    coverageMark('snapshot: the fetch timeout passes while it is installed');
    role.fetchDeadlineMs = nowMs + core.config.fetchTimeoutMs;
    return;
  }
  // An answer that is overdue is taken for lost, and the next question has a new number.
  if (role.question !== null && nowMs >= role.question.sentMs + retryMs) role.question = null;
  if (download !== null && download.askedMs !== null && nowMs >= download.askedMs + retryMs) {
    coverageMark('snapshot: an overdue chunk is taken for lost');
    download.askedMs = null;
  }
}

function passLeaderDeadlines(core: CoreState, leadership: Leadership): void {
  if (core.nowMs >= leadership.checkQuorumDeadlineMs) {
    coverageMark('check-quorum: the leader resigns');
    resign(core, leadership, null);
    return;
  }
  if (core.nowMs >= leadership.tellHighWatermarkAtMs) leadership.hasNews = true;
  if (core.nowMs < leadership.nextTickMs) return;
  leadership.nextTickMs = core.nowMs + quarterOfFetchTimeoutMs(core.config);
  if (resignIfDiskHangs(core, leadership)) return;
  // Also ends every parking, and shows whether a majority still follows (design 5).
  raiseRound(core, leadership);
  leadership.tickRound = leadership.barriers.round;
  repeatBeginQuorumEpoch(core, leadership);
}

/** The process itself stood still: what it could not hear in that time is held against nobody, once. */
export function putOffDeadlines(core: CoreState, stalledMs: number): void {
  const { role } = core;
  switch (role.name) {
    case 'follower':
      coverageMark('stall: a follower does not blame its leader');
      role.fetchDeadlineMs += stalledMs;
      if (role.lastAnswerMs !== null) role.lastAnswerMs = Math.min(core.nowMs, role.lastAnswerMs + stalledMs);
      return;
    case 'leader':
      coverageMark('stall: a leader puts off check-quorum');
      role.leadership.checkQuorumDeadlineMs += stalledMs;
      core.log.creditStall(stalledMs, core.nowMs);
      return;
    case 'unattached':
    case 'prospective':
    case 'candidate':
    case 'resigned':
      role.electionDeadlineMs += stalledMs;
  }
}

/** Messages that are due, in every step: first ones at once, repetitions in their time. */
export function sendWhatIsDue(core: CoreState): void {
  const { role, nowMs } = core;
  switch (role.name) {
    case 'unattached':
      if (nowMs >= role.nextQuestionMs) askForLeader(core, role);
      return;
    case 'follower':
      askForDueChunk(core);
      sendDueFetch(core, role);
      return;
    case 'prospective':
    case 'candidate':
      if (nowMs >= role.ballot.nextSendMs) sendVoteRequests(core);
      return;
    case 'resigned':
      if (nowMs >= role.nextSendMs) sendEndQuorumEpoch(core);
      return;
    case 'leader':
  }
}

/** Without a leader any peer may know one: its refusal of a fetch names it (KIP-595, discovery). */
function askForLeader(core: CoreState, role: Unattached): void {
  role.nextQuestionMs = core.nowMs + resendMs(core.config);
  const peers = knownPeers(core);
  const peer = peers.length === 0 ? undefined : peers[core.random.integer(peers.length)];
  if (peer === undefined) return;
  const fetchId = core.nextFetchId;
  core.nextFetchId += 1;
  sendQuestion(core, peer, fetchId, 0);
}

/** Voters of the set in force and, for one that is in none, the peers it was configured with. */
function knownPeers(core: CoreState): readonly NodeId[] {
  const peers = new Set([...core.voterSets.voters.map((voter) => voter.id), ...core.bootstrapPeers]);
  peers.delete(core.local.id);
  return [...peers];
}

/** When the core has something to do next, if nothing happens before. */
export function nextWakeAtMs(core: CoreState): number {
  const { role } = core;
  switch (role.name) {
    case 'unattached':
      return mayCampaign(core) ? Math.min(role.electionDeadlineMs, role.nextQuestionMs) : role.nextQuestionMs;
    case 'follower':
      return Math.min(role.fetchDeadlineMs, nextFollowerMessageMs(core, role));
    case 'prospective':
    case 'candidate':
      return Math.min(role.electionDeadlineMs, role.ballot.nextSendMs);
    case 'leader':
      return nextLeaderWakeMs(role.leadership);
    case 'resigned':
      return Math.min(role.electionDeadlineMs, nextEndMs(role));
  }
}

function nextLeaderWakeMs(leadership: Leadership): number {
  const { nextTickMs, checkQuorumDeadlineMs, tellHighWatermarkAtMs } = leadership;
  return Math.min(nextTickMs, checkQuorumDeadlineMs, tellHighWatermarkAtMs);
}

function nextFollowerMessageMs(core: CoreState, role: Follower): number {
  const retryMs = fetchRetryMs(core.config);
  const askedMs = core.download?.askedMs ?? null;
  if (askedMs !== null) return askedMs + retryMs;
  if (role.question !== null) return role.question.sentMs + retryMs;
  return mayFetch(core) ? role.nextFetchMs : Number.POSITIVE_INFINITY;
}

function nextEndMs(role: Resigned): number {
  return role.unanswered.length > 0 ? role.nextSendMs : Number.POSITIVE_INFINITY;
}
