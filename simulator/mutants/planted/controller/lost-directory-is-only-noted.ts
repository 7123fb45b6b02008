import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a directory goes offline, and the leaders that are there lead on',
  source: 'KIP-858: handleDirectoriesOffline',
  host: 'node',
  workload: 'brokers',
  mark: 'broker: a log directory goes offline',
  patches: [
    {
      file: 'src/metadata/resources/broker/lost-directories.ts',
      find: `  const records = [registrationChange(row, { logDirs: left }), ...changes];`,
      replace: `  const records = [registrationChange(row, { logDirs: left }), ...changes.slice(changes.length)];`,
    },
  ],
};
