import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the client sends again under a new session what may have been executed under the old one',
  source: 'RIFL (Lee and others 2015), 3.4: a client whose lease expired cannot know',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/core/call-core.ts',
      find: `      return { type: 'unknown', reason: problem.detail, problem };
    }
    // Without`,
      replace: `    }
    // Without`,
    },
  ],
};
