import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { Groups } from '../../workload/groups/groups.ts';
import { membersExpireWithoutLease } from './members-expire-without-lease.ts';
import { oneLeaderAtATime } from './one-leader-at-a-time.ts';

/** Every property of groups, judged from what their members believe and from the committed log. */
export function groupCheckers(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  groups: Groups,
): readonly Checker[] {
  const leaders = oneLeaderAtATime(cluster, witness, groups.hosted);
  groups.judges.push(leaders);
  return [leaders, membersExpireWithoutLease(cluster, witness, groups.hosted)];
}
