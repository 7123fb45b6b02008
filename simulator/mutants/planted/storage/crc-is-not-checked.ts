import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log is read without a look at any CRC',
  source: 'Protocol-Aware Recovery (FAST 18): ignoring corruption; Ganesan and others (FAST 17)',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/frame.ts',
      find: `  if (crcOf(body) !== header.bodyCrc) return failed('a frame body fails its CRC');`,
      replace: `  if (header.bodyCrc < 0) return failed('a frame body fails its CRC');`,
    },
    {
      file: 'src/codec/batch.ts',
      find: '  if (ownCrc(whole) !== header.crc)',
      replace: '  if (header.crc < 0)',
    },
  ],
};
