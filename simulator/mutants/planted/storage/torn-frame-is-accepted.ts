import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a frame of which a sector was never written is taken for whole',
  source: 'Alice (Pillai and others, OSDI 14): atomicity of multi-sector appends; design 17',
  host: 'bare',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/frame.ts',
      find: '    if (frame[at] !== continuationGuard)',
      replace: '    if (frame[at] !== continuationGuard && frame[at] !== 0)',
    },
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
