import { Type } from 'typebox';
import type { Uuid } from '../../../base/brands.ts';
import { ok, type Result } from '../../../base/result.ts';
import { closed, refuse, schemas } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { GroupMembership, OperationContext, OperationError } from '../../operation.ts';
import { memberMetadataLengthMax } from './records.ts';
import type { GroupMemberRow, GroupRow } from './resource.ts';

export const groupName = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,248}$',
  description: 'Begins with a letter, a digit or _, and goes on with these or . : @ -',
});

export const groupParams = closed({ group: groupName });
export const memberParams = closed({ group: groupName, memberId: schemas.uuid });

export const sessionTimeoutMs = Type.Integer({
  minimum: limits.groupSessionTimeoutMsMin,
  maximum: limits.groupSessionTimeoutMsMax,
});

export const memberMetadata = Type.String({
  maxLength: memberMetadataLengthMax,
  description: 'What the member says of itself to the others, such as an address.',
});

/** For the documents of the operations. */
export const memberExample = {
  group: 'billing-scheduler',
  memberId: exampleIds.member,
  memberEpoch: 70,
} as const;
export const leaderExample = { leaderId: exampleIds.member, leaderEpoch: 71 } as const;

/** The member as its request names it, when whoever asks may speak for it. */
export function findMember(
  image: MetadataImage,
  { group, memberId, memberEpoch }: Omit<GroupMembership, 'memberId'> & { readonly memberId: Uuid },
  { principal }: OperationContext,
): Result<GroupMemberRow, OperationError> {
  const row = image.group.members.get({ group, memberId });
  if (row === null) {
    return refuse('UNKNOWN_MEMBER_ID', `${memberId} is no member of ${group}.`);
  }
  if (row.principal !== principal) return notYours(group, memberId);
  if (row.memberEpoch !== memberEpoch) {
    return refuse(
      'FENCED_MEMBER_EPOCH',
      `Member ${memberId} of ${group} has epoch ${row.memberEpoch}, not ${memberEpoch}.`,
    );
  }
  return ok(row);
}

export function notYours(group: string, memberId: string): ReturnType<typeof refuse> {
  return refuse('GROUP_AUTHORIZATION_FAILED', `Member ${memberId} of ${group} is another principal's.`);
}

/** Records say so by null and -1 within a batch alone. */
export function leaderOf({ leaderId, leaderEpoch }: Pick<GroupRow, 'leaderId' | 'leaderEpoch'>): {
  readonly leaderId: Uuid | null;
  readonly leaderEpoch: number | null;
} {
  return { leaderId, leaderEpoch: leaderId === null ? null : leaderEpoch };
}
