import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the identity of a directory follows from the id of its node',
  source: 'KIP-853: a directory id is random, so that a wiped disk is a stranger',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/start/identity.ts',
      find: `  const directoryId = randomUuid(ports.random);
  if (properties === null && opened.state === null) yield* persistFirst`,
      replace: `  const directoryId = nodeId.toString(16).padStart(32, '0') as Uuid;
  if (properties === null && opened.state === null) yield* persistFirst`,
    },
  ],
};
