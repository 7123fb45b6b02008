import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an election from the ELR does not look whether a reassignment has waited for the one who is elected',
  source: 'src/metadata/resources/reassignment/README.md, invariant 3',
  host: 'node',
  workload: 'brokers',
  mark: 'ELR: one of it is elected',
  patches: [
    {
      file: 'src/metadata/resources/topic/membership.ts',
      find: '  return membershipChange(before, inOnlyDirectories(complete(led(before, rules), rules), standing));',
      replace: '  return membershipChange(before, inOnlyDirectories(led(before, rules), standing));',
    },
  ],
};
