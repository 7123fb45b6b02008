import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch } from '../../src/base/brands.ts';
import {
  BrokerPartitions,
  type BrokerPartition,
  type PartitionChanges,
} from '../../src/client/core/broker-partitions.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { partitionChange } from '../../src/metadata/resources/topic/records.ts';
import type { WatchDelta } from '../../src/runtime/watch/watch-api.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { events, happen } from '../metadata/history.ts';
import { allPartitions } from '../metadata/invariants.ts';

/** What a cluster has written since `from`, as one batch. */
function deltaSince(cluster: TestCluster, from: number): WatchDelta {
  const records = cluster.log.slice(from).map(({ record: { type, ...value }, position }) => ({
    offset: position.offset,
    type,
    value,
  }));
  const baseOffset = cluster.log[from]?.position.offset ?? cluster.image.endOffset;
  const endOffset = cluster.image.endOffset;
  return { kind: 'delta', baseOffset, endOffset, epoch: epoch(1), timestampMs: 1, records };
}

const keyOf = ({ topicId, partition }: BrokerPartition): string => `${topicId} ${partition}`;

/** What a broker knows that hears of changes only. */
class Told {
  readonly partitions = new Map<string, BrokerPartition>();

  take({ assigned, unassigned, leadership, replication }: PartitionChanges): void {
    for (const partition of unassigned) {
      assert(this.partitions.delete(keyOf(partition)), 'what has gone was there');
    }
    for (const partition of assigned) {
      assert(!this.partitions.has(keyOf(partition)), 'what has come was not there');
      assert(leadership.includes(partition), 'of what has come it is told who leads');
    }
    for (const partition of leadership) {
      const before = this.partitions.get(keyOf(partition));
      const isNew = before?.leader !== partition.leader || before.leaderEpoch !== partition.leaderEpoch;
      assert(isNew, 'another leadership is another');
      this.partitions.set(keyOf(partition), partition);
    }
    for (const partition of replication) {
      const before = this.partitions.get(keyOf(partition));
      assert(before?.leaderEpoch === partition.leaderEpoch, 'another leader epoch is told as leadership');
      assert(before.partitionEpoch < partition.partitionEpoch, 'a partition goes forward');
      this.partitions.set(keyOf(partition), partition);
    }
  }
}

function expectedOf(cluster: TestCluster, brokerId: number): BrokerPartition[] {
  const { topic } = cluster.image;
  return allPartitions(cluster.image)
    .filter(({ replicas }) => replicas.includes(brokerId))
    .map(({ topicId, partitionId, leader, leaderEpoch, partitionEpoch, replicas, isr }) => ({
      topic: topic.topics.get(topicId)?.name ?? '',
      topicId,
      partition: partitionId,
      leader,
      isLeader: leader === brokerId,
      leaderEpoch,
      partitionEpoch,
      replicas,
      isr,
    }));
}

function sorted(partitions: Iterable<BrokerPartition>): BrokerPartition[] {
  return [...partitions].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
}

