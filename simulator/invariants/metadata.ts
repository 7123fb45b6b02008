import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import type { CallLedger } from '../workload/operators/call-ledger.ts';
import { answersAgreeWithTheLog } from './answers-agree-with-the-log.ts';
import { effectsHaveCalls } from './effects-have-calls.ts';
import { exactlyOnce } from './exactly-once.ts';
import { finalizedLevelsAreSupported } from './finalized-levels-are-supported.ts';
import { fullReplay } from './full-replay.ts';
import { headerAnswersAreKept } from './header-answers-are-kept.ts';
import { isrMembersAreActive } from './isr-members-are-active.ts';
import { oneEpochPerIncarnation } from './one-epoch-per-incarnation.ts';
import { pastEqualsReplay } from './past-equals-replay.ts';
import { reassignments } from './reassignments.ts';
import { recordedAnswersFollow } from './recorded-answers-follow.ts';
import { rowsFollowTheirRecords } from './rows-follow-their-records.ts';
import { sessionsEndOnlyWhenIdle } from './sessions-end-only-when-idle.ts';
import { timestampsNeverDecrease } from './timestamps-never-decrease.ts';
import { unkeyedWritesAreSentOnce } from './unkeyed-writes-are-sent-once.ts';

/** Every property of the state that the log stands for; the witness comes first, because others ask it. */
export function metadataCheckers(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  calls: CallLedger,
): readonly Checker[] {
  const answers = answersAgreeWithTheLog(cluster, witness);
  const past = pastEqualsReplay(cluster, witness);
  const once = exactlyOnce(cluster, witness, calls);
  const unkeyed = unkeyedWritesAreSentOnce(cluster);
  const recorded = recordedAnswersFollow(cluster, witness);
  const effects = effectsHaveCalls(cluster, witness);
  calls.judges.push(answers, past, once, unkeyed, recorded, effects);
  return [
    witness,
    fullReplay(cluster, witness),
    isrMembersAreActive(cluster, witness),
    reassignments(cluster, witness),
    timestampsNeverDecrease(cluster),
    finalizedLevelsAreSupported(cluster, witness),
    oneEpochPerIncarnation(cluster, witness),
    rowsFollowTheirRecords(cluster, witness),
    sessionsEndOnlyWhenIdle(cluster, witness, calls),
    headerAnswersAreKept(cluster, witness),
    answers,
    past,
    once,
    unkeyed,
    recorded,
    effects,
  ];
}
