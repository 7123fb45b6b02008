import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader is elected uncleanly whatever the policy says',
  source: 'KIP-106: unclean.leader.election.enable',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: `rules.policy.allowsUncleanElection ? electUncleanly(before, rules) : null;`,
      replace: `rules.policy.allowsUncleanElection || before.isr.length > 0 ? electUncleanly(before, rules) : null;`,
    },
  ],
};
