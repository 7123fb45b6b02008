import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a heartbeat does not extend its broker’s session',
  source: 'design 13: a session counts from the last heartbeat; atomix 35',
  host: 'node',
  workload: 'brokers',
  mark: 'completeReadBarrier',
  patches: [
    {
      file: 'src/runtime/sessions/broker-sessions.ts',
      find: '    this.#sessions.set(broker, { lastHeardMs: nowMs, metadataOffset, isReported: false, isLive: true });',
      replace: `    const lastHeardMs = this.#sessions.get(broker)?.lastHeardMs ?? nowMs;
    this.#sessions.set(broker, { lastHeardMs, metadataOffset, isReported: false, isLive: true });`,
    },
  ],
};
