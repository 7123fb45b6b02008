import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a log that ends below where its leader’s begins is begun anew at 0',
  source: 'Kafka, ReplicaFetcherThread.fetchOffsetAndTruncate',
  host: 'node',
  workload: 'brokers',
  mark: 'replica: begins its log anew',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: 'reset(state, answer.logStartOffset, answer.epochBefore);',
      replace: 'reset(state, 0, noEpoch);',
    },
  ],
};
