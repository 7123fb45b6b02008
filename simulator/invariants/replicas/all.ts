import { isUncleanElection } from '../../../src/metadata/resources/topic/records.ts';
import { keyOf } from '../../workload/brokers/model-broker.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { Brokers } from '../../workload/brokers/brokers.ts';
import { acknowledgedFromDisk } from './acknowledged-from-disk.ts';
import { brokerAnswersAgreeWithTheLog } from './broker-answers-agree-with-the-log.ts';
import { consistentRead } from './consistent-read.ts';
import { entrantsHoldWhatWasTakenOver } from './entrants-hold-what-was-taken-over.ts';
import { fencedOnlyWithoutLease } from './fenced-only-without-lease.ts';
import { leaderCandidateCompleteness } from './leader-candidate-completeness.ts';
import { lostDirectoriesAreLeft } from './lost-directories-are-left.ts';
import { logsMatch } from './logs-match.ts';
import { logStartIsCommitted } from './log-start-is-committed.ts';
import { minIsrRecoveryQuorum } from './min-isr-recovery-quorum.ts';
import { noAcknowledgementWithoutLease } from './no-acknowledgement-without-lease.ts';
import { noCommittedRecordLost } from './no-committed-record-lost.ts';
import { producerIdsAreGivenOnce } from './producer-ids-are-given-once.ts';
import { producedOnceInOrder } from './produced-once-in-order.ts';
import { replicationQuorumSuperset } from './replication-quorum-superset.ts';

/** Every property of the data plane, judged from the disks of the model brokers and from what producers were told. */
export function replicaCheckers(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  brokers: Brokers,
  minIsr: number,
): readonly Checker[] {
  const { ledger, hosted } = brokers;
  // Before anybody judges the record: what it gives up is nobody's to hold from then on.
  witness.watchers.push({
    onRecord({ record }) {
      if (record.type !== 'PartitionChangeRecord' || !isUncleanElection(record)) return;
      ledger.electedUncleanly(keyOf(record.topicId, record.partitionId), record.leader);
    },
  });
  const judges = [
    minIsrRecoveryQuorum(cluster, witness, ledger, minIsr),
    replicationQuorumSuperset(cluster, witness, ledger),
    noCommittedRecordLost(cluster, witness, ledger),
    consistentRead(cluster),
    noAcknowledgementWithoutLease(cluster, hosted),
    acknowledgedFromDisk(cluster),
    logsMatch(cluster),
    logStartIsCommitted(cluster, witness, brokers),
    producedOnceInOrder(cluster, ledger),
  ];
  ledger.judges.push(...judges);
  const answers = brokerAnswersAgreeWithTheLog(cluster, witness);
  const producerIds = producerIdsAreGivenOnce(cluster, witness);
  const directories = lostDirectoriesAreLeft(cluster, witness);
  brokers.judges.push(answers, producerIds, directories);
  return [
    ...judges,
    answers,
    producerIds,
    directories,
    leaderCandidateCompleteness(cluster, witness, ledger),
    entrantsHoldWhatWasTakenOver(cluster, witness, ledger),
    fencedOnlyWithoutLease(cluster, witness, hosted),
  ];
}
