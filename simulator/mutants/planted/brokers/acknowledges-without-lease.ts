import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader without a lease goes on acknowledging',
  source: 'Gray and Cheriton 1989, leases; design 13',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: '  if (view === null || !mayAct(state, role) || view.isr.length < view.minIsr) return;',
      replace:
        '  if (view === null || !isOwnLeadership(state, role) || view.isr.length < view.minIsr) return;',
    },
  ],
};
