import { assert, assertNever } from '../base/assert.ts';
import type { Epoch, NodeId, Offset } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import { handleBeginQuorumEpochRequest, handleBeginQuorumEpochResponse } from './begin-quorum-epoch.ts';
import type { RaftConfig, RecoveredState, VoterSetAt } from './config.ts';
import { badMessage, type CoreState, isVoter, newCoreState } from './core-state.ts';
import {
  handleFetchSnapshotResponse,
  handleSnapshotChunkStored,
  handleSnapshotInstalled,
} from './download-snapshot.ts';
import type { Effect, RoleName, VoterChangeError } from './effects.ts';
import { handleEndQuorumEpochRequest, handleEndQuorumEpochResponse } from './end-quorum-epoch.ts';
import { answerParkedFetches, handleFetchRequest } from './fetch.ts';
import { handleFetchResponse } from './fetch-response.ts';
import { handleFetchSnapshotRequest } from './fetch-snapshot.ts';
import { requestApply } from './high-watermark.ts';
import type { Input } from './inputs.ts';
import { assertInvariants } from './invariants.ts';
import { assertConfig } from './limits.ts';
import {
  handleApplied,
  handleConnectionClosed,
  handleLogFlushed,
  handleQuorumStatePersisted,
  handleSnapshotCreated,
  handleStorageStatusChanged,
} from './local-events.ts';
import { faultOfMessage } from './message-check.ts';
import type { Message } from './messages.ts';
import { handleQuorumChangeProposed } from './quorum-change.ts';
import { handleRecordsProposed } from './proposals.ts';
import { requestReadBarrier } from './read-barrier.ts';
import type { ReplicaKey, Voter } from './replica-key.ts';
import { handleResignRequested } from './resign.ts';
import type { SnapshotId } from './snapshot-id.ts';
import { recoverRole } from './recover-role.ts';
import { nextWakeAtMs, passDeadlines, putOffDeadlines, sendWhatIsDue } from './timers.ts';
import { announceRole } from './transition.ts';
import { handleVoteRequest, handleVoteResponse } from './vote.ts';
import { findVoterChangeError, handleVoterChangeRequested } from './voter-change.ts';

export type StepResult = {
  readonly effects: readonly Effect[];
  /** On the clock of `nowMs`: hand in a `wake` at that time at the latest. May be infinite, or past. */
  readonly nextWakeAtMs: number;
};

/**
 * The Raft core of one replica: pure and synchronous. All that happens is handed to `step`, and all that is
 * to be done comes back as effects (see `inputs.ts` and `effects.ts` for their contracts). A wrong message
 * of a peer is an effect; only a bug throws, and after that the core must not be used.
 *
 * The same recovered state, random generator and inputs give the same effects. `random` must not begin
 * alike in two processes of one node.
 *
 * Everything but `step` is a view of the state after the last step. Times are on the clock of `nowMs`.
 */
export type RaftCore = {
  step(input: Input): StepResult;
  readonly role: RoleName;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly highWatermark: Offset;
  readonly logStart: SnapshotId;
  readonly logEndOffset: Offset;
  readonly flushedOffset: Offset;
  readonly appliedOffset: Offset;
  readonly latestSnapshot: SnapshotId | null;
  /** The set in force, committed or not. */
  readonly currentVoterSet: VoterSetAt;
  readonly voters: readonly Voter[];
  readonly kraftVersion: number;
  /** The protocol in force as far as the log is known to be committed. */
  readonly committedKRaftVersion: number;
  /** This node, by its whole key, is in the set in force and may vote. */
  readonly isActiveVoter: boolean;
  readonly recovering: boolean;
  /** When a leader of this epoch was last heard of, or as leader a majority; null when never. */
  readonly lastContactMs: number | null;
  /** Proposals and bytes that are appended and not committed. */
  readonly pendingProposals: number;
  readonly pendingBytes: number;
  /** Appends, and their bytes, that this node's own disk has not flushed. */
  readonly unflushedAppends: number;
  readonly unflushedBytes: number;
  /** The leader's view of all replicas, itself included; empty on others. */
  replicas(): readonly ReplicaView[];
  /** Why these voters could not be put in force now; null when they could. */
  findVoterChangeError(voters: readonly Voter[]): VoterChangeError | null;
};

