import { exampleIds } from '../../example-ids.ts';

/** A topic and one of its partitions as answers show them; for the documents of the operations. */
export const topicExample = {
  name: 'orders',
  topicId: exampleIds.topic,
  partitionCount: 6,
  replicationFactor: 3,
  lastModified: 40,
} as const;

export const partitionExample = {
  topicId: topicExample.topicId,
  partition: 0,
  leader: 1,
  leaderEpoch: 3,
  partitionEpoch: 5,
  leaderRecoveryState: 0,
  replicas: [1, 2, 3],
  isr: [1, 2, 3],
  addingReplicas: [],
  removingReplicas: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  directories: [],
  lastModified: 47,
};
