import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a follower does not learn which batches of producers it has taken in',
  source: 'KIP-98: producer state follows from the log; protocols 2',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: '    for (const batch of produced) state.producers.append(batch, state.highWatermark);',
      replace:
        '    for (const batch of produced.slice(0, 0)) state.producers.append(batch, state.highWatermark);',
    },
  ],
};
