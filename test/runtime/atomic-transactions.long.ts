import { describe, expect, it } from 'vitest';
import { partitionCount, topicByName } from '../../src/metadata/resources/topic/state.ts';
import { limits } from '../../src/metadata/limits.ts';
import { AtomicScene } from './support/atomic-scene.ts';

const topics = ['one', 'two', 'three'];
const partitions = limits.partitionsPerTopicMax;

describe('topics of a hundred thousand partitions each', () => {
  it('come and go together to everybody who looks, though the leader fails within', () => {
    const looked = new AtomicScene(topics.length, ({ topic }) => {
      const rows = topics.map((name) => topicByName(topic, name));
      return rows.map((row) => (row === null ? 0 : partitionCount(topic, row.topicId))).join(' ');
    });
    const creation = topics.map((name) => ({
      operationId: 'createTopic',
      body: { name, partitions, replicationFactor: 1 },
    }));
    const deletion = topics.map((topic) => ({ operationId: 'deleteTopic', params: { topic } }));
    const [created, deleted] = [creation, deletion].map((operations) => ({ body: { operations } }));
    looked.writeAcrossFailover('executeTransaction', created ?? {}, partitions);
    looked.writeAcrossFailover(
      'executeTransaction',
      deleted ?? {},
      partitions / limits.partitionsPerRemovalMax,
    );
    const all = topics.map(() => partitions).join(' ');
    expect([...looked.seen].toSorted()).toEqual(['0 0 0', all]);
  });
});
