import type { Offset } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { batchPayload } from '../codec/batch.ts';
import { decodeRecords } from '../codec/record-value.ts';
import type { Registry } from '../metadata/registry.ts';
import { shownRecord } from '../metadata/shown-record.ts';
import { batchEndOffset, type LogBatch } from '../raft/batch.ts';
import type { LogBatchView, LogRecordView, LogSlice, LogSliceError } from './controller-api.ts';
import { runtimeLimits } from './limits.ts';
import type { RaftLog } from './log/raft-log.ts';
import { printableFields } from './printable.ts';

type Bounds = { readonly logStartOffset: Offset; readonly endOffset: Offset };
/** The kinds whose records can be read. */
type WithRegistry = { readonly registry: Registry };
type SliceRequest = { readonly from: Offset; readonly maxRecords: number };
type Completion = (result: Result<LogSlice, LogSliceError>) => void;

const sliceBytesMax = 1024 * 1024;

/** A stretch of the committed log for people to read. `from` must be within the log; batches come whole. */
export function readLogSlice(
  log: RaftLog,
  bounds: Bounds & WithRegistry,
  request: SliceRequest,
  complete: Completion,
): void {
  const { logStartOffset, endOffset } = bounds;
  const refuse = (code: LogSliceError['code'], message: string): void =>
    complete(failed({ code, message, logStartOffset }));
  if (request.from < logStartOffset || request.from > endOffset) {
    refuse('OFFSET_OUT_OF_RANGE', `The log holds offsets ${logStartOffset} to ${endOffset}.`);
    return;
  }
  const from = batchBaseAt(log, request.from, logStartOffset);
  if (request.from === endOffset || from === null) {
    complete(ok({ logStartOffset, endOffset, nextOffset: endOffset, batches: [] }));
    return;
  }
  log.read(from, endOffset, sliceBytesMax, (read) => {
    if (!read.ok) {
      const isGone = read.error.code === 'BELOW_LOG_START' || read.error.code === 'CANCELLED';
      refuse(isGone ? 'OFFSET_OUT_OF_RANGE' : 'UNKNOWN_SERVER_ERROR', read.error.message);
      return;
    }
    complete(sliceOf(read.value, bounds, request.maxRecords));
  });
}

/**
 * The base of the batch that holds `at`; null when the log has none there. A batch has a bounded number of
 * records, so the search is short.
 */
export function batchBaseAt(
  log: Pick<RaftLog, 'chainCrcAt'>,
  at: Offset,
  logStartOffset: Offset,
): Offset | null {
  const lowest = Math.max(logStartOffset, at - runtimeLimits.recordsPerBatchMax);
  for (let base = at; base >= lowest; base = (base - 1) as Offset) {
    if (log.chainCrcAt(base) !== null) return base;
  }
  return null;
}

/** What a stored batch holds, for a node's own log and for one that is read from a stopped node's directory. */
export function sliceOf(
  batches: readonly LogBatch[],
  { logStartOffset, endOffset, registry }: Bounds & WithRegistry,
  maxRecords: number,
): Result<LogSlice, LogSliceError> {
  const views: LogBatchView[] = [];
  let nextOffset = endOffset;
  let count = 0;
  for (const batch of batches) {
    if (views.length > 0 && count + batch.recordCount > maxRecords) break;
    const view = viewOfBatch(registry, batch);
    if (!view.ok) return failed({ code: 'UNKNOWN_SERVER_ERROR', message: view.error, logStartOffset });
    views.push(view.value);
    count += batch.recordCount;
    nextOffset = batchEndOffset(batch);
  }
  return ok({ logStartOffset, endOffset, nextOffset, batches: views });
}

function viewOfBatch(registry: Registry, batch: LogBatch): Result<LogBatchView, string> {
  const { baseOffset, epoch, appendTimestampMs, kind, sizeInBytes } = batch;
  const records = recordsOf(registry, batch);
  if (!records.ok) return records;
  const views = records.value.map(({ type, ...value }, index): LogRecordView => {
    return { offset: (baseOffset + index) as Offset, type, value: printableFields(value) };
  });
  return ok({ baseOffset, epoch, appendTimestampMs, kind, sizeInBytes, records: views });
}

type AnyRecord = { readonly type: string };

function recordsOf(registry: Registry, batch: LogBatch): Result<readonly AnyRecord[], string> {
  if (batch.kind === 'control') return ok(batch.records);
  const decoded = decodeRecords(registry, batchPayload(batch), batch.recordCount);
  return decoded.ok
    ? ok(decoded.value.map(shownRecord))
    : failed(`the batch at offset ${batch.baseOffset}: ${decoded.error.message}`);
}
