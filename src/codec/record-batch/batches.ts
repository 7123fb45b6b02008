import { ok, type Result } from '../../base/result.ts';
import type { RecordBatchError } from './errors.ts';
import { type RecordBatchHeader, verifyRecordBatch } from './header.ts';

/** One batch among others: its header, and its bytes as a view. */
export type PlacedRecordBatch = { readonly header: RecordBatchHeader; readonly bytes: Uint8Array };

/**
 * The batches that stand one behind another in `bytes`, as a produce request or a fetch answer has them, each verified.
 * What is cut short at the end is refused, too: whoever sends batches sends whole ones. Never throws.
 */
export function splitRecordBatches(
  bytes: Uint8Array,
): Result<readonly PlacedRecordBatch[], RecordBatchError> {
  const batches: PlacedRecordBatch[] = [];
  for (let position = 0; position < bytes.length; ) {
    const header = verifyRecordBatch(bytes, position);
    if (!header.ok) return header;
    const end = position + header.value.sizeInBytes;
    batches.push({ header: header.value, bytes: bytes.subarray(position, end) });
    position = end;
  }
  return ok(batches);
}
