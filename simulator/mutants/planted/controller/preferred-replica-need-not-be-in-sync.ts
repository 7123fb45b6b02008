import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'leadership is given back to a preferred replica that is not in sync',
  source: 'KIP-966: LeaderCandidateCompleteness; kraft.md, preferred elections',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/election/elect.ts',
      find: '    const isEligible = standingIn(this.#standing, row).isActive(preferred) && row.isr.includes(preferred);',
      replace: '    const isEligible = standingIn(this.#standing, row).isActive(preferred);',
    },
  ],
};
