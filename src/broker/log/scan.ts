import { ok } from '../../base/result.ts';
import {
  recordBatchBytesMax,
  recordBatchEndOffset,
  type RecordBatchHeader,
} from '../../codec/record-batch/header.ts';
import { entryHeaderBytes, entryMagic, entryStartBytes, readEntryHeader } from './entry.ts';
import type { Step } from '../../runtime/log/file-steps.ts';
import type { Segment } from './segment.ts';
import { entryAt, Window } from './window.ts';

/** The first place of a segment at which no entry stands that belongs there. */
export type Damage = {
  readonly position: number;
  readonly reason: string;
  /** Something shows that what stood here had been flushed, so that it may have been acknowledged. */
  readonly wasFlushed: boolean;
};

/** Takes each batch in order; gives a reason where it does not continue what was there before. */
export type Visit = (header: RecordBatchHeader) => string | null;

/** One write has no more: what fits, or one batch of the largest size. */
export const groupBytesLimit = recordBatchBytesMax + entryHeaderBytes;
const windowBytes = 1_048_576;
const sectorBytes = 512;

/**
 * Reads a segment's entries into its fields, as far as they are sound. The last group's beginning is where the last
 * entry says that it had been flushed up to.
 */
export function* scanSegment(
  segment: Segment,
  size: number,
  visit: Visit,
): Step<{ readonly damage: Damage | null; readonly lastGroup: number }> {
  const window = new Window(segment, size, windowBytes);
  let lastGroup = 0;
  while (segment.sizeInBytes < size) {
    const position = segment.sizeInBytes;
    const entry = yield* entryAt(window, segment, position);
    if (!entry.ok) return entry;
    const reason = typeof entry.value === 'string' ? entry.value : visit(entry.value.header);
    if (typeof entry.value === 'string' || reason !== null) {
      const wasFlushed = yield* findEvidence(window, segment, position);
      if (!wasFlushed.ok) return wasFlushed;
      return ok({ damage: { position, reason: reason ?? '', wasFlushed: wasFlushed.value }, lastGroup });
    }
    const { header, flushedBefore, batchBytes } = entry.value;
    noteBatch(segment, position, header);
    segment.sizeInBytes = position + entryHeaderBytes + batchBytes;
    lastGroup = flushedBefore;
  }
  return ok({ damage: null, lastGroup });
}

export function noteBatch(segment: Segment, position: number, header: RecordBatchHeader): void {
  segment.index.add(header.baseOffset, position);
  if (segment.firstTimestampMs < 0) segment.firstTimestampMs = header.maxTimestampMs;
  segment.endOffset = recordBatchEndOffset(header);
  segment.maxTimestampMs = Math.max(segment.maxTimestampMs, header.maxTimestampMs);
}

/**
 * Whether what is damaged at `position` had been on disk. A crash leaves of an unflushed group any of its sectors, and
 * zeros or the end of the file in the place of the others; and nothing is written after it. So it had been flushed if
 * 1. more follows than a group may have, or
 * 2. a later entry says so, or
 * 3. every part of it was written, which makes a valid entry.
 * What remains: the last group of all, of which a part later reads as zeros, looks as if it had never been flushed.
 */
function* findEvidence(window: Window, segment: Segment, position: number): Step<boolean> {
  if (window.size - position > groupBytesLimit) return ok(true);
  const rest = yield* window.bytes(position, window.size - position);
  if (!rest.ok) return rest;
  const bytes = rest.value;
  const place = { segmentBaseOffset: segment.baseOffset, position };
  const found = readEntryHeader(bytes, 0, place);
  const entryBytes = found === null ? bytes.length : entryHeaderBytes + found.batchBytes;
  const isCutShort = bytes.length < Math.max(entryStartBytes, entryBytes);
  if (!isCutShort && !hasUnwrittenPart(bytes.subarray(0, entryBytes), position)) return ok(true);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = text.indexOf(entryMagic, 1); at >= 0; at = text.indexOf(entryMagic, at + 1)) {
    const later = readEntryHeader(bytes, at, { ...place, position: position + at });
    if (later !== null && later.flushedBefore > position) return ok(true);
  }
  return ok(false);
}

/** Whether one of the sectors that bytes from `position` on lie in has nothing of them. */
function hasUnwrittenPart(bytes: Uint8Array, position: number): boolean {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes));
    if (bytes.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
