import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a new leader gives the members of groups half a session',
  source: 'design 13: a fresh session for each when the leader becomes active',
  host: 'node',
  workload: 'groups',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/sessions/group-sessions.ts',
      find: '    for (const member of members) this.heard(member, nowMs);',
      replace: '    for (const member of members) this.heard(member, nowMs - member.sessionTimeoutMs / 2);',
    },
  ],
};