export type ReplicaView = ReplicaKey & {
  readonly isVoter: boolean;
  readonly logEndOffset: Offset;
  readonly lastFetchMs: number | null;
  readonly lastCaughtUpMs: number | null;
};

export function createRaftCore(options: {
  readonly config: RaftConfig;
  readonly recovered: RecoveredState;
  readonly random: Random;
  readonly nowMs: number;
}): RaftCore {
  assertConfig(options.config);
  const core = newCoreState(options);
  recoverRole(core, options.recovered);
  return new Core(core);
}

function step(core: CoreState, input: Input): StepResult {
  assert(Number.isSafeInteger(input.nowMs), `the time is not an integer: ${input.nowMs}`);
  assert(input.nowMs >= core.nowMs, `time went back from ${core.nowMs} to ${input.nowMs}`);
  const before = { quorum: core.quorum, highWatermark: core.highWatermark };
  core.nowMs = input.nowMs;
  core.effects = [];
  core.persistIndex = null;
  if (core.announced === null) beginRunning(core);
  dispatch(core, input);
  sendWhatIsDue(core);
  if (core.role.name === 'leader') answerParkedFetches(core, core.role.leadership);
  assertInvariants(core, before);
  return { effects: core.effects, nextWakeAtMs: nextWakeAtMs(core) };
}

/** The first step tells the shell of what was recovered. */
function beginRunning(core: CoreState): void {
  announceRole(core);
  if (core.highWatermark > 0) {
    core.effects.push({ type: 'highWatermarkAdvanced', highWatermark: core.highWatermark });
  }
  requestApply(core);
}

function dispatch(core: CoreState, input: Input): void {
  switch (input.type) {
    case 'wake':
      if (input.stalledMs > 0) putOffDeadlines(core, input.stalledMs);
      return passDeadlines(core);
    case 'messageReceived':
      return receive(core, input.from, input.message);
    case 'connectionClosed':
      return handleConnectionClosed(core, input);
    case 'recordsProposed':
      return handleRecordsProposed(core, input);
    case 'quorumChangeProposed':
      return handleQuorumChangeProposed(core, input);
    case 'readBarrierRequested':
      return requestReadBarrier(core, input.barrierId);
    case 'voterChangeRequested':
      return handleVoterChangeRequested(core, input);
    case 'resignRequested':
      return handleResignRequested(core, input);
    case 'storageStatusChanged':
      return handleStorageStatusChanged(core, input);
    case 'quorumStatePersisted':
      return handleQuorumStatePersisted(core, input);
    case 'logFlushed':
      return handleLogFlushed(core, input);
    case 'logTruncated':
      // Nothing waits for it: no later flush completes before it does (effects.ts, 1).
      return;
    case 'snapshotCreated':
      return handleSnapshotCreated(core, input);
    case 'snapshotChunkStored':
      return handleSnapshotChunkStored(core, input);
    case 'snapshotInstalled':
      return handleSnapshotInstalled(core, input);
    case 'applied':
      return handleApplied(core, input);
    default:
      return assertNever(input);
  }
}

