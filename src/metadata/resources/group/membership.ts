import { type Static, Type } from 'typebox';
import { assert } from '../../../base/assert.ts';
import { offset, type Uuid } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { elected, removal } from './election.ts';
import type { JoinGroupRecord } from './records.ts';
import { type GroupMemberRow, type GroupRow, membersOf } from './resource.ts';
import {
  findMember,
  groupParams,
  leaderExample,
  memberExample,
  memberMetadata,
  memberParams,
  notYours,
  sessionTimeoutMs,
} from './schemas.ts';

const leader = {
  /** Who leads the group. */
  leaderId: schemas.uuid,
  /** The fencing token: above that of every earlier leader of a group of this name. */
  leaderEpoch: schemas.offset,
};

const joinBody = closed({
  /** New for each start of the process, so that a join can be repeated. */
  memberId: schemas.uuid,
  /** The member is removed when it is not heard for so long; ten seconds when absent. */
  sessionTimeoutMs: Type.Optional(sessionTimeoutMs),
  metadata: Type.Optional(memberMetadata),
});

export const joinGroup = defineOperation({
  operationId: 'joinGroup',
  method: 'POST',
  path: '/groups/{group}/members',
  summary: 'Join a group, or amend what a member says of itself. Who joins a group that has nobody leads it.',
  kind: 'write',
  priority: 'heartbeat',
  mayCall: ['operator', 'broker'],
  params: groupParams,
  query: nothing,
  body: joinBody,
  response: closed({
    group: Type.String(),
    memberId: schemas.uuid,
    memberEpoch: schemas.offset,
    sessionTimeoutMs,
    ...leader,
  }),
  successStatus: 201,
  errors: ['INVALID_REQUEST', 'GROUP_AUTHORIZATION_FAILED', 'GROUP_MAX_SIZE_REACHED'],
  example: {
    params: { group: memberExample.group },
    body: {
      memberId: memberExample.memberId,
      sessionTimeoutMs: 10_000,
      metadata: 'scheduler-1.example:7000',
    },
    response: { ...memberExample, sessionTimeoutMs: 10_000, ...leaderExample },
  },
  handle: (image, { params, body }, context) => {
    const { group } = params;
    const before = image.group.members.get({ group, memberId: body.memberId });
    const refusal = findRefusal(image, group, body, before, context);
    if (refusal !== null) return refusal;
    const record = joinRecord(group, body, before, context);
    const { memberId, memberEpoch } = record;
    const joins: MetadataRecord[] = before !== null && before.metadata === record.metadata ? [] : [record];
    const known = image.group.groups.get(group);
    const election = known === null ? elected(record, context.nextOffset + 1) : null;
    const response = {
      group,
      memberId,
      memberEpoch,
      sessionTimeoutMs: record.sessionTimeoutMs,
      ...presentLeader(election ?? known),
    };
    return ok({
      records: election === null ? joins : [...joins, election],
      response,
      heardMember: membershipOf(record),
      modifiedOffset: before === null ? null : offset(before.lastModified),
    });
  },
});

function findRefusal(
  image: MetadataImage,
  group: string,
  body: Static<typeof joinBody>,
  before: GroupMemberRow | null,
  { principal }: OperationContext,
): ReturnType<typeof refuse> | null {
  if (principal.length > limits.principalLengthMax) {
    return refuse('INVALID_REQUEST', `A principal has at most ${limits.principalLengthMax} characters.`);
  }
  if (before === null) return isFull(image, group);
  if (before.principal !== principal) return notYours(group, body.memberId);
  if (body.sessionTimeoutMs === undefined || body.sessionTimeoutMs === before.sessionTimeoutMs) return null;
  return refuse(
    'INVALID_REQUEST',
    `Member ${body.memberId} joined with a session timeout of ${before.sessionTimeoutMs} ms, which stays.`,
  );
}

function isFull(image: MetadataImage, group: string): ReturnType<typeof refuse> | null {
  if (image.group.members.size >= limits.groupMembersTotalMax) {
    return full(`All groups have ${limits.groupMembersTotalMax} members (groupMembersTotalMax).`);
  }
  let count = 0;
  for (const _ of membersOf(image.group.members, group)) count++;
  return count < limits.groupMembersMax
    ? null
    : full(`${group} has ${limits.groupMembersMax} members (groupMembersMax).`);
}

