import { failed, ok, type Result } from '../../base/result.ts';
import { decodeBatch } from '../../codec/batch.ts';
import type { LogBatch } from '../../raft/batch.ts';
import type { BatchPlace } from './batch-columns.ts';
import { readExactly } from './file-steps.ts';
import { batchesPerReadMax } from './limits.ts';
import type { FileTask } from '../../ports/task.ts';
import type { LogReadError } from './raft-log.ts';
import { payloadPositionOf, physicalPosition, readPayload, sectorBytes } from './sectors.ts';
import type { Segment } from './segment.ts';

/** Batches of one segment that are read at once. */
export type ReadPlan = { readonly segment: Segment; readonly places: readonly [BatchPlace, ...BatchPlace[]] };

/** A read passes over batches that were cut out only as far as this, and otherwise ends before them. */
const gapBytesMax = 65_536;

/** Batches from `index` on: at least one, otherwise none beyond `to`, no more than `maxBytes` or a read's count. */
export function planRead(segment: Segment, index: number, to: number, maxBytes: number): ReadPlan {
  const first = segment.batches.at(index);
  const places: [BatchPlace, ...BatchPlace[]] = [first];
  let bytes = first.length;
  let before = first;
  for (let at = index + 1; at < segment.batches.count; at++) {
    const place = segment.batches.at(at);
    bytes += place.length;
    if (place.endOffset > to || bytes > maxBytes || places.length >= batchesPerReadMax) break;
    if (place.payloadPosition - (before.payloadPosition + before.length) > gapBytesMax) break;
    places.push(place);
    before = place;
  }
  return { segment, places };
}

/** Reads the batches of a plan from disk; each must be, byte for byte, the one that was written. */
export function* readBatches(plan: ReadPlan): FileTask<Result<readonly LogBatch[], LogReadError>> {
  const { segment, places } = plan;
  const last = places.at(-1) ?? places[0];
  const from = sectorStart(physicalPosition(places[0].payloadPosition));
  const end = sectorStart(physicalPosition(last.payloadPosition + last.length - 1)) + sectorBytes;
  const range = { handle: segment.handle, position: from, length: end - from };
  const read = yield* readExactly(segment.path, range);
  if (!read.ok) return failed({ code: 'IO', message: `${read.error.path}: ${read.error.message}` });
  const batches: LogBatch[] = [];
  for (const place of places) {
    const bytes = readPayload(read.value, place.payloadPosition - payloadPositionOf(from), place.length);
    const decoded = decodeBatch(bytes);
    const isTheOne = decoded.ok && isWritten(decoded.value.header, place);
    if (!isTheOne) {
      const position = physicalPosition(place.payloadPosition);
      return failed({
        code: 'CORRUPT',
        message: `${segment.path} at ${position}: not the batch that was written`,
      });
    }
    batches.push(decoded.value.batch);
  }
  return ok(batches);
}

function sectorStart(position: number): number {
  return position - (position % sectorBytes);
}

function isWritten(
  header: { readonly baseOffset: number; readonly length: number; readonly crc: number },
  place: BatchPlace,
): boolean {
  return header.baseOffset === place.baseOffset && header.length === place.length && header.crc === place.crc;
}