function receive(core: CoreState, from: NodeId, message: Message): void {
  const fault = faultOfMessage(core, from, message);
  if (fault !== null) {
    badMessage(core, from, fault);
    return;
  }
  switch (message.type) {
    case 'voteRequest':
      return handleVoteRequest(core, from, message);
    case 'voteResponse':
      return handleVoteResponse(core, from, message);
    case 'beginQuorumEpochRequest':
      return handleBeginQuorumEpochRequest(core, from, message);
    case 'beginQuorumEpochResponse':
      return handleBeginQuorumEpochResponse(core, from, message);
    case 'endQuorumEpochRequest':
      return handleEndQuorumEpochRequest(core, from, message);
    case 'endQuorumEpochResponse':
      return handleEndQuorumEpochResponse(core, from, message);
    case 'fetchRequest':
      return handleFetchRequest(core, from, message);
    case 'fetchResponse':
      return handleFetchResponse(core, from, message);
    case 'fetchSnapshotRequest':
      return handleFetchSnapshotRequest(core, from, message);
    case 'fetchSnapshotResponse':
      return handleFetchSnapshotResponse(core, from, message);
    default:
      return assertNever(message);
  }
}

/** A class, and not an object made for each replica: a process that hosts many reads all of them by one shape. */
class Core implements RaftCore {
  readonly #state: CoreState;

  constructor(state: CoreState) {
    this.#state = state;
  }

  step(input: Input): StepResult {
    return step(this.#state, input);
  }

  get role(): RoleName {
    return this.#state.role.name;
  }

  get epoch(): Epoch {
    return this.#state.quorum.epoch;
  }

  get leaderId(): NodeId | null {
    return this.#state.quorum.leaderId;
  }

  get highWatermark(): Offset {
    return this.#state.highWatermark;
  }

  get logStart(): SnapshotId {
    return this.#state.log.logStart;
  }

  get logEndOffset(): Offset {
    return this.#state.log.endOffset;
  }

  get flushedOffset(): Offset {
    return this.#state.log.flushedOffset;
  }

  get appliedOffset(): Offset {
    return this.#state.appliedOffset;
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#state.latestSnapshot;
  }

  get currentVoterSet(): VoterSetAt {
    return this.#state.voterSets.current;
  }

  get voters(): readonly Voter[] {
    return this.#state.voterSets.voters;
  }

  get kraftVersion(): number {
    return this.#state.kraftVersion.current;
  }

  get committedKRaftVersion(): number {
    return this.#state.kraftVersion.before(this.#state.highWatermark);
  }

  get isActiveVoter(): boolean {
    return isVoter(this.#state) && !this.#state.quorum.recovering;
  }

  get recovering(): boolean {
    return this.#state.quorum.recovering;
  }

  get lastContactMs(): number | null {
    const { role } = this.#state;
    return role.name === 'leader' ? role.leadership.lastMajorityContactMs : this.#state.lastContactMs;
  }

  get pendingProposals(): number {
    const { role } = this.#state;
    return role.name === 'leader' ? role.leadership.pendingProposals.length : 0;
  }

  get pendingBytes(): number {
    const { role } = this.#state;
    return role.name === 'leader' ? role.leadership.pendingBytes : 0;
  }

  get unflushedAppends(): number {
    return this.#state.log.unflushedAppends;
  }

  get unflushedBytes(): number {
    return this.#state.log.unflushedBytes;
  }

  replicas(): readonly ReplicaView[] {
    return replicasOf(this.#state);
  }

  findVoterChangeError(voters: readonly Voter[]): VoterChangeError | null {
    return findVoterChangeError(this.#state, voters);
  }
}

function replicasOf(core: CoreState): readonly ReplicaView[] {
  if (core.role.name !== 'leader') return [];
  const own: ReplicaView = {
    ...core.local,
    isVoter: isVoter(core),
    logEndOffset: core.log.endOffset,
    lastFetchMs: core.nowMs,
    lastCaughtUpMs: core.nowMs,
  };
  const others = core.role.leadership.replicas.map((progress) => ({
    ...progress.key,
    isVoter: core.voterSets.isVoter(progress.key),
    logEndOffset: progress.logEndOffset,
    lastFetchMs: progress.lastFetchMs,
    lastCaughtUpMs: progress.lastCaughtUpMs,
  }));
  return [own, ...others];
}