function full(message: string): ReturnType<typeof refuse> {
  return refuse('GROUP_MAX_SIZE_REACHED', message);
}

/** A member keeps its epoch, and its session timeout with it. */
function joinRecord(
  group: string,
  body: Static<typeof joinBody>,
  before: GroupMemberRow | null,
  { nextOffset, principal }: OperationContext,
): JoinGroupRecord {
  return {
    type: 'JoinGroupRecord',
    group,
    memberId: body.memberId,
    memberEpoch: before?.memberEpoch ?? nextOffset,
    principal,
    sessionTimeoutMs:
      before?.sessionTimeoutMs ?? body.sessionTimeoutMs ?? limits.groupSessionTimeoutMsDefault,
    metadata: body.metadata ?? before?.metadata ?? '',
  };
}

export const heartbeatGroupMember = defineOperation({
  operationId: 'heartbeatGroupMember',
  method: 'POST',
  path: '/groups/{group}/members/{memberId}/heartbeat',
  summary: 'A member says that it lives, and learns whether it leads; its lease counts from when it asked.',
  kind: 'heartbeat',
  priority: 'heartbeat',
  mayCall: ['operator', 'broker'],
  params: memberParams,
  query: nothing,
  body: closed({ memberEpoch: schemas.offset }),
  response: closed({
    isLeader: Type.Boolean(),
    ...leader,
    /** The member is removed when it is not heard for so long; its lease ends before that. */
    sessionTimeoutMs,
  }),
  errors: ['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'GROUP_AUTHORIZATION_FAILED'],
  example: {
    params: { group: memberExample.group, memberId: memberExample.memberId },
    body: { memberEpoch: 70 },
    response: { isLeader: true, ...leaderExample, sessionTimeoutMs: 10_000 },
  },
  handle: (image, { params, body }, context) => {
    const found = findMember(image, { ...params, ...body }, context);
    if (!found.ok) return found;
    const row = found.value;
    const present = presentLeader(image.group.groups.get(row.group));
    return ok({
      records: [],
      response: {
        isLeader: present.leaderId === row.memberId,
        ...present,
        sessionTimeoutMs: row.sessionTimeoutMs,
      },
      heardMember: membershipOf(row),
      modifiedOffset: offset(row.lastModified),
    });
  },
});

export const leaveGroup = defineOperation({
  operationId: 'leaveGroup',
  method: 'POST',
  path: '/groups/{group}/members/{memberId}/leave',
  summary: 'Leave a group. Whoever asks has stopped leading: where the member led, another leads at once.',
  kind: 'write',
  priority: 'heartbeat',
  mayCall: ['operator', 'broker'],
  params: memberParams,
  query: nothing,
  body: closed({ memberEpoch: schemas.offset }),
  response: closed({ group: Type.String(), memberId: schemas.uuid, memberEpoch: schemas.offset }),
  errors: ['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'GROUP_AUTHORIZATION_FAILED'],
  example: {
    params: { group: memberExample.group, memberId: memberExample.memberId },
    body: { memberEpoch: 70 },
    response: memberExample,
  },
  handle: (image, { params, body }, context) => {
    const found = findMember(image, { ...params, ...body }, context);
    if (!found.ok) return found;
    const { group, memberId, memberEpoch, lastModified } = found.value;
    const records = removal(image, group, [found.value], context.nextOffset);
    if (records.length > 1) coverageMark('group: a leader leaves, and another leads');
    return ok({
      records,
      response: { group, memberId, memberEpoch },
      forgottenMember: memberEpoch,
      modifiedOffset: offset(lastModified),
    });
  },
});

function membershipOf({
  group,
  memberId,
  memberEpoch,
  sessionTimeoutMs: timeoutMs,
}: Omit<JoinGroupRecord, 'type'>) {
  return { group, memberId, memberEpoch, sessionTimeoutMs: timeoutMs };
}

/** Between two batches a group that has members has a leader (invariant 2). */
function presentLeader(group: Pick<GroupRow, 'leaderId' | 'leaderEpoch'> | null): {
  readonly leaderId: Uuid;
  readonly leaderEpoch: number;
} {
  const leaderId = group?.leaderId ?? null;
  assert(group !== null, 'a group that has members is there');
  assert(leaderId !== null, 'a group that has members has a leader');
  return { leaderId, leaderEpoch: group.leaderEpoch };
}
