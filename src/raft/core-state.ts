import { assert, assertDefined } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import type { RaftConfig, RecoveredState } from './config.ts';
import type { Effect, RoleName } from './effects.ts';
import type { IoId } from './inputs.ts';
import { KRaftVersion } from './kraft-version.ts';
import { LogView } from './log-view.ts';
import type { Message, SpaceStatus } from './messages.ts';
import type { QuorumState } from './quorum-state.ts';
import { type ReplicaKey, sameReplica } from './replica-key.ts';
import type { Role } from './role.ts';
import type { RefusedSnapshot, SnapshotDownload, SnapshotInstallation } from './snapshot-download.ts';
import type { SnapshotId } from './snapshot-id.ts';
import { VoterSets } from './voter-set.ts';

/**
 * The whole state of one replica. Leaves change it in place within a step; nothing outside the core
 * holds it. Its invariants are numbered, and checked, in `invariants.ts`.
 */
export type CoreState = {
  readonly config: RaftConfig;
  readonly clusterId: Uuid;
  readonly local: ReplicaKey;
  readonly random: Random;
  readonly bootstrapPeers: readonly NodeId[];
  nowMs: number;
  /** What this step asks of the shell, in order. */
  effects: Effect[];
  nextIoId: IoId;

  quorum: QuorumState;
  /** The write on which every message must wait; null when all that messages rest on is durable. */
  gateIoId: IoId | null;
  /** Where in `effects` this step's write of the quorum state stands; one step needs only one. */
  persistIndex: number | null;
  /** The leader of this epoch is known to have ended its reign; null when not. */
  endedEpoch: Epoch | null;
  /** The epoch whose leader has told this replica itself who should come next; null when none has. */
  successionEpoch: Epoch | null;
  /** The last epoch, too far ahead to be believed, that each voter has named (see `epoch-jump.ts`). */
  readonly distantEpochs: Map<NodeId, Epoch>;
  /** When a leader of this epoch was last heard of. */
  lastContactMs: number | null;
  /** Elections lost since there was a leader; the back-off grows with it. */
  lostElections: number;

  readonly log: LogView;
  readonly voterSets: VoterSets;
  readonly kraftVersion: KRaftVersion;
  highWatermark: Offset;
  /** The end of what the shell was told to apply. */
  applyOffset: Offset;
  appliedOffset: Offset;
  latestSnapshot: SnapshotId | null;
  lastAppendTimestampMs: number;

  role: Role;
  /** The role that the shell was told of. */
  announced: { readonly role: RoleName; readonly epoch: Epoch; readonly leaderId: NodeId | null } | null;
  nextFetchId: number;
  download: SnapshotDownload | null;
  installation: SnapshotInstallation | null;
  refusedSnapshot: RefusedSnapshot | null;
  /** Where a recovering replica's flushes must reach (design 19); null until a leader has said. */
  recoveryTarget: Offset | null;
  /** Room on this node's own disk, as the shell has last said. */
  space: SpaceStatus;
};

/**
 * Room for 65,536 fetches before two processes with neighbouring random starts could use one number. An
 * answer to a fetch of an earlier process must not pass for an answer to this one's (design 19).
 */
const fetchIdsPerStart = 65_536;

export function newCoreState(options: {
  readonly config: RaftConfig;
  readonly recovered: RecoveredState;
  readonly random: Random;
  readonly nowMs: number;
}): CoreState {
  const { config, recovered, random, nowMs } = options;
  const { logStart, latestSnapshot, appliedOffset } = recovered;
  const committed = Math.max(logStart.endOffset, latestSnapshot?.endOffset ?? 0, appliedOffset) as Offset;
  return {
    config,
    clusterId: recovered.clusterId,
    local: { id: recovered.local.id, directoryId: recovered.local.directoryId },
    random,
    bootstrapPeers: recovered.bootstrapPeers,
    nowMs,
    effects: [],
    nextIoId: 1,
    quorum: recovered.quorumState,
    gateIoId: null,
    persistIndex: null,
    endedEpoch: null,
    successionEpoch: null,
    distantEpochs: new Map(),
    lastContactMs: null,
    lostElections: 0,
    log: new LogView(logStart, recovered.logEndOffset, recovered.epochStarts),
    voterSets: new VoterSets(recovered.voterSets),
    kraftVersion: new KRaftVersion(recovered.kraftVersion, recovered.kraftVersionOffset),
    highWatermark: committed,
    applyOffset: appliedOffset,
    appliedOffset,
    latestSnapshot,
    lastAppendTimestampMs: 0,
    role: { name: 'unattached', electionDeadlineMs: nowMs, nextQuestionMs: nowMs },
    announced: null,
    nextFetchId: random.integer(2 ** 32) * fetchIdsPerStart,
    download: null,
    installation: null,
    refusedSnapshot: null,
    recoveryTarget: null,
    space: 'enough',
  };
}

export function takeIoId(core: CoreState): IoId {
  const ioId = core.nextIoId;
  core.nextIoId += 1;
  return ioId;
}

/**
 * Changes what must never be forgotten and has it written. What messages rest on (epoch, vote, the end
 * of a recovery) holds back every later message until it is durable (Raft paper, Figure 2: "Updated on
 * stable storage before responding to RPCs"); knowing a leader holds nothing back.
 */
export function setQuorumState(core: CoreState, change: Partial<QuorumState>): void {
  const before = core.quorum;
  const state = { ...before, ...change };
  core.quorum = state;
  const effect: Effect = { type: 'persistQuorumState', ioId: persistIoId(core), state };
  if (core.persistIndex === null) {
    core.persistIndex = core.effects.length;
    core.effects.push(effect);
  } else {
    core.effects[core.persistIndex] = effect;
  }
  const isBinding =
    state.epoch !== before.epoch || state.voted !== before.voted || state.recovering !== before.recovering;
  if (isBinding) core.gateIoId = effect.ioId;
}

/** A step's second change takes the place of its first: the later state contains the earlier one. */
function persistIoId(core: CoreState): IoId {
  if (core.persistIndex === null) return takeIoId(core);
  coverageMark("quorum state: a step's later change takes the earlier one's place");
  const written = assertDefined(core.effects[core.persistIndex], 'the write of this step is gone');
  assert(written.type === 'persistQuorumState', 'another effect took the place of the write');
  return written.ioId;
}

/** Opens the gate for messages, unless a newer write holds it. True when all is durable. */
export function notePersisted(core: CoreState, ioId: IoId): boolean {
  if (core.gateIoId !== null && core.gateIoId <= ioId) core.gateIoId = null;
  return core.gateIoId === null;
}

export function send(core: CoreState, to: NodeId, message: Message): void {
  assert(to !== core.local.id, 'a replica sends itself no messages');
  if (core.gateIoId === null) core.effects.push({ type: 'sendMessage', to, message });
  else core.effects.push({ type: 'sendMessage', to, message, after: core.gateIoId });
}

export function badMessage(core: CoreState, from: NodeId, reason: string): void {
  core.effects.push({ type: 'badMessage', from, reason });
}

export function isVoter(core: CoreState): boolean {
  return core.voterSets.isVoter(core.local);
}

/**
 * Only a voter seeks election (KAFKA-17067), not one that has lost acknowledged records (design 19), and
 * not one whose log is about to be replaced.
 */
export function mayCampaign(core: CoreState): boolean {
  if (core.quorum.recovering || core.installation !== null) return false;
  return core.voterSets.mayCampaign(core.local, core.highWatermark);
}

/** A peer, and not this node under its own name. */
export function isLocal(core: CoreState, key: ReplicaKey): boolean {
  return sameReplica(core.local, key);
}
