import { describe, expect, it } from 'vitest';
import { AtomicScene } from './support/atomic-scene.ts';

const topicsMax = 10_000;

function scene(): AtomicScene {
  return new AtomicScene(topicsMax, ({ topic }) => `${topic.byName.size} topics`);
}

const names = Array.from({ length: topicsMax }, (_, at) => `t-${at}`);
const creation = {
  body: {
    operations: names.map((name) => ({ operationId: 'createTopic', body: { name, replicationFactor: 1 } })),
  },
};
const deletion = {
  body: { operations: names.map((topic) => ({ operationId: 'deleteTopic', params: { topic } })) },
};

describe('ten thousand operations in one transaction', () => {
  it('create all topics or none to everybody who looks, though the leader fails within', () => {
    const looked = scene();
    looked.writeAcrossFailover('executeTransaction', creation, topicsMax);
    expect([...looked.seen].toSorted()).toEqual(['0 topics', '10000 topics']);
  });

  it('delete all topics or none to everybody who looks, though the leader fails within', () => {
    const looked = scene();
    looked.write('executeTransaction', creation);
    looked.writeAcrossFailover('executeTransaction', deletion, topicsMax / 2);
    expect([...looked.seen].toSorted()).toEqual(['0 topics', '10000 topics']);
  });
});
