import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker counts its lease from the arrival of the acknowledgement',
  source: 'Gray and Cheriton 1989: the term counts from when it was asked for; design 13',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/client/broker-core.ts',
      find: '    else this.#unfencedByController(sentAtMs + leaseDurationMs(sessionTimeoutMs), nowMs);',
      replace: '    else this.#unfencedByController(nowMs + leaseDurationMs(sessionTimeoutMs), nowMs);',
    },
  ],
};
