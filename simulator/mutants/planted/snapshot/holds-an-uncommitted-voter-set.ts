import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a snapshot holds a voter set that may still be truncated',
  source: 'KIP-853 and KIP-630: a snapshot holds what is committed, its voters included',
  host: 'node',
  workload: 'voter changes',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: '    if (currentVoterSet.offset >= image.endOffset) return null;\n',
      replace: '',
    },
  ],
};
