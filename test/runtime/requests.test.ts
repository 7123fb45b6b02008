import { describe, expect, it } from 'vitest';
import { brokerId, nodeId, offset } from '../../src/base/brands.ts';
import { operationsById, type RegisteredOperation } from '../../src/metadata/operations.ts';
import { DiskSpace } from '../../src/runtime/disk-space.ts';
import { HandOver } from '../../src/runtime/hand-over.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { OffsetWaiters } from '../../src/runtime/requests/offset-waiters.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { VirtualProcess } from './support/clock.ts';

import { RouterHost } from './support/router.ts';

const { image } = new TestCluster();

describe('a request to the quorum itself', () => {
  const removal = { input: { params: { controllerId: 1 }, query: {}, body: {} } };

  it('is taken to the core by a leader that a majority has confirmed, and by nobody else', () => {
    const host = new RouterHost({ leads: true });
    host.route('removeVoter', removal);
    host.run(1);
    expect([host.asked, host.codes()]).toEqual([[], []]);
    host.reads.completed(host.barriers[0] ?? 0, image.endOffset, image.endOffset);
    host.run(1);
    expect([host.asked, host.codes()]).toEqual([['removeVoter'], ['ok']]);
    host.route('removeVoter', removal);
    host.run(1);
    host.reads.failed([host.barriers[1] ?? 0]);
    expect(host.codes()).toEqual(['ok', 'NOT_CONTROLLER']);
    expect(host.asked).toHaveLength(1);
  });

  it('is passed on by a follower, and its outcome is unknown when no answer comes', () => {
    const host = new RouterHost();
    host.route('removeVoter', removal);
    expect(host.forwards).toMatchObject([{ operationId: 'removeVoter' }]);
    host.route('removeVoter', { ...removal, validateOnly: true });
    host.run(2_000);
    expect(host.codes()).toEqual(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);
  });

  it('is refused while the node drains', () => {
    const host = new RouterHost({ leads: true });
    host.router.drain();
    host.route('transferLeadership');
    expect(host.codes()).toEqual(['NOT_CONTROLLER']);
  });
});

/** A read that first does `work`. */
function listSessionsAfter(work: () => void): RegisteredOperation {
  const known = operationsById.get('listSessions');
  if (known === undefined) throw new Error('no such operation');
  return {
    ...known,
    handle: (...given) => {
      work();
      return known.handle(...given);
    },
  };
}

/** A leader that takes the time of a slice for each read. */
function startSlowLeader(): RouterHost {
  const operation = listSessionsAfter(() => {
    host.workedMs += runtimeLimits.sliceMs;
  });
  const host = new RouterHost({ leads: true, operations: [operation] });
  return host;
}

