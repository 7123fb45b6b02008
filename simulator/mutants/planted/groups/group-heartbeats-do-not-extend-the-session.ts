import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the heartbeats of a member of a group do not extend its session',
  source: 'design 13: a session counts from the last heartbeat',
  host: 'node',
  workload: 'groups',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/sessions/group-sessions.ts',
      find: '    this.#sessions.set(memberEpoch, { membership, sessionTimeoutMs, lastHeardMs: nowMs });',
      replace: `    const lastHeardMs = this.#sessions.get(memberEpoch)?.lastHeardMs ?? nowMs;
    this.#sessions.set(memberEpoch, { membership, sessionTimeoutMs, lastHeardMs });`,
    },
  ],
};
