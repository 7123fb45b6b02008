import { statedCrc, statedPreviousCrc } from '../codec/batch.ts';
import type { Input } from '../raft/inputs.ts';
import type { RaftLog } from './log/raft-log.ts';

/**
 * Whether fetched batches continue this node's log by their CRCs, as those of a correct leader do (Raft
 * paper, 5.3, log matching). The log asserts it; what comes from a peer must not get as far as an assertion.
 * Gives what is wrong, or null. An answer that does not begin at the log's end is the core's to ignore.
 */
export function findChainFault(input: Input, log: RaftLog): string | null {
  if (input.type !== 'messageReceived' || input.message.type !== 'fetchResponse') return null;
  const { outcome } = input.message;
  if (outcome.kind !== 'records' || outcome.fetchOffset !== log.endOffset) return null;
  let crc = log.chainCrcAt(log.endOffset);
  for (const batch of outcome.batches) {
    if (batch.body.form !== 'encoded') return `the batch at ${batch.baseOffset} is not encoded`;
    if (statedPreviousCrc(batch) !== crc)
      return `the batch at ${batch.baseOffset} does not continue the log’s chain`;
    crc = statedCrc(batch);
  }
  return null;
}
