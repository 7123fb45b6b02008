import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a torn frame is gone when it can be read no more',
  source: 'Rebello and others (ATC 20): pages marked clean after a failed fsync; design 17',
  host: 'bare',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/open-raft-log.ts',
      find: '  const remainsEnd = scan.torn === null ? writePosition + frameBytesMax : header.sizeBytes;',
      replace: '  const remainsEnd = scan.torn === null ? writePosition : header.sizeBytes;',
    },
  ],
};
