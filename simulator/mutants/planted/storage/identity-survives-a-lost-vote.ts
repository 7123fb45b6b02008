import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a node whose quorum state is lost keeps its directory id',
  source: 'KIP-853; Protocol-Aware Recovery (FAST 18); design 19',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/start/identity.ts',
      find: `  const directoryId = randomUuid(ports.random);
  if (properties === null`,
      replace: `  const directoryId = properties?.directoryId ?? randomUuid(ports.random);
  if (properties === null`,
    },
    {
      file: 'src/runtime/start/identity.ts',
      find: '  if (identity.quorumState.epoch >= storage.lastEpoch) return false;',
      replace: '  if (identity.quorumState.epoch <= storage.lastEpoch) return false;',
    },
  ],
};
