import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a member that leaves leads on until its lease is over',
  source: 'the group’s README, invariant 6: it stops leading before it asks to leave',
  host: 'node',
  workload: 'groups',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/group-member-core.ts',
      find: "        this.#loseLease('it was asked to leave');\n",
      replace: '',
    },
    {
      file: 'src/client/group-member-core.ts',
      find: "    const isMember = this.#state === 'member';",
      replace: "    const isMember = this.#state === 'member' || this.#state === 'leaving';",
    },
  ],
};
