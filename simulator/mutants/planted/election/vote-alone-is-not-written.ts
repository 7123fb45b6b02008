import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a vote within the epoch that is on disk is not written',
  source: 'Raft paper, Figure 2: votedFor is persistent state; etcd, MustSync compares the vote, too',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-store.ts',
      find: `    this.#state = state;
    this.#waiting = { ioId, state };`,
      replace: `    const isKnown = this.#state !== null && this.#state.epoch === state.epoch && this.#handles !== null;
    this.#state = state;
    if (isKnown && !this.#isWriting) {
      this.#options.events.onPersisted(ioId);
      return;
    }
    this.#waiting = { ioId, state };`,
    },
  ],
};
