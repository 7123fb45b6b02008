import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { GroupJudge, HostedMember } from '../../workload/groups/groups.ts';

/**
 * At no instant of true time do two members of a group take themselves for its leader, each by its own clock, over
 * drift, pauses, partitions and failovers. Two leases overlap exactly when one of them is held as the other
 * begins, so that it is enough to look then. And whoever takes itself for the leader of an epoch is the one whom the
 * committed log has elected in it; the epochs of a group only grow.
 */
export function oneLeaderAtATime(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  members: readonly HostedMember[],
): Checker & GroupJudge {
  /** By leader epoch: who was elected. */
  const elections = new Map<number, { readonly group: string; readonly leaderId: string }>();
  const lastEpochs = new Map<string, number>();
  const checker: Checker & GroupJudge = {
    name: 'no two members of a group hold a leadership lease at one instant',
    source: 'Gray and Cheriton 1989, leases; design 13; src/metadata/resources/group/README.md',
    elected(member, life, leaderEpoch) {
      const { group, process } = member;
      const what = `${process.name} takes itself for the leader of ${group} in epoch ${leaderEpoch}`;
      const election = elections.get(leaderEpoch);
      if (election === undefined) return cluster.fail(checker, `${what}, which is not committed`);
      if (election.group !== group || election.leaderId !== life.memberId) {
        return cluster.fail(checker, `${what}, in which ${election.leaderId} leads ${election.group}`);
      }
      const other = members.find((each) => each.group === group && each !== member && isLeading(each));
      if (other === undefined) return;
      const epoch = other.life?.leaderEpoch;
      cluster.fail(checker, `${what}, while ${other.process.name} holds a lease of epoch ${epoch}`);
    },
  };
  witness.watchers.push({
    onRecord({ record, offset }) {
      if (record.type !== 'GroupLeaderRecord' || record.leaderId === null) return;
      const { group, leaderId, leaderEpoch } = record;
      if (leaderEpoch !== offset || leaderEpoch <= (lastEpochs.get(group) ?? -1)) {
        cluster.fail(checker, `${group} has the leader epoch ${leaderEpoch} at offset ${offset}`);
      }
      lastEpochs.set(group, leaderEpoch);
      elections.set(leaderEpoch, { group, leaderId });
    },
  });
  return checker;
}

function isLeading({ life }: HostedMember): boolean {
  return (life?.leaderEpoch ?? null) !== null;
}
