import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader without a lease goes on showing records',
  source: 'Gray and Cheriton 1989, leases; design 13',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/replica.ts',
      find: `    if (role.name !== 'leader' || !mayAct(this.#state, role)) return null;`,
      replace: `    if (role.name !== 'leader' || !mayAct({ ...this.#state, holdsLease: true }, role)) return null;`,
    },
  ],
};
