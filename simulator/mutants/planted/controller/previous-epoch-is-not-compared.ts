import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker that lost its disk stays in ISRs and ELRs',
  source: 'KAFKA-15586; KIP-966: unclean shutdown; protocols 3',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/registration.ts',
      find: `  const vouches = before !== null && body.previousBrokerEpoch === before.brokerEpoch;`,
      replace: `  const vouches = before !== null;`,
    },
  ],
};
