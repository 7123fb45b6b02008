import { assert } from '../../base/assert.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { continueCrc, crcOf } from '../../codec/crc.ts';
import { viewOf, writeInt64 } from '../../codec/int64.ts';
import { type RecordBatchHeader, verifyRecordBatch } from '../../codec/record-batch/header.ts';

/**
 * A record batch as a segment holds it, behind a header of its own. Big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 0  | 4    | magic, "OBLE" |
 * | 4  | 4    | flushedBefore: below this position of the file all was on disk when the entry was written |
 * | 8  | 4    | length of the batch |
 * | 12 | 4    | CRC-32 of where the entry stands, of bytes 0–11, and of what the batch's own CRC leaves out |
 * | 16 |      | the batch, as it is sent to whoever fetches it |
 *
 * An entry that was written elsewhere is none here. What Kafka's CRC does not cover (base offset, leader epoch) is
 * covered by ours, so that every stored bit is.
 */
export const entryHeaderBytes = 16;
export const entryMagic = Buffer.from('OBLE');
/** The batch's bytes up to its own CRC, that CRC included. */
const uncoveredBytes = 21;
/** What must be there to tell whether an entry begins. */
export const entryStartBytes = entryHeaderBytes + uncoveredBytes;

/** Where an entry stands: in the segment of this base offset, at this position. */
export type EntryPlace = { readonly segmentBaseOffset: number; readonly position: number };
export type EntryHeader = { readonly flushedBefore: number; readonly batchBytes: number };
export type Entry = EntryHeader & { readonly header: RecordBatchHeader; readonly batch: Uint8Array };

export function writeEntry(
  target: Uint8Array,
  at: number,
  place: EntryPlace,
  entry: EntryHeader,
  batch: Uint8Array,
): void {
  assert(batch.length === entry.batchBytes, 'an entry states its length');
  target.set(entryMagic, at);
  const view = viewOf(target);
  view.setUint32(at + 4, entry.flushedBefore);
  view.setUint32(at + 8, entry.batchBytes);
  target.set(batch, at + entryHeaderBytes);
  view.setUint32(at + 12, entryCrc(target, at, place));
}

/** The header that begins at `at`; null where none does. The batch may be longer than what is there. */
export function readEntryHeader(bytes: Uint8Array, at: number, place: EntryPlace): EntryHeader | null {
  if (bytes.length - at < entryStartBytes) return null;
  if (!entryMagic.equals(bytes.subarray(at, at + entryMagic.length))) return null;
  const view = viewOf(bytes);
  if (view.getUint32(at + 12) !== entryCrc(bytes, at, place)) return null;
  return { flushedBefore: view.getUint32(at + 4), batchBytes: view.getUint32(at + 8) };
}

/** The whole entry, verified; the failure is a reason in words. */
export function readEntry(bytes: Uint8Array, at: number, place: EntryPlace): Result<Entry, string> {
  const found = readEntryHeader(bytes, at, place);
  if (found === null) return failed('no entry begins there');
  const start = at + entryHeaderBytes;
  const batch = bytes.subarray(start, start + found.batchBytes);
  if (batch.length < found.batchBytes) return failed('the entry is cut short');
  const header = verifyRecordBatch(batch);
  if (!header.ok) return failed(header.error.message);
  if (header.value.sizeInBytes !== found.batchBytes)
    return failed('the entry has another length than its batch');
  return ok({ ...found, header: header.value, batch });
}

function entryCrc(bytes: Uint8Array, at: number, { segmentBaseOffset, position }: EntryPlace): number {
  const place = new Uint8Array(12);
  const view = viewOf(place);
  writeInt64(view, 0, segmentBaseOffset);
  view.setUint32(8, position);
  const head = continueCrc(crcOf(place), bytes.subarray(at, at + 12));
  return continueCrc(head, bytes.subarray(at + entryHeaderBytes, at + entryStartBytes));
}
