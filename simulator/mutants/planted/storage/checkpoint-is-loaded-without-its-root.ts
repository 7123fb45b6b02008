import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a checkpoint is loaded without a look at its root',
  source: 'camunda 4345 and 4346: what belongs to a snapshot is not verified; design 18',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/codec/image-loader.ts',
      find: '      if (found !== expectedRoot) return malformed(`the pages have the root ${found}, not ${expectedRoot}`);',
      replace: `      if (found === '') return malformed(\`the pages have the root \${found}, not \${expectedRoot}\`);`,
    },
  ],
};