describe('the request router', () => {
  it('passes a request on one hop, and refuses what has made its hop', () => {
    const host = new RouterHost();
    host.route('openSession');
    expect(host.sent.map(([to]) => to)).toEqual([1]);
    host.route('openSession', {}, true);
    host.route('listSessions', {}, true);
    expect(host.sent).toHaveLength(1);
    expect(host.codes()).toEqual(['NOT_CONTROLLER', 'NOT_CONTROLLER']);
  });

  it('refuses at once, with a hint when to try again, while no leader is known', () => {
    const host = new RouterHost();
    host.leaderId = null;
    host.route('openSession');
    host.route('listSessions');
    expect(host.codes()).toEqual(['NOT_CONTROLLER', 'NOT_CONTROLLER']);
    for (const { result } of host.answers) expect(result).toMatchObject({ retryAfterMs: expect.any(Number) });
  });

  it('answers every request within its time: unknown only what may take effect', () => {
    const host = new RouterHost({ leads: true });
    host.route('openSession');
    host.leading?.run();
    // Its proposer stands still from here on, so this one is never begun.
    host.route('openSession', { timeoutMs: 500 });
    host.route('listSessions');
    host.run(2_000);
    expect(host.codes().toSorted()).toEqual([
      'OUTCOME_UNKNOWN',
      'REQUEST_TIMED_OUT',
      'THROTTLING_QUOTA_EXCEEDED',
    ]);
    host.leading?.run();
    expect(host.leading?.proposals).toHaveLength(1);
  });

  it('answers once, though its work is done after its time', () => {
    const host = new RouterHost({ leads: true });
    host.route('openSession');
    host.leading?.run();
    host.run(2_000);
    host.leading?.commit();
    expect(host.codes()).toEqual(['OUTCOME_UNKNOWN']);
  });

  it('says unknown of a write that was passed on and not answered, and retriable of a read', () => {
    const host = new RouterHost();
    host.route('openSession');
    host.route('listSessions');
    host.run(2_000);
    expect(host.codes()).toEqual(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);
  });

  it('gives the leader less time than it has itself', () => {
    const host = new RouterHost();
    host.route('openSession', { timeoutMs: 1_000 });
    expect(host.forwards[0]).toMatchObject({ deadlineMs: expect.any(Number) });
    const [forward] = host.forwards;
    expect(forward?.type === 'forwardRequest' && forward.deadlineMs < 1_000).toBe(true);
  });

  it('takes no answer from a node that was not asked, and none twice', () => {
    const host = new RouterHost();
    host.route('openSession');
    const [forward] = host.forwards;
    if (forward === undefined) throw new Error('not forwarded');
    const answer = {
      requestId: forward.requestId,
      offset: 9,
      epoch: 1,
      leaderId: 1,
      forwarded: false,
      result: { ok: true, response: {} },
    };
    const bytes = new TextEncoder().encode(JSON.stringify(answer));
    const response = { type: 'forwardResponse', requestId: forward.requestId, answer: bytes } as const;
    host.forwarder.received(nodeId(2), response);
    expect(host.answers).toEqual([]);
    host.forwarder.received(nodeId(1), response);
    host.forwarder.received(nodeId(1), response);
    expect(host.answers).toMatchObject([{ requestId: 1, offset: 9, forwarded: true, result: { ok: true } }]);
  });

  it('gives a leader that was replaced a moment for its last words, and up after it', () => {
    const host = new RouterHost();
    host.route('openSession');
    host.route('listSessions');
    host.route('openSession');
    const [, , last] = host.forwards;
    if (last === undefined) throw new Error('not forwarded');
    host.forwarder.leaderIs(nodeId(2));
    host.leaderId = 2;
    // What is passed on from here on goes to the next leader, and waits for it.
    host.route('openSession');
    host.run(50);
    const answer = new TextEncoder().encode('{"result":{"ok":true,"response":{}},"offset":9,"epoch":1}');
    host.forwarder.received(nodeId(1), { type: 'forwardResponse', requestId: last.requestId, answer });
    expect(host.codes()).toEqual(['ok']);
    host.run(100);
    expect(host.codes()).toEqual(['ok', 'OUTCOME_UNKNOWN', 'NOT_CONTROLLER']);
    expect(host.forwarder.pendingCount).toBe(1);
  });

  it('waits on while the same node leads a later epoch, and answers by itself', () => {
    const host = new RouterHost();
    host.route('openSession', { timeoutMs: 5_000 });
    host.forwarder.leaderIs(nodeId(1));
    host.run(1_000);
    expect(host.codes()).toEqual([]);
    // Another may lead for a moment too short for a word.
    host.forwarder.leaderIs(nodeId(2));
    host.forwarder.leaderIs(nodeId(1));
    host.run(1_000);
    expect(host.codes()).toEqual([]);
  });

  it('takes an answer that cannot be read for a lost one', () => {
    const host = new RouterHost();
    host.route('openSession');
    const [forward] = host.forwards;
    if (forward === undefined) throw new Error('not forwarded');
    const answer = new TextEncoder().encode(
      '{"result":{"ok":false,"code":"NEVER_HEARD_OF"},"offset":1,"epoch":1}',
    );
    host.forwarder.received(nodeId(1), { type: 'forwardResponse', requestId: forward.requestId, answer });
    expect(host.codes()).toEqual(['OUTCOME_UNKNOWN']);
  });

  it('says that nothing was changed when the transport has sent nothing of it', () => {
    const host = new RouterHost();
    host.route('openSession');
    const [forward] = host.forwards;
    if (forward === undefined) throw new Error('not forwarded');
    host.forwarder.neverSent(forward);
    host.forwarder.connectionClosed(nodeId(1));
    expect(host.codes()).toEqual(['NOT_CONTROLLER']);
  });

  it('refuses administration when the disk is nearly full, and takes what keeps brokers alive', () => {
    const host = new RouterHost({ leads: true });
    host.lowOnSpace = true;
    host.route('createTopic', { input: { params: {}, query: {}, body: { name: 'a' } } });
    expect(host.codes()).toEqual(['STORAGE_LOW']);
    const body = { brokerEpoch: 0, metadataOffset: 0 };
    host.route('heartbeatBroker', { input: { params: { brokerId: brokerId(1) }, query: {}, body } });
    expect(host.leading?.proposer.pendingCount).toBe(1);
  });

  it('answers a read that throws, and lives on', () => {
    const broken = listSessionsAfter(() => {
      throw new Error('a bug');
    });
    const host = new RouterHost({ operations: [broken] });
    host.route('listSessions', { consistency: 'stale' });
    expect(host.codes()).toEqual(['UNKNOWN_SERVER_ERROR']);
    expect(host.rejected).toEqual(['listSessions']);
  });

  it('takes nothing more once the node is about to stop', () => {
    const host = new RouterHost({ leads: true });
    host.router.drain();
    host.route('openSession');
    host.route('listSessions', { consistency: 'stale' });
    expect(host.codes()).toEqual(['NOT_CONTROLLER', 'NOT_CONTROLLER']);
  });

  it('names what it does not know', () => {
    const host = new RouterHost();
    host.route('fly');
    expect(host.codes()).toEqual(['RESOURCE_NOT_FOUND']);
  });
});

