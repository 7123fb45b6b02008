import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { HostedMember } from '../../workload/groups/groups.ts';

/**
 * When the end of a membership is committed, the member holds no lease by its own clock any more: it has given
 * it up and asked to leave, or it was not acknowledged in time. So one whose heartbeats arrive stays, over
 * failovers, too. Between two batches a group that has members is led by one of them.
 */
export function membersExpireWithoutLease(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  members: readonly HostedMember[],
): Checker {
  const checker: Checker = {
    name: 'no member is removed from its group while it holds a lease',
    source: 'design 13; Gray and Cheriton 1989, leases; src/metadata/resources/group/README.md',
  };
  witness.watchers.push({
    onRecord({ record, offset }) {
      if (record.type !== 'LeaveGroupRecord') return;
      const { memberId, memberEpoch } = record;
      const member = members.find(({ life }) => life?.memberId === memberId);
      const life = member?.life ?? null;
      if (life === null || life.memberEpoch !== memberEpoch || life.remainingMs === 0) return;
      const what = `${member?.process.name} is removed from ${record.group} at offset ${offset}`;
      cluster.fail(checker, `${what}, and its lease has ${life.remainingMs} ms to go`);
    },
    onBatch({ baseOffset }) {
      const { groups, members: rows } = witness.image.group;
      for (const { group, leaderId } of groups.values()) {
        const isLed = leaderId !== null && rows.get({ group, memberId: leaderId }) !== null;
        if (!isLed) cluster.fail(checker, `after the batch at ${baseOffset} ${group} has no leader`);
      }
    },
  });
  return checker;
}
