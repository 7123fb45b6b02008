import { describe, expect, it } from 'vitest';
import { TestCluster } from './cluster.ts';

describe('blocks of producer ids', () => {
  it('follow each other, whoever takes them', () => {
    const cluster = new TestCluster();
    const epochs = [1, 2].map((brokerId) => cluster.register(brokerId));
    const take = (at: number) =>
      cluster.ok('allocateProducerIds', { body: { brokerId: at + 1, brokerEpoch: epochs[at] } });
    expect(take(0)).toEqual({ producerIdStart: 0, producerIdLength: 1_000 });
    expect(take(1)).toEqual({ producerIdStart: 1_000, producerIdLength: 1_000 });
    expect(take(0)).toEqual({ producerIdStart: 2_000, producerIdLength: 1_000 });
    expect(cluster.ok('describeProducerIds', {})).toEqual({
      nextProducerId: 3_000,
      brokerId: 1,
      brokerEpoch: epochs[0],
      lastModified: cluster.image.endOffset - 1,
    });
  });

  it('begin with 0, and before the first nobody has any', () => {
    const nobody = { nextProducerId: 0, brokerId: null, brokerEpoch: null, lastModified: null };
    expect(new TestCluster().ok('describeProducerIds', {})).toEqual(nobody);
  });

  it('are for the present registration of a broker alone', () => {
    const cluster = new TestCluster();
    const brokerEpoch = cluster.register(1);
    const code = (body: object) => cluster.code('allocateProducerIds', { body });
    expect(code({ brokerId: 2, brokerEpoch: 1 })).toBe('BROKER_ID_NOT_REGISTERED');
    expect(code({ brokerId: 1, brokerEpoch: brokerEpoch - 1 })).toBe('STALE_BROKER_EPOCH');
  });
});