describe('reads that wait on this node', () => {
  const applied = image.endOffset;
  const later = offset(applied + 1);

  it('are counted whatever they wait for: a barrier, the state, or their turn', () => {
    const host = startSlowLeader();
    for (let at = 0; at < 3; at++) host.route('listSessions');
    host.run(1);
    for (let at = 0; at < 5; at++) host.route('listSessions');
    host.run(1);
    expect(host.barriers).toEqual([1, 2]);
    host.reads.completed(1, applied, applied);
    expect(host.codes()).toEqual(['ok']);
    host.reads.completed(2, later, applied);
    host.route('listSessions', { consistency: 'stale' });
    host.route('listSessions');
    expect(host.router.readsWaiting).toBe(2 + 5 + 1 + 1);
    host.run(1);
    expect(host.codes()).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(host.router.readsWaiting).toBe(5 + 1);
    host.reads.applied(later);
    host.reads.failed([3]);
    host.run(1);
    expect(host.codes().filter((code) => code === 'ok')).toHaveLength(4 + 5);
    expect(host.router.readsWaiting).toBe(0);
  });

  it.each([
    ['for a barrier', (): void => undefined],
    ['for the state', (host: RouterHost): void => host.reads.completed(1, later, applied)],
    ['for their turn', (host: RouterHost): void => host.reads.completed(1, applied, applied)],
  ])('are refused over the limit, however many of them wait %s', (_what, confirm) => {
    const host = startSlowLeader();
    const { readsQueuedMax } = runtimeLimits;
    for (let at = 0; at < readsQueuedMax; at++) host.route('listSessions');
    host.run(1);
    confirm(host);
    const answered = host.answers.length;
    for (let at = 0; at < answered; at++) host.route('listSessions', { consistency: 'stale' });
    expect(host.router.readsWaiting).toBe(readsQueuedMax);
    expect(host.codes().filter((code) => code !== 'ok')).toEqual([]);
    host.route('listSessions');
    host.route('listSessions', { consistency: 'stale' });
    expect(host.codes().slice(answered)).toEqual(['THROTTLING_QUOTA_EXCEEDED', 'THROTTLING_QUOTA_EXCEEDED']);
    expect(host.answers.at(-1)?.result).toMatchObject({ retryAfterMs: expect.any(Number) });
  });

  it('are answered before leadership is handed over', () => {
    const host = startSlowLeader();
    const events: string[] = [];
    host.route('listSessions', {}, false, () => events.push('answered'));
    host.run(1);
    host.reads.completed(1, later, applied);
    host.router.drain();
    new HandOver({
      clock: host.clock,
      role: () => 'leader',
      hasSuccessor: () => true,
      hasOtherVoters: () => true,
      pendingCount: () => host.router.readsWaiting,
      resign: () => events.push('resigned'),
      onDone: () => events.push('done'),
    });
    host.run(100);
    expect(events).toEqual([]);
    host.reads.applied(later);
    host.run(100);
    expect(events).toEqual(['answered', 'resigned', 'done']);
  });
});

