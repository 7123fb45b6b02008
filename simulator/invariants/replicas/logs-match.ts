import type { Checker, ClusterObservation } from '../../observation.ts';
import type { ReplicaJudge } from '../../workload/brokers/replica-ledger.ts';
import type { StoredRecord } from '../../workload/brokers/model-disk.ts';

/** A record as it was written first, and the epoch of the one before it. */
type Written = { readonly value: number; readonly epochBefore: number };

const noEpoch = -1;

/**
 * Two replicas whose records at one offset are of one leader epoch hold the same records up to there. Each record
 * is compared as it is appended with the first one of that epoch and offset, and so is the epoch of the one before
 * it: by induction the logs below are the same.
 */
export function logsMatch(cluster: ClusterObservation): Checker & ReplicaJudge {
  /** Of each log, by epoch and offset. */
  const logs = new Map<string, Map<string, Written>>();
  const checker: Checker & ReplicaJudge = {
    name: 'logs of replicas match',
    source: 'Raft paper, 5.3, Log Matching; KIP-101, KIP-279; protocols 1',
    appending({ key }, broker, { records }, baseOffset, appended) {
      const written = logs.get(key) ?? new Map<string, Written>();
      if (written.size === 0) logs.set(key, written);
      let epochBefore = records[baseOffset - 1]?.epoch ?? noEpoch;
      for (const [at, record] of appended.entries()) {
        compare(written, `offset ${baseOffset + at} of ${key} at broker ${broker}`, baseOffset + at, {
          record,
          epochBefore,
        });
        epochBefore = record.epoch;
      }
    },
  };

  function compare(
    written: Map<string, Written>,
    where: string,
    offset: number,
    { record, epochBefore }: { readonly record: StoredRecord; readonly epochBefore: number },
  ): void {
    const { epoch, value } = record;
    const place = `${epoch} ${offset}`;
    const first = written.get(place);
    if (first === undefined) {
      written.set(place, { value, epochBefore });
    } else if (first.value !== value) {
      cluster.fail(checker, `${where} becomes ${value} in epoch ${epoch}, and was first ${first.value}`);
    } else if (first.epochBefore !== epochBefore) {
      const what = `${where} follows a record of epoch ${epochBefore}`;
      cluster.fail(
        checker,
        `${what}, and the first one of epoch ${epoch} there a record of ${first.epochBefore}`,
      );
    }
  }
  return checker;
}
