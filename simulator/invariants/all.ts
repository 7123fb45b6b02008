import type { Schedule } from '../faults/schedule.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { boundedPending } from './bounded-pending.ts';
import { committedLog } from './committed-log.ts';
import { committedNeverTruncated } from './committed-never-truncated.ts';
import { durableAtSend } from './durable-at-send.ts';
import { electionSafety } from './election-safety.ts';
import { epochSurvivesRestart } from './epoch-survives-restart.ts';
import { equalState } from './equal-state.ts';
import { firstSuccessorSeeksElection } from './first-successor-seeks-election.ts';
import { flushedSurvivesRestart } from './flushed-survives-restart.ts';
import { healthyLeaderStays } from './healthy-leader-stays.ts';
import { higherEpochsAreEntered } from './higher-epochs-are-entered.ts';
import { identitySurvivesRestart } from './identity-survives-restart.ts';
import { leaderCompleteness } from './leader-completeness.ts';
import { leaderWasElected } from './leader-was-elected.ts';
import { leaderWithoutMajorityResigns } from './leader-without-majority-resigns.ts';
import { leadersRecordsStay } from './leaders-records-stay.ts';
import { logStartAtSnapshot } from './log-start-at-snapshot.ts';
import { lostIdentitiesNeverVote } from './lost-identities-never-vote.ts';
import { majorityOnDisk } from './majority-on-disk.ts';
import { monotonic } from './monotonic.ts';
import { noNeedlessElection } from './no-needless-election.ts';
import { oneBootstrapDescriptor } from './one-bootstrap-descriptor.ts';
import { olderFetchesAreRefused } from './older-fetches-are-refused.ts';
import { onlySupportedVersions } from './only-supported-versions.ts';
import { onlyDamagedNodesRecover } from './only-damaged-nodes-recover.ts';
import { onlyVotersCampaign } from './only-voters-campaign.ts';
import { oneVotePerEpoch } from './one-vote-per-epoch.ts';
import { oneVoterChangeAtATime } from './one-voter-change-at-a-time.ts';
import { recoveryEndsWhole } from './recovery-ends-whole.ts';
import { votersAreThoseOfTheLog } from './voters-are-those-of-the-log.ts';

/**
 * Every property of the log and of elections. The committed log comes first among those that look after
 * an event, because others ask what is committed.
 */
export function raftCheckers(cluster: ClusterObservation, schedule: Schedule): readonly Checker[] {
  return [
    electionSafety(cluster),
    leaderWasElected(cluster),
    committedLog(cluster),
    leaderCompleteness(cluster),
    majorityOnDisk(cluster),
    equalState(cluster),
    monotonic(cluster),
    committedNeverTruncated(cluster),
    leadersRecordsStay(cluster),
    recoveryEndsWhole(cluster),
    flushedSurvivesRestart(cluster),
    // Before those that see what follows from a wrong identity.
    identitySurvivesRestart(cluster),
    lostIdentitiesNeverVote(cluster),
    onlyDamagedNodesRecover(cluster),
    epochSurvivesRestart(cluster),
    durableAtSend(cluster),
    onlyVotersCampaign(cluster),
    higherEpochsAreEntered(cluster),
    olderFetchesAreRefused(cluster),
    logStartAtSnapshot(cluster),
    oneVotePerEpoch(cluster),
    firstSuccessorSeeksElection(cluster),
    oneVoterChangeAtATime(cluster),
    votersAreThoseOfTheLog(cluster),
    oneBootstrapDescriptor(cluster),
    onlySupportedVersions(cluster),
    boundedPending(cluster, schedule.config.raft),
    noNeedlessElection(cluster, schedule),
    leaderWithoutMajorityResigns(cluster, schedule.config.raft),
    healthyLeaderStays(cluster, schedule),
  ];
}
