import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the download of a snapshot goes on under another leader',
  source: 'KIP-630; camunda 10183: a pending snapshot that is not reset',
  host: 'bare',
  workload: 'mixed',
  mark: 'snapshot: another leader ends a download',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: `    coverageMark('snapshot: another leader ends a download');
    core.download = null;
`,
      replace: `    coverageMark('snapshot: another leader ends a download');
`,
    },
  ],
};
