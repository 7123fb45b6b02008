import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a snapshot leaves out the sessions of clients',
  source: 'atomix 418: sessions not restored from a snapshot',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/codec/image-pages.ts',
      find: 'for (const table of tables) yield* tablePages(image, since, table, root);',
      replace:
        'for (const table of tables) if (!isOfSessions(table)) yield* tablePages(image, since, table, root);',
    },
    {
      file: 'src/codec/image-pages.ts',
      find: '/** Pages that did not change are looked at so many at a time. */',
      replace: `const isOfSessions = ({ resource }: RegisteredTable): boolean => resource.name === 'session';

/** Pages that did not change are looked at so many at a time. */`,
    },
  ],
};
