import { Type } from 'typebox';
import { isUuid, offset } from '../../../base/brands.ts';
import {
  answer,
  closed,
  defineOperation,
  nothing,
  pageQuery,
  refuse,
  schemas,
  takePage,
  unknownToken,
} from '../../define-operation.ts';
import { everyRole } from '../../roles.ts';
import { heartbeatGroupMember, joinGroup, leaveGroup } from './membership.ts';
import { type GroupMemberRow, type GroupRow, membersAfter } from './resource.ts';
import { groupParams, leaderExample, leaderOf, memberExample } from './schemas.ts';

const groupResponse = closed({
  group: Type.String(),
  /** Whose lease may run; null for nobody, which no answer shows between two changes. */
  leaderId: Type.Union([schemas.uuid, Type.Null()]),
  leaderEpoch: Type.Union([schemas.offset, Type.Null()]),
  /** Of the group or of any of its members. */
  lastModified: schemas.offset,
});

const groupExample = { group: memberExample.group, ...leaderExample, lastModified: 71 } as const;

export const listGroups = defineOperation({
  operationId: 'listGroups',
  method: 'GET',
  path: '/groups',
  summary: 'Groups that have members, by name, each with its leader.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({ groups: Type.Array(groupResponse), continue: schemas.nextToken }),
  errors: [],
  example: { query: { limit: 100 }, response: { groups: [groupExample], continue: null } },
  handle: (image, { query }) => {
    const { groups } = image.group;
    const after = query.continue;
    const page = takePage(after === undefined ? groups.values() : groups.valuesAfter(after), query, nameOf);
    return answer({ groups: page.rows.map(viewOf), continue: page.continue });
  },
});

export const describeGroup = defineOperation({
  operationId: 'describeGroup',
  method: 'GET',
  path: '/groups/{group}',
  summary: 'One group, and who leads it.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: groupParams,
  query: nothing,
  body: nothing,
  response: groupResponse,
  errors: ['GROUP_ID_NOT_FOUND'],
  example: { params: { group: groupExample.group }, response: groupExample },
  handle: (image, { params }) => {
    const row = image.group.groups.get(params.group);
    return row === null ? notFound(params.group) : answer(viewOf(row), offset(row.lastModified));
  },
});

const memberResponse = closed({
  memberId: schemas.uuid,
  memberEpoch: schemas.offset,
  isLeader: Type.Boolean(),
  sessionTimeoutMs: Type.Integer({ minimum: 0 }),
  metadata: Type.String(),
  lastModified: schemas.offset,
});

export const listGroupMembers = defineOperation({
  operationId: 'listGroupMembers',
  method: 'GET',
  path: '/groups/{group}/members',
  summary: 'Members of a group, by id, with what each says of itself.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: groupParams,
  query: pageQuery,
  body: nothing,
  response: closed({ members: Type.Array(memberResponse), continue: schemas.nextToken }),
  errors: ['INVALID_REQUEST', 'GROUP_ID_NOT_FOUND'],
  example: {
    params: { group: memberExample.group },
    query: { limit: 100 },
    response: {
      members: [
        {
          memberId: memberExample.memberId,
          memberEpoch: memberExample.memberEpoch,
          isLeader: true,
          sessionTimeoutMs: 10_000,
          metadata: 'scheduler-1.example:7000',
          lastModified: 70,
        },
      ],
      continue: null,
    },
  },
  handle: (image, { params, query }) => {
    const after = query.continue ?? null;
    if (after !== null && !isUuid(after)) return unknownToken;
    const group = image.group.groups.get(params.group);
    if (group === null) return notFound(params.group);
    const page = takePage(
      membersAfter(image.group.members, group.group, after),
      query,
      (row) => row.memberId,
    );
    return answer({ members: page.rows.map((row) => memberViewOf(group, row)), continue: page.continue });
  },
});

function notFound(group: string): ReturnType<typeof refuse> {
  return refuse('GROUP_ID_NOT_FOUND', `The group ${group} has no members.`);
}

function nameOf({ group }: GroupRow): string {
  return group;
}

function viewOf(row: GroupRow) {
  return { group: row.group, ...leaderOf(row), lastModified: row.lastModified };
}

function memberViewOf({ leaderId }: GroupRow, row: GroupMemberRow) {
  const { memberId, memberEpoch, sessionTimeoutMs, metadata, lastModified } = row;
  return { memberId, memberEpoch, isLeader: memberId === leaderId, sessionTimeoutMs, metadata, lastModified };
}

export const operations = {
  joinGroup,
  heartbeatGroupMember,
  leaveGroup,
  listGroups,
  describeGroup,
  listGroupMembers,
} as const;
