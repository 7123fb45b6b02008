import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a node on a new disk votes in the name of the one before',
  source: 'KIP-853: requests name the whole key of the voter; KAFKA-16164',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (!isLocal(core, request.voter)) {
`,
      replace: `  if (request.voter.id !== core.local.id) {
`,
    },
    {
      file: 'src/raft/vote.ts',
      find: 'if (!core.voterSets.isVoter(response.voter)) return;',
      replace: 'if (!core.voterSets.voters.some(({ id }) => id === from)) return;',
    },
  ],
};
