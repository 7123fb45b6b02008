import type { Epoch, Offset } from '../../../src/base/brands.ts';
import type { RecoveredState, VoterSetAt } from '../../../src/raft/config.ts';
import type { QuorumState } from '../../../src/raft/quorum-state.ts';
import type { ReplicaKey } from '../../../src/raft/replica-key.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';
import type { OpenedLog } from '../../../src/runtime/log/open-raft-log.ts';
import type { LogRecovery } from '../../../src/runtime/log/raft-log.ts';
import type { HostContext } from '../host.ts';
import type { RegisterCheckpoint } from './register-machine.ts';

/** True when the log goes on from the checkpoint: it reaches it and is the same log there. */
export function agreesWith(opened: OpenedLog, checkpoint: RegisterCheckpoint): boolean {
  const end = checkpoint.endOffset as Offset;
  return opened.log.endOffset > end && opened.log.chainCrcAt(end) === checkpoint.chainCrc;
}

/** What the core is told of the disk. A log that does not begin at 0 begins, for the core, at the checkpoint. */
export function recoveredState(found: {
  readonly context: HostContext;
  readonly key: ReplicaKey;
  readonly quorumState: QuorumState;
  readonly checkpoint: RegisterCheckpoint | null;
  readonly recovery: LogRecovery;
  readonly wasReset: boolean;
  readonly logEndOffset: Offset;
}): RecoveredState {
  const { context, quorumState, checkpoint, recovery, wasReset, logEndOffset } = found;
  const latestSnapshot =
    checkpoint === null
      ? null
      : { endOffset: checkpoint.endOffset as Offset, epoch: checkpoint.epoch as Epoch };
  const beginsAtZero = !wasReset && recovery.logStart.endOffset === 0;
  const zero: SnapshotId = { endOffset: 0 as Offset, epoch: 0 as Epoch };
  const logStart = beginsAtZero || latestSnapshot === null ? zero : latestSnapshot;
  const inLog = wasReset ? null : recovery.kraftVersion;
  return {
    clusterId: context.clusterId,
    local: found.key,
    quorumState,
    logStart,
    latestSnapshot,
    logEndOffset,
    epochStarts: wasReset ? [] : recovery.epochStarts,
    voterSets: voterSetsOf(found, logStart),
    kraftVersion: inLog?.kraftVersion ?? checkpoint?.kraftVersion ?? 0,
    // One below the log's start, for the core, is in force there already.
    kraftVersionOffset: inLog !== null && inLog.offset >= logStart.endOffset ? inLog.offset : null,
    appliedOffset: latestSnapshot?.endOffset ?? zero.endOffset,
    bootstrapPeers: context.voters.map((voter) => voter.id),
  };
}

function voterSetsOf(
  found: Parameters<typeof recoveredState>[0],
  logStart: SnapshotId,
): readonly VoterSetAt[] {
  const { context, checkpoint, recovery, wasReset } = found;
  const atStart = logStart.endOffset === 0 ? context.voters : (checkpoint?.voters ?? context.voters);
  const inLog = wasReset ? [] : recovery.voterSets.filter((set) => set.offset >= logStart.endOffset);
  return [{ offset: logStart.endOffset, voters: atStart }, ...inLog];
}
