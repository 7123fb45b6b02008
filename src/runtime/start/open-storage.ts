import { type Epoch, offset, type Offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { emptyImage, emptyImageOf, type MetadataImage } from '../../metadata/image.ts';
import type { Registry } from '../../metadata/registry.ts';
import type { CheckpointStore } from '../../ports/checkpoint-store.ts';
import type { EpochStart, VoterSetAt } from '../../raft/config.ts';
import type { QuorumState } from '../../raft/quorum-state.ts';
import type { Voter } from '../../raft/replica-key.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { LoadedCheckpoint } from '../checkpoint/load-checkpoint.ts';
import { type LogOpenError, type OpenedLog, openRaftLog } from '../log/open-raft-log.ts';
import type { RaftLog, RaftLogEvents } from '../log/raft-log.ts';
import type { ControllerPorts, ControllerSettings } from '../node-options.ts';
import { type Sequence, wait } from '../sequence.ts';
import type { Identity } from './identity.ts';
import { openCheckpoint, type OpenedCheckpoint } from './open-checkpoint.ts';

/** The node's disk, opened and judged: log and state agree, or the node is `recovering`. */
export type OpenedStorage = {
  readonly log: RaftLog;
  readonly store: CheckpointStore;
  readonly checkpoint: LoadedCheckpoint | null;
  readonly image: MetadataImage;
  readonly logStart: SnapshotId;
  /** Of the log's last record, or of the checkpoint when there is none after it. */
  readonly lastEpoch: Epoch;
  readonly epochStarts: readonly EpochStart[];
  readonly voterSets: readonly VoterSetAt[];
  readonly kraftVersion: number;
  /** Where in the log its record stands; null when it does not. */
  readonly kraftVersionOffset: Offset | null;
  readonly recovering: boolean;
};

export type OpenStorageOptions = {
  readonly directory: string;
  readonly settings: ControllerSettings;
  readonly ports: ControllerPorts;
  readonly registry: Registry;
  readonly identity: Identity;
  readonly logEvents: RaftLogEvents;
  /** Makes `recovering` durable before anything on disk is changed. */
  readonly persistRecovering: (state: QuorumState, done: () => void) => void;
  /** The log answers a reset that was asked for here. */
  readonly resetLog: (log: RaftLog, at: SnapshotId, chainCrc: number, done: () => void) => void;
};

const logCacheBytesMax = 32 * 1024 * 1024;
const beginning: SnapshotId = emptyImage;

/**
 * Opens checkpoint and log and makes one of them (design 18, 19).
 *
 * 1. A damaged checkpoint is never used. The log alone serves if it begins at (0, 0) (`open-checkpoint.ts`).
 * 2. The log is discarded only if it ends at or before the checkpoint, or if its epoch there differs:
 *    everything in the checkpoint was committed.
 * 3. Corruption, or a gap between checkpoint and log, makes the node `recovering`, durably and first.
 */
export function* openStorage(options: OpenStorageOptions): Sequence<Result<OpenedStorage, string>> {
  const { ports, identity, registry } = options;
  const opened = yield* openCheckpoint(registry, ports);
  if (!opened.ok) return opened;
  const { store, checkpoint } = opened.value;
  const hasHistory = identity.hasHistory || checkpoint !== null;
  let recovering = identity.quorumState.recovering;
  const recover = (done: () => void): void => {
    recovering = true;
    options.persistRecovering({ ...identity.quorumState, recovering: true }, done);
  };
  const log = yield* openLog(options, hasHistory, recover);
  if (!log.ok) return failed(`${log.error.file}: ${log.error.message}`);
  const joined = judge(opened.value, log.value);
  if (joined.reason !== null) {
    ports.logger.error('recovering', { reason: joined.reason });
    yield* wait<void>(recover);
  }
  if (joined.resetTo !== null) {
    const { at, chainCrc } = joined.resetTo;
    yield* wait<void>((done) => options.resetLog(log.value.log, at, chainCrc, done));
  }
  const image = checkpoint?.image ?? emptyImageOf(registry);
  return ok(assemble({ store, image, identity, recovering }, log.value, joined));
}

function* openLog(
  { directory, settings, ports, logEvents }: OpenStorageOptions,
  expectsLog: boolean,
  recover: (done: () => void) => void,
): Sequence<Result<OpenedLog, LogOpenError>> {
  return yield* wait<Result<OpenedLog, LogOpenError>>((done) =>
    openRaftLog(
      {
        files: ports.files,
        clock: ports.clock,
        directory: `${directory}/log`,
        segmentBytes: settings.segmentBytes,
        cacheBytesMax: logCacheBytesMax,
        events: logEvents,
        expectsLog,
        onCorruption: (corruption, proceed) => {
          const { file, position, reason } = corruption;
          ports.logger.error('log-corrupt', { file, position, reason });
          recover(proceed);
        },
      },
      done,
    ),
  );
}

type Joined = {
  readonly checkpoint: LoadedCheckpoint | null;
  readonly resetTo: { readonly at: SnapshotId; readonly chainCrc: number } | null;
  /** Why the node must recover from its peers; null when it need not. */
  readonly reason: string | null;
};

function judge({ checkpoint, damage }: OpenedCheckpoint, { recovery }: OpenedLog): Joined {
  const startsAtBeginning = recovery.logStart.endOffset === 0;
  if (checkpoint === null) {
    if (startsAtBeginning) {
      if (damage !== null) coverageMark('start: the whole log stands in for a damaged checkpoint');
      return { checkpoint: null, resetTo: null, reason: null };
    }
    coverageMark('start: no checkpoint for a log that begins late');
    const reason =
      damage === null
        ? `the log begins at offset ${recovery.logStart.endOffset} and there is no checkpoint`
        : `the checkpoint is damaged (${damage}) and the log before it was deleted`;
    return { checkpoint: null, resetTo: { at: beginning, chainCrc: 0 }, reason };
  }
  const { snapshotId, chainCrc } = checkpoint.manifest;
  const atCheckpoint = { at: snapshotId, chainCrc };
  if (recovery.logStart.endOffset > snapshotId.endOffset) {
    const gap = `from offset ${snapshotId.endOffset} to ${recovery.logStart.endOffset}`;
    return { checkpoint, resetTo: atCheckpoint, reason: `between checkpoint and log there is a gap ${gap}` };
  }
  const endsBefore = recovery.endOffset <= snapshotId.endOffset;
  const isAlreadyThere =
    endsBefore && recovery.endOffset === snapshotId.endOffset && isLogAt(recovery, snapshotId);
  if (isAlreadyThere) return { checkpoint, resetTo: null, reason: null };
  const differs = !endsBefore && epochBefore(recovery, snapshotId.endOffset) !== snapshotId.epoch;
  if (endsBefore) coverageMark('start: the log ends before the checkpoint');
  return { checkpoint, resetTo: endsBefore || differs ? atCheckpoint : null, reason: null };
}

type Recovery = OpenedLog['recovery'];

/** The log ends where the checkpoint does, in its epoch: there is nothing to discard. */
function isLogAt(recovery: Recovery, snapshotId: SnapshotId): boolean {
  return epochBefore(recovery, snapshotId.endOffset) === snapshotId.epoch;
}

/** Epoch of the record before `end`, which lies within the log. */
function epochBefore(recovery: Recovery, end: Offset): number {
  if (end === recovery.logStart.endOffset) return recovery.logStart.epoch;
  const own = recovery.epochStarts.findLast((start) => start.startOffset < end);
  return own?.epoch ?? recovery.logStart.epoch;
}

type Judged = {
  readonly store: CheckpointStore;
  readonly image: MetadataImage;
  readonly identity: Identity;
  readonly recovering: boolean;
};

function assemble(
  { store, image, identity, recovering }: Judged,
  opened: OpenedLog,
  joined: Joined,
): OpenedStorage {
  const { checkpoint, resetTo } = joined;
  const { recovery } = opened;
  const logStart = resetTo?.at ?? recovery.logStart;
  const inLog = resetTo === null ? recovery.kraftVersion : null;
  return {
    log: opened.log,
    store,
    checkpoint,
    image,
    logStart,
    lastEpoch: (resetTo === null ? recovery.epochStarts.at(-1)?.epoch : undefined) ?? logStart.epoch,
    epochStarts: resetTo === null ? recovery.epochStarts : [],
    voterSets: voterSetsOf(joined, recovery, logStart, identity),
    kraftVersion: inLog?.kraftVersion ?? checkpoint?.manifest.kraftVersion ?? 0,
    kraftVersionOffset: inLog?.offset ?? null,
    recovering,
  };
}

/**
 * Every voter set that the log holds, after the one in force where it begins. Behind a checkpoint that is
 * further on, the set in force at the log's start is known only if none was changed since; no truncation
 * can reach back there, so the checkpoint's stands for it.
 */
function voterSetsOf(
  { checkpoint, resetTo }: Joined,
  recovery: Recovery,
  logStart: SnapshotId,
  { descriptor }: Identity,
): readonly VoterSetAt[] {
  const born: readonly Voter[] = descriptor?.started === true ? descriptor.descriptor.voters : [];
  const first = logStart.endOffset === 0 ? born : (checkpoint?.manifest.voters ?? born);
  const inLog = resetTo === null ? recovery.voterSets.filter((set) => set.offset >= logStart.endOffset) : [];
  const base: VoterSetAt = { offset: offset(logStart.endOffset), voters: first };
  // A record at the log's very start replaces what was in force before it.
  return inLog[0]?.offset === base.offset ? inLog : [base, ...inLog];
}
