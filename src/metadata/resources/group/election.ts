import type { Offset } from '../../../base/brands.ts';
import type { MetadataImage } from '../../image.ts';
import type { GroupLeaderRecord, LeaveGroupRecord } from './records.ts';
import { type GroupMemberRow, membersOf } from './resource.ts';

/** What takes members out of a group, with the election of another leader where theirs is among them. */
export function removal(
  image: MetadataImage,
  group: string,
  leaving: readonly GroupMemberRow[],
  nextOffset: Offset,
): readonly (LeaveGroupRecord | GroupLeaderRecord)[] {
  const records = leaving.map(
    ({ memberId, memberEpoch }): LeaveGroupRecord => ({
      type: 'LeaveGroupRecord',
      group,
      memberId,
      memberEpoch,
    }),
  );
  const leaderId = image.group.groups.get(group)?.leaderId ?? null;
  if (!leaving.some(({ memberId }) => memberId === leaderId)) return records;
  const successor = firstJoined(image, group, leaving);
  return successor === null ? records : [...records, elected(successor, nextOffset + records.length)];
}

/** The record at `offset` that makes a member the leader: the offset is its leader epoch. */
export function elected(
  { group, memberId }: Pick<GroupMemberRow, 'group' | 'memberId'>,
  offset: number,
): GroupLeaderRecord {
  return { type: 'GroupLeaderRecord', group, leaderId: memberId, leaderEpoch: offset };
}

/** The member that joined first of those that stay; null when none does. */
function firstJoined(
  image: MetadataImage,
  group: string,
  leaving: readonly GroupMemberRow[],
): GroupMemberRow | null {
  const gone = new Set(leaving.map(({ memberId }) => memberId));
  let first: GroupMemberRow | null = null;
  for (const row of membersOf(image.group.members, group)) {
    if (gone.has(row.memberId)) continue;
    if (first === null || row.memberEpoch < first.memberEpoch) first = row;
  }
  return first;
}
