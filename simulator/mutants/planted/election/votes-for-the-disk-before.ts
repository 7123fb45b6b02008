import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a node on a new disk votes in the name of the one before',
  source: 'KIP-853: requests name the whole key of the voter; KAFKA-16164',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  // KIP-853: the one who is asked stood on another disk; its promises are not this replica's to keep.
  if (!isLocal(core, request.voter)) return;
`,
      replace: '',
    },
    {
      file: 'src/raft/vote.ts',
      find: 'if (!core.voterSets.isVoter(response.voter)) return;',
      replace: 'if (!core.voterSets.voters.some(({ id }) => id === from)) return;',
    },
  ],
};
