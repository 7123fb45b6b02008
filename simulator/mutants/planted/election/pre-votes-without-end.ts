import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever is asked for a pre-vote asks back, whatever it was told',
  source: 'style 9: every retry has a limit; TigerBeetle, message amplification',
  host: 'bare',
  workload: 'mixed',
  mark: 'pre-vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  const at = role.ballot.rejected.indexOf(candidate.id);
  if (at < 0) return;
  role.ballot.rejected.splice(at, 1);
`,
      replace: '',
    },
  ],
};
