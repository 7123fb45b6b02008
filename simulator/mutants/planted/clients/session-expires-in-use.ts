import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a session expires a while after it was opened, though it is used',
  source: 'atomix 35: client sessions are closed too soon; RIFL (Lee and others 2015), leases',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/session/resource.ts',
      find: '    lastUsedMs: Math.max(session.lastUsedMs, position.timestampMs),',
      replace: '    lastUsedMs: session.lastUsedMs,',
    },
  ],
};
