import { decodeQuorumState } from '../src/codec/quorum-state.ts';
import { runFileTask } from '../src/ports/task.ts';
import type { QuorumState } from '../src/raft/quorum-state.ts';
import type { Offset } from '../src/base/brands.ts';
import { scanLog } from '../src/runtime/log/scan-log.ts';
import { quorumStateNames } from '../src/runtime/quorum-state/quorum-state-copies.ts';
import type { SimulatedDisk } from './files.ts';
import { dataDirectory, type HostKind } from './hosts/host.ts';
import type { DurableState, ObservedNode } from './observation.ts';
import { Scheduler } from './scheduler.ts';

const logDirectory = `${dataDirectory}/log`;

/** The newest valid quorum state that the worst power failure would leave. */
export function readDurableQuorumState(disk: SimulatedDisk): QuorumState | null {
  let newest: { readonly sequence: number; readonly state: QuorumState } | null = null;
  for (const name of quorumStateNames) {
    const bytes = disk.durableBytes(`${dataDirectory}/${name}`);
    if (bytes === null) continue;
    const decoded = decodeQuorumState(bytes);
    if (!decoded.ok) continue;
    if (newest === null || decoded.value.sequence > newest.sequence) newest = decoded.value;
  }
  return newest?.state ?? null;
}

/** Reads the durable log with the log's own scan, on a copy of the disk and in no time. */
export function readDurableState(node: ObservedNode, host: HostKind): DurableState {
  const { disk } = node;
  const snapshotEndOffset = host.durableSnapshotEnd(node.stores);
  const quorumState = readDurableQuorumState(disk);
  const scheduler = new Scheduler();
  const files = disk.durableCopy().attach((delayUs, run) => void scheduler.schedule(delayUs, run));
  let found: DurableState | null = null;
  runFileTask(files, scanLog(logDirectory), (scan) => {
    if (!scan.ok) return;
    const { index } = scan.value.contents;
    const isEmpty = index.segments.length === 0;
    found = {
      quorumState,
      snapshotEndOffset,
      logStartOffset: isEmpty ? (0 as Offset) : index.logStart.endOffset,
      logEndOffset: isEmpty ? (0 as Offset) : index.endOffset,
      isDamaged: scan.value.corruption !== null,
      chainCrcAt: (offset) => (isEmpty ? null : index.chainCrcAt(offset)),
    };
  });
  scheduler.runUntilIdle();
  return found ?? { ...nothing, quorumState, snapshotEndOffset };
}

const nothing: DurableState = {
  quorumState: null,
  snapshotEndOffset: 0 as Offset,
  logStartOffset: 0 as Offset,
  logEndOffset: 0 as Offset,
  isDamaged: false,
  chainCrcAt: () => null,
};
