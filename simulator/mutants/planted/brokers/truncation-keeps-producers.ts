import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'what was cut off a log counts as produced still',
  source: 'KIP-98: producer state truncates with the log; protocols 2',
  host: 'node',
  workload: 'brokers',
  mark: 'replica: truncates',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: '  state.producers.truncate(to);',
      replace: '  state.producers.truncate(Math.max(to, Number.MAX_SAFE_INTEGER));',
    },
  ],
};
