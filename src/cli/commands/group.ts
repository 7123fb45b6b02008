import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { duration, renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb } from '../verbs.ts';

type GroupView = Awaited<ReturnType<Client['describeGroup']>>;
type MemberView = Awaited<ReturnType<Client['listGroupMembers']>>['members'][number];

const named = { positional: ['group'], explanations: { group: 'the group’s name' } } as const;

export function addGroupCommands(program: Command, dependencies: CliDependencies): void {
  const group = program
    .command('group')
    .description('Groups of programs of your own, each with one leader at a time.');
  addListVerb(group, dependencies, {
    name: 'list',
    operation: operations.listGroups,
    rows: 'groups',
    page: async (client, query, options) => {
      const { groups, continue: next } = await client.listGroups(query, options);
      return { rows: groups, continue: next };
    },
    columns: groupColumns,
    none: 'No group has members.',
  });
  addVerb(group, dependencies, {
    name: 'describe',
    operation: operations.describeGroup,
    ...named,
    call: (client, input, options) => client.describeGroup(input, options),
    text: describeText,
  });
  addListVerb(group, dependencies, {
    name: 'members',
    operation: operations.listGroupMembers,
    ...named,
    rows: 'members',
    page: async (client, input, options) => {
      const { members, continue: next } = await client.listGroupMembers(input, options);
      return { rows: members, continue: next };
    },
    columns: memberColumns,
    none: 'The group has no members.',
  });
}

const groupColumns: readonly Column<GroupView>[] = [
  { heading: 'GROUP', cell: (row) => row.group },
  { heading: 'LEADER', cell: ({ leaderId }) => leaderId ?? 'none' },
  { heading: 'LEADER EPOCH', cell: ({ leaderEpoch }) => leaderEpoch ?? 'none', align: 'right' },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

const memberColumns: readonly Column<MemberView>[] = [
  { heading: 'MEMBER', cell: (row) => row.memberId },
  { heading: 'MEMBER EPOCH', cell: (row) => row.memberEpoch, align: 'right' },
  { heading: 'LEADS', cell: ({ isLeader }) => (isLeader ? 'yes' : 'no') },
  { heading: 'SESSION', cell: (row) => duration(row.sessionTimeoutMs) },
  { heading: 'SAYS OF ITSELF', cell: (row) => row.metadata },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

function describeText(group: GroupView): string {
  return renderFields([
    ['Group', group.group],
    ['Leader', group.leaderId ?? 'none'],
    ['Leader epoch', group.leaderEpoch ?? 'none'],
    ['Last modified at', group.lastModified],
  ]);
}