describe('the partitions of a broker', () => {
  it('are those of the image after every batch, and so is what the changes alone have told', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 3 }), (history, brokerId) => {
        const cluster = new TestCluster();
        cluster.start(1, 2, 3);
        const followed = new BrokerPartitions(brokerId);
        const told = new Told();
        told.take(followed.takeState(cluster.image));
        for (const event of history) {
          const from = cluster.log.length;
          happen(cluster, event);
          // As where the log has lost the place of the watch: the state comes in the place of what was missed.
          if (event.kind === 'failOver') told.take(followed.takeState(cluster.image));
          else told.take(followed.takeDelta(cluster.image, deltaSince(cluster, from)));
          const expected = sorted(expectedOf(cluster, brokerId));
          expect(sorted(followed.partitions)).toEqual(expected);
          expect(sorted(told.partitions.values())).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('tell apart who leads now, who is in sync now, and what has come and gone', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    const followed = new BrokerPartitions(2);
    followed.takeState(cluster.image);
    const next = (run: () => void): PartitionChanges => {
      const from = cluster.log.length;
      run();
      return followed.takeDelta(cluster.image, deltaSince(cluster, from));
    };
    const created = next(() =>
      cluster.ok('createTopic', { body: { name: 'orders', assignments: [[1, 2]] } }),
    );
    const other = next(() => cluster.ok('createTopic', { body: { name: 'bills', assignments: [[1]] } }));
    expect(other).toEqual({ assigned: [], unassigned: [], leadership: [], replication: [] });
    expect(created.assigned).toEqual([expect.objectContaining({ partition: 0, leader: 1, isLeader: false })]);
    expect(created.leadership).toEqual(created.assigned);
    const fenced = next(() => cluster.heartbeat(1, { wantFence: true }));
    expect(fenced.leadership).toEqual([expect.objectContaining({ leader: 2, isLeader: true, isr: [2] })]);
    cluster.heartbeat(1);
    const [led] = fenced.leadership;
    const epochOf = (id: number) => cluster.image.broker.brokers.get(id)?.brokerEpoch;
    const { topicId, partition, leaderEpoch, partitionEpoch } = led ?? {};
    const newIsr = [2, 1].map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) }));
    const proposal = { topicId, partition, leaderEpoch, partitionEpoch, newIsr };
    const grown = next(() =>
      cluster.ok('alterPartition', {
        body: { brokerId: 2, brokerEpoch: epochOf(2), partitions: [proposal] },
      }),
    );
    expect(grown).toMatchObject({ leadership: [], replication: [{ partition: 0 }] });
    const deleted = next(() => cluster.ok('deleteTopic', { params: { topic: 'orders' } }));
    expect(deleted.unassigned).toEqual([expect.objectContaining({ topic: 'orders', partition: 0 })]);
    expect(followed.partitions).toEqual([]);
  });

  it('go with a large topic, whose partitions are taken out before it', () => {
    const cluster = new TestCluster(builtInRegistry, 2);
    cluster.ok('registerBroker', { body: { ...cluster.registration(1), features: supportedFeatures } });
    cluster.heartbeat(1);
    cluster.ok('createTopic', { body: { name: 'large', partitions: 200 } });
    cluster.ok('createTopic', { body: { name: 'other', partitions: 2 } });
    const known = new BrokerPartitions(1);
    known.takeState(cluster.image);
    cluster.recordsPerStepMax = 10;
    const from = cluster.log.length;
    cluster.ok('deleteTopic', { params: { topic: 'large' } });
    const delta = deltaSince(cluster, from);
    const inParts = delta.records.filter(({ type }) => type === 'RemovePartitionsRecord');
    expect(inParts.length).toBeGreaterThan(2);
    // Before its last part, which an image of its own may show to who applies each as it comes.
    const until = new TestCluster(builtInRegistry, 2);
    for (const { record } of cluster.log.slice(until.log.length, -1)) until.append([record]);
    const withoutLast = { ...delta, records: delta.records.slice(0, -1) };
    expect(known.takeDelta(until.image, withoutLast).unassigned).toHaveLength(190);
    expect(known.takeDelta(cluster.image, delta).unassigned).toHaveLength(10);
    expect(known.partitions.map(({ topic }) => topic)).toEqual(['other', 'other']);
  });

  it('have other partition epochs when a change of min ISR clears their eligible replicas', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    const configs = [{ name: 'min.insync.replicas', value: '2' }];
    cluster.ok('createTopic', { body: { name: 'orders', assignments: [[1, 2]], configs } });
    cluster.heartbeat(1, { wantFence: true });
    const followed = new BrokerPartitions(2);
    followed.takeState(cluster.image);
    const from = cluster.log.length;
    const changes = [{ name: 'min.insync.replicas', operation: 'set', value: '1' }];
    cluster.ok('alterConfig', {
      params: { resourceType: 'topic', resourceName: 'orders' },
      body: { changes },
    });
    const { replication } = followed.takeDelta(cluster.image, deltaSince(cluster, from));
    expect(replication).toEqual([expect.objectContaining({ partitionEpoch: 2 })]);
  });

  it('count the same leader under another epoch as another leadership', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    const { topicId } = cluster.ok('createTopic', { body: { name: 'orders', assignments: [[1, 2]] } });
    const followed = new BrokerPartitions(1);
    followed.takeState(cluster.image);
    const from = cluster.log.length;
    cluster.append([partitionChange({ topicId, partitionId: 0, leader: 1 })]);
    const { leadership, replication } = followed.takeDelta(cluster.image, deltaSince(cluster, from));
    expect(leadership).toEqual([expect.objectContaining({ leader: 1, leaderEpoch: 1 })]);
    expect(replication).toEqual([]);
  });
});
