import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker believes itself unfenced for longer than its session lasts',
  source: 'design 13: a session timeout less drift and margin; Gray and Cheriton 1989',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/broker-core.ts',
      find: '  return Math.floor((sessionTimeoutMs * (1_000 - driftPerMille - marginPerMille)) / 1_000);',
      replace:
        '  return Math.floor((sessionTimeoutMs * (1_000 + driftPerMille + marginPerMille)) / 1_000) * 2;',
    },
  ],
};
