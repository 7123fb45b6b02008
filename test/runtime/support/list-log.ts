import { epoch, offset, type Offset } from '../../../src/base/brands.ts';
import { failed, ok } from '../../../src/base/result.ts';
import { encodeBatch } from '../../../src/codec/batch.ts';
import { encodeRecords } from '../../../src/codec/record-value.ts';
import { builtInRegistry, type MetadataRecord } from '../../../src/metadata/registry.ts';
import { batchEndOffset, type LogBatch } from '../../../src/raft/batch.ts';
import type { RaftLog } from '../../../src/runtime/log/raft-log.ts';
import { TransactionIndex } from '../../../src/runtime/log/transaction-index.ts';

/** A log in memory that answers reads later, and counts them. */
export class ListLog {
  batches: LogBatch[] = [];
  readonly reads: string[] = [];
  readonly transactions = new TransactionIndex();
  readonly #schedule: (delayUs: number, run: () => void) => void;
  /** What was cut off at its beginning. */
  startOffset: Offset = offset(0);

  constructor(schedule: (delayUs: number, run: () => void) => void) {
    this.#schedule = schedule;
  }

  get endOffset(): Offset {
    const last = this.batches.at(-1);
    return last === undefined ? this.startOffset : batchEndOffset(last);
  }

  data(records: readonly MetadataRecord[], inEpoch = 1, appendTimestampMs = 7): void {
    const header = { baseOffset: this.endOffset, epoch: epoch(inEpoch), appendTimestampMs };
    const payload = encodeRecords(builtInRegistry, records, Number.MAX_SAFE_INTEGER);
    const made: LogBatch = {
      ...header,
      kind: 'data',
      recordCount: records.length,
      sizeInBytes: payload.length,
      body: { form: 'payload', bytes: payload },
    };
    const bytes = encodeBatch(made, 0);
    const encoded: LogBatch = { ...made, sizeInBytes: bytes.length, body: { form: 'encoded', bytes } };
    this.batches.push(encoded);
    this.transactions.add(encoded);
  }

  control(inEpoch = 1): void {
    this.batches.push({
      kind: 'control',
      baseOffset: this.endOffset,
      epoch: epoch(inEpoch),
      appendTimestampMs: 7,
      recordCount: 1,
      sizeInBytes: 10,
      records: [{ type: 'KRaftVersion', kraftVersion: 1 }],
      body: { form: 'none' },
    });
  }

  /** The log before `at` is gone; where it ended earlier, a snapshot has taken its place. */
  cleanTo(at: Offset): void {
    this.startOffset = at;
    this.batches = this.batches.filter((batch) => batch.baseOffset >= at);
  }

  /** Only what the state and those who watch use of a log. */
  asLog(): RaftLog {
    const read: RaftLog['read'] = (from, to, maxBytes, complete) => {
      this.reads.push(`${from}-${to}`);
      const result = this.#read(from, to, maxBytes);
      this.#schedule(100, () => complete(result));
    };
    const chainCrcAt = (at: Offset): number | null =>
      at === this.endOffset || this.batches.some(({ baseOffset }) => baseOffset === at) ? 1 : null;
    return { read, chainCrcAt, transactions: this.transactions } as unknown as RaftLog;
  }

  #read(from: Offset, to: Offset, maxBytes: number): Parameters<Parameters<RaftLog['read']>[3]>[0] {
    if (from < this.startOffset) return failed({ code: 'BELOW_LOG_START', message: 'it was deleted' });
    const first = this.batches.find((batch) => batch.baseOffset === from);
    if (first === undefined) return failed({ code: 'CANCELLED', message: 'no such batch' });
    const found: LogBatch[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (batch.baseOffset < from || batchEndOffset(batch) > to) continue;
      if (found.length > 0 && bytes + batch.sizeInBytes > maxBytes) break;
      found.push(batch);
      bytes += batch.sizeInBytes;
    }
    return ok(found);
  }
}
