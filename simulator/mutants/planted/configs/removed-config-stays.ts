import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a config that is deleted keeps its value',
  source: 'Kafka, ConfigurationControlManager.replay: a null value removes; KIP-339',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/config/resource.ts',
      find: '  const configs = withEntry(before?.configs ?? [], name, value);',
      replace: `  const entries = before?.configs ?? [];
  const configs = value === null ? [...entries] : withEntry(entries, name, value);`,
    },
  ],
};
