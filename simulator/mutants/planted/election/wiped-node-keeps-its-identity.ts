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
      replace: `  const directoryId = randomUuid(seededRandom(nodeId));
  if (properties === null && opened.state === null) yield* persistFirst`,
    },
    {
      file: 'src/runtime/start/identity.ts',
      find: `import { randomUuid } from '../../base/uuid.ts';`,
      replace: `import { seededRandom } from '../../base/random.ts';
import { randomUuid } from '../../base/uuid.ts';`,
    },
  ],
};
