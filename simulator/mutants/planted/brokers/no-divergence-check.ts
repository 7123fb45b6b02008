import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader takes a follower at its word, whatever epoch its log ends in',
  source: 'KIP-320, KAFKA-6880: lastFetchedEpoch; Raft paper, 5.3',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: '  if (!isEmpty && (own.epoch !== lastFetchedEpoch || own.endOffset < fetchOffset)) {',
      replace: '  if (!isEmpty && state.logEndOffset < fetchOffset) {',
    },
  ],
};
