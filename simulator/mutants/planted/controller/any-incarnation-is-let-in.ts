import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an incarnation is let in which knows of some other one that it has ended',
  source: 'KIP-631: DUPLICATE_BROKER_REGISTRATION while the session is alive; protocols 6',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/registration.ts',
      find: `    if (body.previousIncarnationId === before.incarnationId) {`,
      replace: `    if (body.previousIncarnationId !== undefined) {`,
    },
  ],
};
