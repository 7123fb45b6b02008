import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a checkpoint leaves out the remembered answers of sessions',
  source: 'atomix 418: sessions are not restored from a snapshot; RIFL (Lee and others 2015), 3.3',
  host: 'node',
  workload: 'operators',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/codec/image-pages.ts',
      find: '    for (const table of tables) yield* tablePages(image, since, table, root);',
      replace: `    for (const table of tables) {
      if (table.definition.name !== 'sessionAnswer') yield* tablePages(image, since, table, root);
    }`,
    },
  ],
};
