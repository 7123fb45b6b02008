import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a new leader begins with broker sessions that are over',
  source: 'design 13: a fresh session for each when the leader becomes active; atomix 35',
  host: 'node',
  workload: 'brokers',
  mark: 'role leader',
  patches: [
    {
      file: 'src/runtime/sessions/broker-sessions.ts',
      find: `        lastHeardMs: nowMs,
        metadataOffset: null,`,
      replace: `        lastHeardMs: 0,
        metadataOffset: null,`,
    },
  ],
};
