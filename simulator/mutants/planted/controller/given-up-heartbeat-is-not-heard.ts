import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a heartbeat whose sender has given up waiting is not heard',
  source: 'design 13: queued heartbeats are processed before any expiry; found in our own code',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: '    return !pending.reply.isSettled || pending.awaitsBarrier;',
      replace: '    return !pending.reply.isSettled;',
    },
  ],
};
