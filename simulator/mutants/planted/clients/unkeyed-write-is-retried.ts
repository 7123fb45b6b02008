import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the client sends a write without a key again',
  source: 'jetcd 1444; Jepsen, jetcd 0.8.2 (2024): the client retries requests that are not idempotent',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/core/call-core.ts',
      find: `      return { type: 'unknown', reason, problem };
    }
    if (repeat === 'keyed')`,
      replace: `    }
    if (repeat === 'keyed')`,
    },
  ],
};
