import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that its own proposal removes forgets that it was taken',
  source: 'KIP-497: the maximal ISR counts until the metadata shows what became of it',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: the leader is removed',
  patches: [
    {
      file: 'src/replica/isr.ts',
      find: `  'NEW_LEADER_ELECTED',\n`,
      replace: '',
    },
  ],
};
