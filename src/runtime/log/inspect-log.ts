import type { Offset } from '../../base/brands.ts';
import { offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';
import type { LogBatch } from '../../raft/batch.ts';
import type { DiskIndex } from './disk-index.ts';
import { planRead, readBatches } from './read-batches.ts';
import { type ScanError, scanLog } from './scan-log.ts';

export type InspectedLog = {
  readonly logStartOffset: Offset;
  /** The log's end: without its quorum nobody can tell how much of the tail is committed. */
  readonly endOffset: Offset;
  readonly batches: readonly LogBatch[];
};

const readBytesMax = 1024 * 1024;

/**
 * Reads the log of a stopped node, for people, from the batch that holds `from` (from its beginning when
 * null). Changes nothing: no repair, no cut, no rewrite. A damaged log is reported with file and position.
 */
export function* inspectLog(directory: string, from: Offset | null): FileTask<Result<InspectedLog, string>> {
  const scan = yield* scanLog(directory);
  if (!scan.ok) return failed(scanFault(scan.error));
  const { contents, corruption } = scan.value;
  if (corruption !== null) {
    return failed(`${corruption.file} at position ${corruption.position}: ${corruption.reason}`);
  }
  const read = yield* readFrom(contents.index, from);
  for (const { handle } of contents.index.segments) yield* submitFile({ kind: 'close', handle });
  return read;
}

function* readFrom(index: DiskIndex, wanted: Offset | null): FileTask<Result<InspectedLog, string>> {
  const bounds = { logStartOffset: index.logStart.endOffset, endOffset: index.endOffset };
  const from = wanted ?? bounds.logStartOffset;
  if (from < bounds.logStartOffset || from > bounds.endOffset) {
    return failed(`the log holds offsets ${bounds.logStartOffset} to ${bounds.endOffset}`);
  }
  const located = locateHolding(index, from);
  if (located === null) return ok({ ...bounds, batches: [] });
  const batches = yield* readBatches(
    planRead(located.segment, located.index, bounds.endOffset, readBytesMax),
  );
  return batches.ok ? ok({ ...bounds, batches: batches.value }) : failed(batches.error.message);
}

/** The batch that holds `at`; null at the log's end. */
function locateHolding(index: DiskIndex, at: Offset): ReturnType<DiskIndex['locate']> {
  if (at === index.endOffset) return null;
  for (let base: number = at; base >= index.logStart.endOffset; base--) {
    const located = index.locate(offset(base));
    if (located !== null) return located;
  }
  return null;
}

/** Where a stopped node's log stands, without its records. */
export type LogSurvey = {
  readonly startOffset: Offset;
  /** How far it is whole. */
  readonly endOffset: Offset;
  readonly lastEpoch: number;
  readonly segments: number;
  readonly bytes: number;
  /** Where its last write was torn, as after a crash; the node that starts cuts it off. */
  readonly torn: string | null;
  readonly corruption: string | null;
};

/** Reads all of a stopped node's log and changes nothing. */
export function* surveyLog(directory: string): FileTask<Result<LogSurvey, string>> {
  const scan = yield* scanLog(directory);
  if (!scan.ok) return failed(scanFault(scan.error));
  const { contents, corruption, torn } = scan.value;
  const { index } = contents;
  // Where the log is corrupt the scan has closed everything itself.
  const open = corruption === null ? index.segments : [];
  for (const { handle } of open) yield* submitFile({ kind: 'close', handle });
  const isEmpty = index.segments.length === 0;
  return ok({
    startOffset: isEmpty ? offset(0) : index.logStart.endOffset,
    endOffset: index.endOffset,
    lastEpoch: index.lastEpoch,
    segments: index.segments.length,
    bytes: index.bytesOnDisk,
    torn: torn === null ? null : `${torn.file} at position ${torn.position}`,
    corruption:
      corruption === null
        ? null
        : `${corruption.file} at position ${corruption.position}: ${corruption.reason}`,
  });
}

function scanFault(error: ScanError): string {
  return error.code === 'FILES'
    ? `${error.error.path}: ${error.error.message}`
    : `${error.file}: ${error.message}`;
}