describe('those who wait for an offset', () => {
  it('are told when it is reached, and leave nothing behind when they go', () => {
    const waiters = new OffsetWaiters();
    const told: number[] = [];
    const leave = [5, 7, 9].map((at) =>
      waiters.add(offset(at), { reached: () => told.push(at), fail: () => told.push(-at) }),
    );
    leave[1]?.();
    waiters.applied(offset(4));
    waiters.applied(offset(8));
    expect(told).toEqual([5]);
    expect(waiters.size).toBe(1);
    waiters.failAll();
    waiters.applied(offset(9));
    expect(told).toEqual([5, -9]);
    expect(waiters.size).toBe(0);
  });

  it('do not stay when their time is over', () => {
    const host = new RouterHost();
    const hopeless = { consistency: 'stale', minOffset: offset(2 ** 40), timeoutMs: 100 } as const;
    const { offsetWaitersMax } = runtimeLimits;
    for (let at = 0; at < offsetWaitersMax; at++) host.route('listSessions', hopeless);
    host.run(500);
    host.route('listSessions', hopeless);
    host.run(500);
    expect(new Set(host.codes())).toEqual(new Set(['REQUEST_TIMED_OUT']));
    // Nobody is told a second time when the node stops.
    host.router.close();
    expect(host.answers).toHaveLength(offsetWaitersMax + 1);
  });
});

describe('the watch on free space', () => {
  it('tells of a change and of its end, with a margin between them', () => {
    const host = new VirtualProcess();
    const disk = new SimulatedDisk({ seed: 1, capacityBytes: 2_000, directories: ['/data'] });
    const told: string[] = [];
    let short = 0;
    const space = new DiskSpace({
      files: disk.attach(host.schedule),
      clock: host.clock,
      directory: '/data',
      reserveBytes: () => 1_000,
      pollIntervalMs: 100,
      onChanged: (status) => told.push(status),
      onShort: () => {
        short += 1;
      },
    });
    space.start();
    const capacities = [2_000, 1_000, 999, 999, 1_050, 1_099, 1_100, 1_000, 999];
    const seen = capacities.map((capacityBytes) => {
      disk.capacityBytes = capacityBytes;
      host.run(250);
      return space.isLow;
    });
    expect(seen).toEqual([false, false, true, true, true, true, false, false, true]);
    expect(told).toEqual(['low', 'enough', 'low']);
    for (const capacityBytes of [250, 249, 274, 275]) {
      disk.capacityBytes = capacityBytes;
      host.run(250);
    }
    expect(told.slice(3)).toEqual(['exhausted', 'low']);
    // It says so at every look, for as long as space is short.
    const before = short;
    host.run(1_000);
    expect(short - before).toBeGreaterThanOrEqual(9);
    space.close();
    disk.capacityBytes = 5_000;
    host.run(1_000);
    expect(told).toHaveLength(5);
  });
});
