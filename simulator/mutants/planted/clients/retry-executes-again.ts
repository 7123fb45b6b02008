import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a request under a known key is executed again',
  source: 'RIFL (Lee and others 2015); Raft paper, 8; etcd 18424',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/session/answers.ts',
      find: `  if (recorded !== null) return recall(recorded, requestHash);
  const forgetBelow`,
      replace: '  const forgetBelow',
    },
  ],
};
