import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the client gives up a call and says that nothing was done',
  source: 'Jepsen, indeterminate operations; design 10: unknown is reported as unknown',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/core/call-core.ts',
      find: `      return { type: 'unknown', reason, problem };
    }
    return problem === null`,
      replace: `      return { type: 'unreachable', reason };
    }
    return problem === null`,
    },
  ],
};
