import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a registration is accepted while another incarnation is alive',
  source: 'KIP-631: DUPLICATE_BROKER_REGISTRATION while the session is alive',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/registration.ts',
      find: '  if (isOther && !before.inControlledShutdown && context.sessions.isLive(brokerId(body.brokerId))) {',
      replace: '  if (isOther && !before.inControlledShutdown && context.sessions.sessionTimeoutMs < 0) {',
    },
  ],
};
