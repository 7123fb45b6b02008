import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a member of a group counts its lease from the arrival of the acknowledgement',
  source: 'Gray and Cheriton 1989: the term counts from when it was asked for; design 13',
  host: 'node',
  workload: 'groups',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/group-member-core.ts',
      find: '    const untilMs = sentAtMs + leaseDurationMs(sessionTimeoutMs);',
      replace: '    const untilMs = nowMs + leaseDurationMs(sessionTimeoutMs);',
    },
  ],
};
