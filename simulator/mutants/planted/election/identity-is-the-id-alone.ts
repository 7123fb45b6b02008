import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica is known by its id, whatever disk it stands on',
  source: 'KIP-853: data loss when a disk is replaced; TigerBeetle and etcd on wiped members',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/replica-key.ts',
      find: 'return left.id === right.id && left.directoryId === right.directoryId;',
      replace: 'return left.id === right.id;',
    },
  ],
};
