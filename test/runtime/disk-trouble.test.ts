import { describe, expect, it } from 'vitest';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { TestBroker } from './support/brokers.ts';
import { codeOf, quickSettings, TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

describe('a leader whose disk hangs', () => {
  it('leaves to one of the others, and what it has acknowledged stays', () => {
    const quorum = TestQuorum.serving({ seed: 71 });
    const hung = quorum.leader();
    hung.disk.slowness = 1_000_000;
    // The others commit it without this node's disk.
    expect(codeOf(quorum.call(hung, 'openSession'))).toBe('ok');
    quorum.until(() => hung.status().role !== 'leader', 'it leaves', 3_000);
    const next = quorum.leader();
    expect(next.id).not.toBe(hung.id);
    expect(codeOf(quorum.call(next, 'openSession'))).toBe('ok');
    expect(hung.fatal).toBeNull();
  });

  it('appends no more than it may hold in memory, and refuses nothing for that', () => {
    const quorum = TestQuorum.serving({ seed: 73 });
    const hung = quorum.leader();
    quorum.settle();
    hung.disk.slowness = 1_000_000;
    const before = hung.status().logEndOffset;
    for (let turn = 0; turn < 450; turn++) {
      quorum.submit(hung, 'openSession', { timeoutMs: 60_000 });
      quorum.run(1);
    }
    // One batch a turn, and the others have committed each at once.
    const { role, logEndOffset, highWatermark } = hung.status();
    expect({ role, highWatermark }).toEqual({ role: 'leader', highWatermark: logEndOffset });
    expect(logEndOffset - before).toBeLessThanOrEqual(runtimeLimits.proposalsInFlightMax);
    expect(hung.logged.filter((line) => line.startsWith('proposal-refused'))).toEqual([]);
  });
});

describe('a disk that fills', () => {
  /** Leaves so many bytes free, and lets the node see that. */
  function leaveFree(quorum: TestQuorum, nodes: readonly HostedNode[], bytes: number): void {
    for (const { disk } of nodes) disk.capacityBytes = disk.capacityBytes - disk.freeBytes() + bytes;
    quorum.run(runtimeLimits.diskSpacePollMs + 1_000);
  }
  const { diskReserveBytesMin } = quickSettings;

  it('of every node stops client writes alone: the leader stays, and what it fences is committed', () => {
    const quorum = TestQuorum.serving({ seed: 75 });
    const broker = new TestBroker(quorum, 1);
    broker.heartbeat();
    leaveFree(quorum, quorum.nodes, diskReserveBytesMin / 2);
    // Nodes look at different times, so that one may have left to another that had not looked yet.
    const leader = quorum.leader();
    const { epoch } = leader.status();
    quorum.run(60_000);
    expect(quorum.nodes.map((node) => node.status().lowOnSpace)).toEqual([true, true, true]);
    expect(leader.status()).toMatchObject({ role: 'leader', epoch });
    expect(broker.isFenced()).toBe(true);
    expect(leader.status().highWatermark).toBe(leader.status().logEndOffset);
    expect(codeOf(quorum.call(leader, 'createTopic', { body: { name: 'orders' } }))).not.toBe('ok');
  });

  it('of every node to the last bytes makes no epoch follow another', () => {
    const quorum = TestQuorum.serving({ seed: 77 });
    leaveFree(quorum, quorum.nodes, 4 * 1024);
    const leader = quorum.leader();
    const { epoch } = leader.status();
    quorum.run(60_000);
    expect(leader.status()).toMatchObject({ role: 'leader', epoch });
    for (const { disk } of quorum.nodes) disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    quorum.run(runtimeLimits.diskSpacePollMs + 1_000);
    expect(codeOf(quorum.call(quorum.leader(), 'openSession'))).toBe('ok');
  });

  it('of the leader alone makes it leave, though the others could not take over at first', () => {
    const quorum = TestQuorum.serving({ seed: 79 });
    leaveFree(quorum, quorum.nodes, diskReserveBytesMin / 2);
    const leader = quorum.leader();
    const followers = quorum.followers();
    for (const { disk } of followers) disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    quorum.run(2 * runtimeLimits.diskSpacePollMs + 1_000);
    const next = quorum.leader();
    expect(next.id).not.toBe(leader.id);
    expect(codeOf(quorum.call(next, 'openSession'))).toBe('ok');
  });
});
