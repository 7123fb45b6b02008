import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader counts its own log before it is flushed',
  source: 'etcd 14370, of brokers; protocols 1',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: '  let least = state.flushedOffset;',
      replace: '  let least = state.logEndOffset;',
    },
  ],
};
