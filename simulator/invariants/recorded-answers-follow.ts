import { InvariantViolation } from '../../src/base/assert.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import {
  type AnswerRecord,
  type CallEntry,
  type CallJudge,
  isAnswerRecord,
  keyText,
  type SentRequest,
} from '../workload/operators/call-ledger.ts';
import { restsOnMore } from './answers-agree-with-the-log.ts';
import { describe, executeAgain } from './replayed-answer.ts';

/** What an operation comes to: an error's code, or the empty text and how many records it writes. */
type Outcome = { readonly status: string; readonly recordCount: number };

/**
 * What the log remembers under a key is what the state says at that place in the log:
 * 1. Somebody has sent the key, and so the operation that is answered under it.
 * 2. An error is what the operation, under its caller's condition, comes to in the state before its answer.
 * 3. A success has its records before its answer, and comes out of the state before them, which is one of those since
 *    the answer before it: nothing says where the records of one operation end and those of the next begin.
 */
export function recordedAnswersFollow(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & CallJudge {
  const sentUnder = new Map<string, CallEntry>();
  const checker: Checker & CallJudge = {
    name: 'recorded answers follow from the log',
    source: 'design 9, 14, 21; RFC 9110, 13.1.1',
    attempting(entry) {
      for (const key of entry.keys) sentUnder.set(keyText(key), entry);
    },
  };
  witness.watchers.push({
    onBatch({ records, offsets }) {
      // Behind the Begin of a transaction, which is no operation's own.
      let from = records[0]?.type === 'BeginTransactionRecord' ? 1 : 0;
      for (const [at, record] of records.entries()) {
        if (!isAnswerRecord(record)) continue;
        judge(record, offsets.slice(from, at + 1));
        from = at + 1;
      }
    },
  });

  /** `offsets`: of the records that may be the operation's, and of the answer behind them. */
  function judge(record: AnswerRecord, offsets: readonly number[]): void {
    const at = offsets.at(-1) ?? 0;
    const key = keyText(record);
    const { status } = record;
    const entry = sentUnder.get(key);
    if (entry === undefined || entry.sent === null) {
      return cluster.fail(checker, `key ${key} is answered at ${at}, and nobody has sent it`);
    }
    const { sent } = entry;
    if (isBeyondTheLog(sent.operationId, status)) return;
    const found = status === '' ? successFrom(entry, sent, offsets) : outcomeAt(entry, sent, at);
    if (found === null || found.status === status || isBeyondTheLog(sent.operationId, found.status)) return;
    const what = `call ${entry.id} (${sent.operationId} ${describe(sent.input)}, ifMatch ${sent.ifMatch ?? 'none'})`;
    const recorded = status === '' ? 'a success' : status;
    const given = found.status === '' ? `a success with ${found.recordCount} records` : found.status;
    cluster.fail(checker, `${what}: the log remembers ${recorded} at ${at}, and gives ${given}`);
  }

  /**
   * The success whose records end where its answer stands; what comes of the last of the states when there is none.
   * Records are counted, since within a transaction the core's own may stand between them.
   */
  function successFrom(entry: CallEntry, sent: SentRequest, offsets: readonly number[]): Outcome | null {
    let last: Outcome | null = null;
    for (const [at, start] of offsets.entries()) {
      const outcome = outcomeFrom(entry, sent, start);
      if (outcome === null) return null;
      if (outcome.status === '' && at + outcome.recordCount === offsets.length - 1) return outcome;
      last = outcome.status === '' ? { ...outcome, status: 'other records' } : outcome;
    }
    return last;
  }

  /** A state between two records of one operation is none that an operation meets: assertions need not hold in it. */
  function outcomeFrom(entry: CallEntry, sent: SentRequest, start: number): Outcome | null {
    try {
      return outcomeAt(entry, sent, start);
    } catch (error) {
      if (error instanceof InvariantViolation) return { status: 'a broken assertion', recordCount: 0 };
      throw error;
    }
  }

  /** Null where it cannot be said now. */
  function outcomeAt(
    entry: CallEntry,
    { operationId, input, ifMatch }: SentRequest,
    offset: number,
  ): Outcome | null {
    const image = witness.imageAt(offset);
    const ran = image === null ? null : executeAgain({ entry, operationId, input }, image, cluster);
    if (ran === null) return null;
    if (!ran.ok) return { status: ran.error.code, recordCount: 0 };
    const { modifiedOffset = null, records } = ran.value;
    if (ifMatch !== null && modifiedOffset !== ifMatch)
      return { status: 'PRECONDITION_FAILED', recordCount: 0 };
    return { status: '', recordCount: records.length };
  }
  return checker;
}

/** What the leader's own software supports, and what lives in its memory, no log of metadata says. */
function isBeyondTheLog(operationId: string, status: string): boolean {
  if (operationId === 'updateFeature' && status === 'UNSUPPORTED_VERSION') return true;
  return [...restsOnMore].some((code) => code === status);
}
