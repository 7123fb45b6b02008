import { hearCoverageMarks } from '../src/base/coverage-marks.ts';
import { decodeQuorumState } from '../src/codec/quorum-state.ts';
import type { QuorumState } from '../src/raft/quorum-state.ts';
import type { Offset } from '../src/base/brands.ts';
import { scanLog } from '../src/runtime/log/scan-log.ts';
import { quorumStateNames } from '../src/runtime/quorum-state/quorum-state-copies.ts';
import type { SimulatedDisk } from '../src/testing/world/files.ts';
import { dataDirectory, type HostKind } from './hosts/host.ts';
import type { DurableLog, DurableState, ObservedNode } from './observation.ts';

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

/** What the worst power failure would leave of a node. */
export function readDurableState(node: ObservedNode, host: HostKind): DurableState {
  return {
    ...readDurableLog(node.disk),
    quorumState: readDurableQuorumState(node.disk),
    snapshotEndOffset: host.durableSnapshotEnd(node.stores),
  };
}

/** Reads the durable log with the log's own scan, in no time and unheard: no node does it. */
export function readDurableLog(disk: SimulatedDisk): DurableLog {
  return hearCoverageMarks(null, () => scanDurableLog(disk));
}

function scanDurableLog(disk: SimulatedDisk): DurableLog {
  const scan = disk.readDurable(scanLog(logDirectory));
  if (!scan.ok) return emptyLog;
  const { index } = scan.value.contents;
  const isDamaged = scan.value.corruption !== null;
  if (index.segments.length === 0) return { ...emptyLog, isDamaged };
  return {
    logStartOffset: index.logStart.endOffset,
    logEndOffset: index.endOffset,
    isDamaged,
    chainCrcAt: (offset) => index.chainCrcAt(offset),
  };
}

const emptyLog: DurableLog = {
  logStartOffset: 0 as Offset,
  logEndOffset: 0 as Offset,
  isDamaged: false,
  chainCrcAt: () => null,
};
