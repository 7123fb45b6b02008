import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a quorum state is used without a look at its CRC',
  source: 'Protocol-Aware Recovery (FAST 18): metainfo is checked and kept twice; design 19',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/codec/quorum-state.ts',
      find: `  if (view.getUint32(crcPosition) !== crc) return malformed('a quorum state fails its CRC');`,
      replace: `  if (crc < 0) return malformed('a quorum state fails its CRC');`,
    },
  ],
};
