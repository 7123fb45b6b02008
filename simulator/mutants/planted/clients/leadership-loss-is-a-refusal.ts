import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the loss of leadership counts as the refusal of what was appended',
  source: 'design 10; Jepsen, indeterminate operations',
  host: 'node',
  workload: 'mixed',
  mark: 'role leader',
  patches: [
    {
      file: 'src/runtime/leader/settlements.ts',
      find: '      const fail = (): void => failUnanswered(pending, isUnknown());',
      replace: '      const fail = (): void => failUnanswered(pending, false);',
    },
  ],
};
