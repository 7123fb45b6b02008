import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a member that leaves the group is elected as its next leader',
  source: 'ZooKeeper recipes, leader election: the next in the queue; the group’s README, invariant 2',
  host: 'node',
  workload: 'groups',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/group/election.ts',
      find: `    if (gone.has(row.memberId)) continue;
`,
      replace: `    if (gone.size > 1 && gone.has(row.memberId)) continue;
`,
    },
  ],
};
