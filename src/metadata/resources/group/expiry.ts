import { offset } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { GroupMembership, InternalOperation, OperationContext } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { removal } from './election.ts';
import type { GroupMemberRow } from './resource.ts';

/**
 * Removes the members whose sessions have expired, and elects others where they led: for each group in one
 * batch, some groups a batch. A member that was heard meanwhile is left alone: the session view decides at
 * the moment of generation (design 13).
 */
export function expireGroupMembers(memberships: readonly GroupMembership[]): InternalOperation {
  return {
    name: 'expireGroupMembers',
    priority: 'fencing',
    handle: (image, context) => {
      const { taken, rest } = takeGroups(memberships);
      const records: MetadataRecord[] = [];
      for (const [group, members] of taken) {
        const silent = silentMembers(image, members, context);
        if (silent.length > 0) coverageMark('group: a member expires');
        const nextOffset = offset(context.nextOffset + records.length);
        records.push(...removal(image, group, silent, nextOffset));
      }
      return { records, continueWith: rest.length === 0 ? null : expireGroupMembers(rest) };
    },
  };
}

type Groups = ReadonlyMap<string, readonly GroupMembership[]>;

/** Whole groups, until they have as many members as one batch removes. */
function takeGroups(memberships: readonly GroupMembership[]): {
  readonly taken: Groups;
  readonly rest: readonly GroupMembership[];
} {
  const byGroup = new Map<string, GroupMembership[]>();
  for (const membership of memberships) {
    const known = byGroup.get(membership.group);
    if (known === undefined) byGroup.set(membership.group, [membership]);
    else known.push(membership);
  }
  const taken = new Map<string, readonly GroupMembership[]>();
  const rest: GroupMembership[] = [];
  let count = 0;
  for (const [group, members] of byGroup) {
    if (count > 0 && count + members.length > limits.expiryRowsMax) rest.push(...members);
    else taken.set(group, members);
    count += members.length;
  }
  return { taken, rest };
}

function silentMembers(
  image: MetadataImage,
  members: readonly GroupMembership[],
  { groupSessions }: OperationContext,
): readonly GroupMemberRow[] {
  const silent: GroupMemberRow[] = [];
  for (const { group, memberId, memberEpoch } of members) {
    const row = image.group.members.get({ group, memberId });
    if (row?.memberEpoch === memberEpoch && !groupSessions.isLive(memberEpoch)) silent.push(row);
  }
  return silent;
}
