import { limits } from '../../src/metadata/limits.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * What was answered under a bare key is forgotten once, and by the log's time not before the window that is published
 * is over: whoever tries again in time gets that answer. Time is counted here from the records alone.
 */
export function headerAnswersAreKept(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const answeredMs = new Map<number, number>();
  const checker: Checker = {
    name: 'answers to bare keys are kept for their window',
    source: 'design 14: headerRetentionMs; draft-ietf-httpapi-idempotency-key-header, 2.3, expiry',
  };
  witness.watchers.push({
    onRecord({ record, offset, timestampMs }) {
      if (record.type === 'HeaderAnswerRecord') answeredMs.set(offset, timestampMs);
      if (record.type !== 'ForgetHeaderAnswersRecord') return;
      for (const answeredAt of record.offsets) judge(answeredAt, offset, timestampMs);
    },
  });

  function judge(answeredAt: number, offset: number, nowMs: number): void {
    const sinceMs = answeredMs.get(answeredAt);
    answeredMs.delete(answeredAt);
    const what = `offset ${offset} forgets the answer at ${answeredAt}`;
    if (sinceMs === undefined) return cluster.fail(checker, `${what}, and none is remembered there`);
    const { headerRetentionMs } = limits;
    if (nowMs - sinceMs >= headerRetentionMs) return;
    cluster.fail(checker, `${what} after ${nowMs - sinceMs} ms, and the window is ${headerRetentionMs} ms`);
  }
  return checker;
}
