import { assert } from '../../../base/assert.ts';
import type { Uuid } from '../../../base/brands.ts';
import { type Comparer, compareStrings } from '../../../base/compare.ts';
import { KeyedTable, type KeyedTableDraft } from '../../../base/keyed-table.ts';
import { defineKind, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
import { int64, nullable, string, type StructOf, uuidType } from '../../schema.ts';
import {
  type GroupLeaderRecord,
  groupLeaderRecord,
  groupNameLengthMax,
  type JoinGroupRecord,
  joinGroupRecord,
  type LeaveGroupRecord,
  leaveGroupRecord,
} from './records.ts';

const memberFields = { ...joinGroupRecord.fields, lastModified: int64 };
const groupFields = {
  group: string(groupNameLengthMax),
  leaderId: nullable(uuidType),
  leaderEpoch: int64,
  /** Of the last record of the group or of any of its members. */
  lastModified: int64,
};

/** One life of one process in a group; see the README for the invariants. */
export type GroupMemberRow = StructOf<typeof memberFields>;
/** A group that has members. */
export type GroupRow = StructOf<typeof groupFields>;
export type MemberKey = { readonly group: string; readonly memberId: string };

export type GroupState = {
  readonly groups: KeyedTable<string, GroupRow>;
  readonly members: KeyedTable<MemberKey, GroupMemberRow>;
};
export type GroupDraft = {
  readonly groups: KeyedTableDraft<string, GroupRow>;
  readonly members: KeyedTableDraft<MemberKey, GroupMemberRow>;
};

type GroupRecord = JoinGroupRecord | LeaveGroupRecord | GroupLeaderRecord;

const compareMembers: Comparer<MemberKey> = (left, right) =>
  compareStrings(left.group, right.group) || compareStrings(left.memberId, right.memberId);

export const resource = defineKind<
  'group',
  readonly [typeof joinGroupRecord, typeof leaveGroupRecord, typeof groupLeaderRecord],
  GroupState,
  GroupDraft
>({
  name: 'group',
  records: [joinGroupRecord, leaveGroupRecord, groupLeaderRecord],
  empty: () =>
    Object.freeze({
      groups: KeyedTable.empty<string, GroupRow>(compareStrings),
      members: KeyedTable.empty<MemberKey, GroupMemberRow>(compareMembers),
    }),
  edit: (state, token) => ({ groups: state.groups.edit(token), members: state.members.edit(token) }),
  freeze: (draft) => Object.freeze({ groups: draft.groups.freeze(), members: draft.members.freeze() }),
  replay: {
    JoinGroupRecord: replayJoin,
    LeaveGroupRecord: replayLeave,
    GroupLeaderRecord: replayLeader,
  },
  tables: [
    {
      kind: 'rows',
      id: 11,
      name: 'group',
      fields: groupFields,
      table: (state) => state.groups.rows,
      load: (draft, slot, row: GroupRow) => draft.groups.place(slot, row.group, row),
    },
    {
      kind: 'rows',
      id: 12,
      name: 'groupMember',
      fields: memberFields,
      table: (state) => state.members.rows,
      load: (draft, slot, row: GroupMemberRow) => draft.members.place(slot, row, row),
    },
  ],
  toRecords,
});

/** The members of a group, by id. */
export function membersOf(members: GroupState['members'], group: string): Iterable<GroupMemberRow> {
  return membersAfter(members, group, null);
}

/** Those of its members that stand behind an id. */
export function* membersAfter(
  members: GroupState['members'],
  group: string,
  memberId: string | null,
): Generator<GroupMemberRow, void, undefined> {
  const rows = memberId === null ? members.values(firstOf(group)) : members.valuesAfter({ group, memberId });
  for (const row of rows) {
    if (row.group !== group) return;
    yield row;
  }
}

/** Below the key of every member: no id is empty. */
function firstOf(group: string): MemberKey {
  return { group, memberId: '' };
}

function replayJoin(draft: GroupDraft, record: JoinGroupRecord, { offset }: Position): void {
  const { type: _type, ...fields } = record;
  const before = draft.members.get(record);
  const amends = before === null || before.memberEpoch === record.memberEpoch;
  assert(amends, `member ${record.memberId} of ${record.group} joins twice`);
  draft.members.set(keyOf(record), { ...fields, lastModified: offset });
  const group = draft.groups.get(record.group);
  const unled = { group: record.group, leaderId: null, leaderEpoch: -1 };
  draft.groups.set(record.group, { ...(group ?? unled), lastModified: offset });
}

function replayLeave(draft: GroupDraft, record: LeaveGroupRecord, { offset }: Position): void {
  const { group, memberId, memberEpoch } = record;
  const row = draft.members.get(record);
  assert(row !== null, `member ${memberId} leaves ${group} and is not in it`);
  assert(row.memberEpoch === memberEpoch, `member ${memberId} leaves ${group} at another epoch`);
  draft.members.delete(record);
  const before = groupOf(draft, group);
  if (draft.members.firstFrom(firstOf(group))?.group !== group) draft.groups.delete(group);
  else {
    const leaderId = before.leaderId === memberId ? null : before.leaderId;
    draft.groups.set(group, { ...before, leaderId, lastModified: offset });
  }
}

function replayLeader(draft: GroupDraft, record: GroupLeaderRecord, { offset }: Position): void {
  const { group, leaderId, leaderEpoch } = record;
  groupOf(draft, group);
  if (leaderId !== null) {
    const isMember = draft.members.get({ group, memberId: leaderId }) !== null;
    assert(isMember, `${leaderId} leads ${group} and is not in it`);
  }
  draft.groups.set(group, { group, leaderId, leaderEpoch, lastModified: offset });
}

function groupOf(draft: GroupDraft, group: string): GroupRow {
  const row = draft.groups.get(group);
  assert(row !== null, `group ${group} has members or a leader and is not there`);
  return row;
}

function keyOf({ group, memberId }: { readonly group: string; readonly memberId: Uuid }): MemberKey {
  return { group, memberId };
}

function* toRecords(state: GroupState): Iterable<PositionedRecord<GroupRecord>> {
  for (const { group, leaderId, leaderEpoch, lastModified } of state.groups.values()) {
    for (const { lastModified: joinedOrAmended, ...fields } of membersOf(state.members, group)) {
      const record: JoinGroupRecord = { type: 'JoinGroupRecord', ...fields };
      yield { record, position: rowPosition(joinedOrAmended) };
    }
    // Last of its group, whose own row it gives its place.
    const record: GroupLeaderRecord = { type: 'GroupLeaderRecord', group, leaderId, leaderEpoch };
    yield { record, position: rowPosition(lastModified) };
  }
}
