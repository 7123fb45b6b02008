import {
  abortTransactionRecord,
  beginTransactionRecord,
  endTransactionRecord,
} from '../metadata/resources/transaction/resource.ts';
import type { LogBatch } from '../raft/batch.ts';
import { batchPayload } from './batch.ts';

/** What an encoded batch does to the metadata transaction in which it stands or which it begins. */
export type TransactionMarks = {
  readonly begins: boolean;
  readonly ends: boolean;
  readonly aborts: boolean;
};

const none: TransactionMarks = Object.freeze({ begins: false, ends: false, aborts: false });

/** Bytes of the length before each record. */
const lengthBytes = 4;

/**
 * Begin is the first record of its batch, Abort the only one of its own and End the last, so that the log tells them
 * without decoding the rest. Ends are looked for only within a transaction: `isOpen`.
 */
export function transactionMarks(batch: LogBatch, isOpen: boolean): TransactionMarks {
  if (batch.kind === 'control') return none;
  const payload = batchPayload(batch);
  const first = recordIdAt(payload, 0);
  const begins = first === beginTransactionRecord.id;
  if (!begins && !isOpen) return none;
  const aborts = first === abortTransactionRecord.id;
  return {
    begins,
    aborts,
    ends: !aborts && recordIdAt(payload, lastRecordAt(payload)) === endTransactionRecord.id,
  };
}

function lastRecordAt(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let last = 0;
  for (let at = 0; at + lengthBytes <= payload.length; at += lengthBytes + view.getUint32(at)) last = at;
  return last;
}

/** Null where it is none of those looked for: their ids are single bytes behind a msgpack array's head of one byte. */
function recordIdAt(payload: Uint8Array, at: number): number | null {
  const head = payload[at + lengthBytes] ?? 0;
  const id = payload[at + lengthBytes + 1] ?? 0xff;
  return (head & 0xf0) === 0x90 && id < 0x80 ? id : null;
}
