import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a torn tail is taken for corruption',
  source: 'Protocol-Aware Recovery (FAST 18): a crash is not a corruption; design 19',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/scan-segment.ts',
      find: '  const blankSectorIn = hasBlankSector(frame.value) ? position + length : null;',
      replace:
        '  const blankSectorIn = hasBlankSector(frame.value) && length === 0 ? position + length : null;',
    },
  ],
};
