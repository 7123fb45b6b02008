import type { Checker, ClusterObservation } from '../../observation.ts';
import type { ReplicaJudge } from '../../workload/brokers/replica-ledger.ts';

/** Of what a consumer may see so much is looked at with each read. */
const newestMax = 20;

/**
 * What a consumer has once read at an offset it reads there again, whoever leads, and never something else.
 * (KIP-966's ConsistentRead.) Nor does it find less under a later leader than under one before: a new leader
 * hides offsets until it knows as much (KIP-207). An unclean election, which the log reports, ends all that.
 */
export function consistentRead(cluster: ClusterObservation): Checker & ReplicaJudge {
  const seen = new Map<string, Map<number, number>>();
  /** Of each log, the furthest end that the leader of each epoch has shown. */
  const shown = new Map<string, Map<number, number>>();
  const checker: Checker & ReplicaJudge = {
    name: 'ConsistentRead',
    source: 'KIP-966; KIP-207; protocols 1',
    lost({ key }) {
      seen.delete(key);
      shown.delete(key);
    },
    visible(log, { broker, leaderEpoch }, endOffset, { records, startOffset }) {
      judgeEnd(log.key, broker, leaderEpoch, endOffset);
      const read = seen.get(log.key) ?? new Map<number, number>();
      if (read.size === 0) seen.set(log.key, read);
      for (let offset = Math.max(startOffset, endOffset - newestMax); offset < endOffset; offset++) {
        const value = records[offset]?.value;
        const where = `offset ${offset} of ${log.key} at broker ${broker}`;
        if (value === undefined)
          return cluster.fail(checker, `nothing can be read at ${where}, which is visible`);
        const before = read.get(offset) ?? value;
        if (before !== value) cluster.fail(checker, `${where} gives ${value}, and ${before} was read before`);
        const told = log.values.get(offset) ?? value;
        if (told !== value) cluster.fail(checker, `${where} gives ${value}, and ${told} was acknowledged`);
        read.set(offset, value);
      }
    },
  };

  function judgeEnd(key: string, broker: number, leaderEpoch: number, endOffset: number): void {
    const ends = shown.get(key) ?? new Map<number, number>();
    if (ends.size === 0) shown.set(key, ends);
    for (const [epoch, end] of ends) {
      if (epoch > leaderEpoch || end <= endOffset) continue;
      const what = `broker ${broker} shows ${key} up to ${endOffset} in leader epoch ${leaderEpoch}`;
      cluster.fail(checker, `${what}, and it was shown up to ${end} in epoch ${epoch}`);
    }
    ends.set(leaderEpoch, endOffset);
  }
  return checker;
}
