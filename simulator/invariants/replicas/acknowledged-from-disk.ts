import type { Checker, ClusterObservation } from '../../observation.ts';
import type { ReplicaJudge } from '../../workload/brokers/replica-ledger.ts';

/**
 * What a follower tells its leader that it has flushed stands on its disk as it says so, and up to there its disk
 * is flushed: a leader counts it for committed without asking again. (The brokers' durable at send.)
 */
export function acknowledgedFromDisk(cluster: ClusterObservation): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'a follower acknowledges what is on its disk',
    source: 'protocols 1; design 1: durable at send; etcd 14370',
    fetching({ key }, broker, { flushedOffset }, { flushed }) {
      if (flushedOffset <= flushed) return;
      const what = `broker ${broker} acknowledges ${key} up to ${flushedOffset}`;
      cluster.fail(checker, `${what}, and its disk is flushed up to ${flushed}`);
    },
  };
  return checker;
}
