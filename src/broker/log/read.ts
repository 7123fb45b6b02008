import { failed, ok, type Result } from '../../base/result.ts';
import { recordBatchEndOffset } from '../../codec/record-batch/header.ts';
import type { FileTask } from '../../ports/task.ts';
import type { Step } from '../../runtime/log/file-steps.ts';
import { entryHeaderBytes } from './entry.ts';
import type { Segment } from './segment.ts';
import { entryAt, Window } from './window.ts';

/** `CORRUPT_MESSAGE`: the disk gives other bytes than it was given. `KAFKA_STORAGE_ERROR`: it gives none. */
export type LogReadError = {
  readonly code: 'OFFSET_OUT_OF_RANGE' | 'CORRUPT_MESSAGE' | 'KAFKA_STORAGE_ERROR';
  readonly message: string;
};

export type ReadAnswer = Result<readonly Uint8Array[], LogReadError>;

/** Batches begin below `to`. */
export type ReadRange = { readonly from: number; readonly to: number; readonly bytesMax: number };

const chunkBytes = 65_536;

/** Whole batches of one segment, from the one that holds `from` to `to`; of `bytesMax` together, or one. */
export function* readSegment(segment: Segment, { from, to, bytesMax }: ReadRange): FileTask<ReadAnswer> {
  const batches: Uint8Array[] = [];
  let total = 0;
  const size = segment.sizeInBytes;
  const window = new Window(segment, size, Math.max(chunkBytes, bytesMax));
  for (let position = segment.index.positionBefore(from); position < size; ) {
    const entry = yield* entryAt(window, segment, position);
    if (!entry.ok) return failed({ code: 'KAFKA_STORAGE_ERROR', message: entry.error.message });
    if (typeof entry.value === 'string') {
      const message = `${segment.path} at ${position}: ${entry.value}`;
      return failed({ code: 'CORRUPT_MESSAGE', message });
    }
    const { header, batch, batchBytes } = entry.value;
    position += entryHeaderBytes + batchBytes;
    if (recordBatchEndOffset(header) <= from) continue;
    const isTooMuch = batches.length > 0 && total + batch.length > bytesMax;
    if (isTooMuch || header.baseOffset >= to) break;
    batches.push(batch);
    total += batch.length;
  }
  return ok(batches);
}

/** The position at which the batch that begins at `offset` stands. */
export function* positionOf(segment: Segment, offset: number): Step<number> {
  const window = new Window(segment, segment.sizeInBytes, chunkBytes);
  let position = segment.index.positionBefore(offset);
  while (position < segment.sizeInBytes) {
    const entry = yield* entryAt(window, segment, position);
    if (!entry.ok) return entry;
    if (typeof entry.value === 'string') {
      return failed({ code: 'IO', path: segment.path, message: `at ${position}: ${entry.value}` });
    }
    if (entry.value.header.baseOffset >= offset) break;
    position += entryHeaderBytes + entry.value.batchBytes;
  }
  return ok(position);
}
