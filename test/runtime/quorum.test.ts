import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import { responseOf, TestBroker } from './support/brokers.ts';
import { codeOf, TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

function openSessions(quorum: TestQuorum, count: number): readonly number[] {
  const leader = quorum.leader();
  const submitted = Array.from({ length: count }, () => quorum.submit(leader, 'openSession'));
  quorum.until(() => submitted.every(({ answers }) => answers.length === 1), 'sessions are open');
  return submitted.map(({ answers: [answer] }) => {
    if (answer === undefined) throw new Error('unanswered');
    return Number(responseOf(answer)['sessionId']);
  });
}

function digestOf(node: HostedNode): string {
  const image = node.running.image();
  if (image === null) throw new Error('no image');
  return `${image.endOffset} ${imageDigest(image)}`;
}

function expectSameState(quorum: TestQuorum): void {
  quorum.settle();
  const digests = quorum.nodes.filter((node) => node.node !== null).map(digestOf);
  expect(new Set(digests).size).toBe(1);
}

describe('a quorum of three controllers', () => {
  it('founds a cluster, elects, serves, and holds the same state on every node', () => {
    const quorum = TestQuorum.serving();
    expect(openSessions(quorum, 20)).toHaveLength(20);
    expectSameState(quorum);
    const ids = quorum.nodes.map((node) => node.status().clusterId);
    expect(new Set(ids).size).toBe(1);
  });

  it('answers a write only at the offset that it reports, which every node then holds', () => {
    const quorum = TestQuorum.serving();
    const answer = quorum.call(quorum.leader(), 'openSession');
    expect(quorum.leader().status().highWatermark).toBeGreaterThanOrEqual(answer.offset);
    expect(answer.offset).toBe(Number(responseOf(answer)['sessionId']) + 1);
  });

  it('tells of no leader once the one that it followed has not answered for too long', () => {
    const quorum = TestQuorum.serving();
    const [left, second] = quorum.followers();
    if (left === undefined || second === undefined) throw new Error('two follow');
    const { epoch } = quorum.leader().status();
    for (const node of [quorum.leader(), second]) quorum.kill(node);
    quorum.until(() => left.status().role === 'prospective', 'it looks for another');
    expect(left.status()).toMatchObject({ epoch, leaderId: null });
  });

  it('finds the same state after all of it was killed at once', () => {
    const quorum = TestQuorum.serving({ seed: 3 });
    openSessions(quorum, 30);
    quorum.settle();
    const before = digestOf(quorum.leader()).split(' ')[1];
    for (const node of quorum.nodes) quorum.kill(node, true);
    for (const node of quorum.nodes) quorum.start(node);
    expectSameState(quorum);
    expect(digestOf(quorum.leader()).split(' ')[1]).toBe(before);
  });

  it('keeps its members when one is killed before its first vote', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const quorum = new TestQuorum({ seed });
      for (const node of quorum.nodes) quorum.start(node);
      quorum.run(15 * seed);
      for (const node of quorum.nodes) quorum.kill(node, true);
      for (const node of quorum.nodes) quorum.start(node);
      quorum.settle();
      expect(quorum.nodes.map((node) => node.status().isObserver)).toEqual([false, false, false]);
    }
  });

  it('goes on when its leader is killed, with everything that was acknowledged', () => {
    const quorum = TestQuorum.serving({ seed: 5 });
    const sessions = openSessions(quorum, 10);
    quorum.kill(quorum.leader(), true);
    const found = quorum.call(quorum.leader(), 'listSessions');
    const listed = responseOf(found)['sessions'];
    expect(listed).toHaveLength(sessions.length);
  });

  it('brings a follower that was away up to date by log', () => {
    const quorum = TestQuorum.serving({ seed: 7 });
    const [away] = quorum.followers();
    if (away === undefined) throw new Error('no follower');
    quorum.kill(away);
    openSessions(quorum, 10);
    quorum.start(away);
    expectSameState(quorum);
    expect(away.status().snapshotChunksReceived).toBe(0);
  });

  it('brings a follower that was away for longer up to date by snapshot', () => {
    const settings = { checkpointBytes: 8 * 1024, logRetentionBytes: 1024 };
    const quorum = TestQuorum.serving({ seed: 9, settings });
    const [away] = quorum.followers();
    if (away === undefined) throw new Error('no follower');
    quorum.kill(away);
    const endThen = quorum.leader().status().logEndOffset;
    for (let round = 0; round < 60; round++) openSessions(quorum, 20);
    expect(quorum.leader().status().logStartOffset).toBeGreaterThan(endThen);
    quorum.start(away);
    expectSameState(quorum);
    expect(away.status().snapshotChunksReceived).toBeGreaterThan(1);
    expect(away.fatal).toBeNull();
    openSessions(quorum, 3);
    expectSameState(quorum);
    // What it took in by snapshot is its own now: it finds it again, alone with its disk.
    quorum.kill(away, true);
    quorum.start(away);
    expectSameState(quorum);
  });

  it('lets a node whose log is damaged recover from its peers before it votes again', () => {
    const quorum = TestQuorum.serving({ seed: 11 });
    openSessions(quorum, 10);
    quorum.settle();
    const [damaged, healthy] = quorum.followers();
    if (damaged === undefined || healthy === undefined) throw new Error('no followers');
    quorum.kill(damaged);
    const segment = damaged.disk.paths().find((path) => path.includes('/log/'));
    if (segment === undefined) throw new Error('no segment');
    expect(damaged.disk.corrupt(segment, 700, 0xff)).toBe(true);
    quorum.kill(quorum.leader());
    quorum.start(damaged);
    // Of three voters one is down and one recovers: nobody may lead.
    quorum.run(5_000);
    expect(damaged.status().recovering).toBe(true);
    expect(damaged.status().logEndOffset).toBeLessThan(healthy.status().logEndOffset);
    expect(healthy.status().active).toBe(false);
    for (const node of quorum.nodes) if (node.node === null) quorum.start(node);
    expectSameState(quorum);
    quorum.until(() => !damaged.status().recovering, 'the node has recovered');
  });

  it('makes an observer of a node that lost its quorum state', () => {
    const quorum = TestQuorum.serving({ seed: 13 });
    openSessions(quorum, 5);
    const [lost] = quorum.followers();
    if (lost === undefined) throw new Error('no follower');
    quorum.kill(lost);
    for (const path of lost.disk.paths().filter((name) => name.includes('quorum-state'))) {
      expect(lost.disk.corrupt(path, 9, 0xff)).toBe(true);
    }
    quorum.start(lost);
    expectSameState(quorum);
    expect(lost.status().isObserver).toBe(true);
    expect(lost.status().role).toBe('follower');
  });

  it('refuses to start on another node’s directory, and says so', () => {
    const quorum = TestQuorum.serving({ seed: 15 });
    const first = quorum.node(0);
    quorum.kill(first);
    const stranger = new TestQuorum({ seed: 16 });
    const second = stranger.node(1);
    Object.assign(second, { disk: first.disk });
    stranger.start(second);
    stranger.until(() => second.started !== null, 'it answers');
    expect(second.started).toMatchObject({ ok: false, error: { code: 'STORAGE' } });
  });

  it('reports a disk that fails while it starts, and stays down', () => {
    const quorum = TestQuorum.serving({ seed: 17 });
    const node = quorum.node(2);
    quorum.kill(node);
    node.disk.failNext.fdatasync = 1;
    quorum.start(node);
    quorum.until(() => node.started !== null, 'it answers');
    const error = node.started?.ok === false ? node.started.error : null;
    expect(error?.message).toContain('flush failed');
    expect(node.fatal).toBeNull();
  });

  it('reports a disk that fails as it is first written to', () => {
    const quorum = new TestQuorum({ seed: 18 });
    const node = quorum.node(0);
    node.disk.failNext.fdatasync = 1;
    quorum.start(node);
    quorum.until(() => node.started !== null, 'it answers');
    const error = node.started?.ok === false ? node.started.error : null;
    expect(error?.message).toContain('flush failed');
  });

  it('stops a node whose disk fails, and finds everything when it starts again', () => {
    const quorum = TestQuorum.serving({ seed: 19 });
    const [failing] = quorum.followers();
    if (failing === undefined) throw new Error('no follower');
    failing.disk.failNext.fdatasync = 1;
    openSessions(quorum, 3);
    quorum.until(() => failing.fatal !== null, 'the node stops itself');
    expect(failing.status().role).toBe('stopped');
    quorum.kill(failing);
    quorum.start(failing);
    expectSameState(quorum);
  });
});

describe('a node that is asked to stop', () => {
  it('answers what is pending, and another leads before it is gone', () => {
    const quorum = TestQuorum.serving({ seed: 21 });
    const leader = quorum.leader();
    const pending = Array.from({ length: 50 }, () => quorum.submit(leader, 'openSession'));
    quorum.run(0);
    // To be elected takes longer than to close.
    for (const follower of quorum.followers()) follower.disk.slowness = 100;
    quorum.stop(leader);
    expect(pending.map(({ answers }) => codeOf(answers[0])).every((code) => code === 'ok')).toBe(true);
    const successor = quorum.nodes.find((node) => node.node?.status().role === 'leader');
    expect(successor).toBeDefined();
    expect(successor).not.toBe(leader);
  });

  it('refuses what comes while it stops, without a doubt about its effect', () => {
    const quorum = TestQuorum.serving({ seed: 23 });
    const leader = quorum.leader();
    leader.running.stop(() => {});
    const late = quorum.submit(leader, 'openSession');
    quorum.run(1_000);
    expect(late.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
  });

  it('stops without a successor when its quorum is gone', () => {
    const quorum = TestQuorum.serving({ seed: 25 });
    const leader = quorum.leader();
    for (const node of quorum.followers()) quorum.kill(node);
    const doubtful = quorum.submit(leader, 'openSession');
    quorum.run(5);
    quorum.stop(leader);
    expect(doubtful.answers.map(codeOf)).toEqual(['OUTCOME_UNKNOWN']);
  });

  it('does not wait for a successor when all stop at once', () => {
    const quorum = TestQuorum.serving({ seed: 26 });
    quorum.settle();
    const stopped = new Set<number>();
    for (const node of quorum.nodes) {
      node.running.stop(() => {
        stopped.add(node.id);
        // Its process ends with it, and its peers find nobody there.
        quorum.world.schedule(0, 0, () => quorum.kill(node));
      });
    }
    const began = quorum.world.nowUs;
    quorum.until(() => stopped.size === 3, 'all have stopped');
    expect(quorum.world.nowUs - began).toBeLessThan(1_000_000);
  });

  it('tells everyone who asked when it is closed, and only then', () => {
    const quorum = TestQuorum.serving({ seed: 27 });
    const { running } = quorum.leader();
    const told: string[] = [];
    running.stop(() => told.push('first'));
    running.stop(() => told.push('second'));
    expect(told).toEqual([]);
    quorum.run(5_000);
    expect(told.toSorted()).toEqual(['first', 'second']);
  });

  it('stops while it starts', () => {
    for (let delayUs = 0; delayUs < 3_000; delayUs += 250) {
      const quorum = new TestQuorum({ count: 1, seed: 29 });
      const node = quorum.node(0);
      quorum.start(node);
      quorum.run(delayUs / 1000);
      quorum.stop(node);
      expect(node.started).not.toBeNull();
    }
  });
});

describe('reads', () => {
  it('see everything that was acknowledged before they began, on whichever node', () => {
    const quorum = TestQuorum.serving({ seed: 31 });
    for (const node of quorum.nodes) {
      const [sessionId] = openSessions(quorum, 1);
      const answer = quorum.call(node, 'listSessions');
      expect(answer.forwarded).toBe(node !== quorum.leader());
      const { sessions } = responseOf(answer);
      expect(sessions).toContainEqual(expect.objectContaining({ sessionId }));
    }
  });

  it('are not answered by a leader that was cut off', () => {
    const quorum = TestQuorum.serving({ seed: 33 });
    const leader = quorum.leader();
    quorum.isolate(leader);
    const read = quorum.submit(leader, 'listSessions', { timeoutMs: 3_000 });
    quorum.run(4_000);
    expect(read.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
  });

  it('wait for the offset that they demand, and are given up in their time', () => {
    const quorum = TestQuorum.serving({ seed: 35 });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('no follower');
    quorum.settle();
    const ahead = offset(quorum.leader().status().logEndOffset + 2);
    const stale = { consistency: 'stale', minOffset: ahead, timeoutMs: 1_000 } as const;
    const patient = quorum.submit(follower, 'listSessions', stale);
    const hopeless = quorum.submit(follower, 'listSessions', { ...stale, minOffset: offset(ahead + 1_000) });
    quorum.run(100);
    expect(patient.answers).toEqual([]);
    openSessions(quorum, 2);
    quorum.run(1_200);
    expect(patient.answers.map(codeOf)).toEqual(['ok']);
    expect(patient.answers[0]?.offset).toBeGreaterThanOrEqual(ahead);
    expect(hopeless.answers.map(codeOf)).toEqual(['REQUEST_TIMED_OUT']);
  });
});

describe('forwarding', () => {
  it('lets the leader execute what a follower was asked', () => {
    const quorum = TestQuorum.serving({ seed: 37 });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('no follower');
    const answer = quorum.call(follower, 'openSession');
    expect(codeOf(answer)).toBe('ok');
    expect(answer.forwarded).toBe(true);
    expect(answer.leaderId).toBe(quorum.leader().id);
  });

  it('says unknown when the leader is lost after the write was sent to it', () => {
    const quorum = TestQuorum.serving({ seed: 39 });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('no follower');
    const leader = quorum.leader();
    leader.admit = (_from, message) => message.channel !== 'forward';
    const write = quorum.submit(follower, 'openSession');
    const read = quorum.submit(follower, 'listSessions');
    quorum.run(20);
    quorum.kill(leader);
    quorum.run(100);
    expect(write.answers.map(codeOf)).toEqual(['OUTCOME_UNKNOWN']);
    expect(read.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
  });

  it('says unknown as soon as another leads, when the leader that was asked hangs', () => {
    for (const idempotencyKey of [null, { sessionId: 0, sequence: 0, forgetBelow: 0 }]) {
      const quorum = TestQuorum.serving({ seed: 40 });
      const [follower] = quorum.followers();
      if (follower === undefined) throw new Error('no follower');
      const hung = quorum.leader();
      hung.process.pause(60_000_000);
      const write = quorum.submit(follower, 'openSession', { idempotencyKey, timeoutMs: 50_000 });
      const read = quorum.submit(follower, 'listSessions', { timeoutMs: 50_000 });
      const active = (): HostedNode | undefined =>
        quorum.nodes.find((node) => node !== hung && node.status().active);
      quorum.until(() => active() !== undefined, 'another leads');
      quorum.run(300);
      expect(write.answers.map(codeOf)).toEqual(['OUTCOME_UNKNOWN']);
      expect(read.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
      quorum.run(70_000);
      // It goes on as a follower, and refuses what it finds unread; nobody is told twice.
      expect(write.answers).toHaveLength(1);
      expect(responseOf(quorum.call(follower, 'listSessions'))['sessions']).toEqual([]);
    }
  });

  it('says that nothing was changed when the write was never sent', () => {
    const quorum = TestQuorum.serving({ seed: 41 });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('no follower');
    quorum.kill(quorum.leader(), true);
    const write = quorum.submit(follower, 'openSession');
    quorum.run(50);
    expect(write.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
  });

  it('tells a follower at once what the leader does not understand', () => {
    const quorum = TestQuorum.serving({ seed: 45 });
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('no follower');
    const began = quorum.world.nowUs;
    const answer = quorum.call(follower, 'openSession', { body: { timeoutMs: 'soon' } });
    expect(codeOf(answer)).toBe('INVALID_REQUEST');
    expect(quorum.world.nowUs - began).toBeLessThan(1_000_000);
  });
});

describe('brokers', () => {
  it('are unfenced by their heartbeats, and fenced when they fall silent', () => {
    const quorum = TestQuorum.serving({ seed: 47 });
    const loud = new TestBroker(quorum, 1);
    const silent = new TestBroker(quorum, 2);
    loud.heartbeat();
    silent.heartbeat();
    expect([loud.isFenced(), silent.isFenced()]).toEqual([false, false]);
    for (let beat = 0; beat < 10; beat++) {
      quorum.run(300);
      loud.heartbeat();
    }
    expect([loud.isFenced(), silent.isFenced()]).toEqual([false, true]);
  });

  it('are told with each acknowledgement how long the leader waits for the next', () => {
    const quorum = TestQuorum.serving({ seed: 48 });
    const broker = new TestBroker(quorum, 1);
    for (const node of quorum.nodes) {
      const answer = responseOf(quorum.call(node, 'heartbeatBroker', broker.request()));
      expect(answer['sessionTimeoutMs']).toBe(quorum.settings.brokerSessionTimeoutMs);
    }
  });

  it('have a whole session with a new leader', () => {
    const quorum = TestQuorum.serving({ seed: 49 });
    const broker = new TestBroker(quorum, 1);
    broker.heartbeat();
    quorum.run(1_500);
    quorum.kill(quorum.leader());
    const leader = quorum.leader();
    quorum.run(1_500);
    expect(broker.isFenced(leader)).toBe(false);
    quorum.run(1_500);
    expect(broker.isFenced(leader)).toBe(true);
  });

  it('do not have their session extended by a heartbeat that is refused', () => {
    const quorum = TestQuorum.serving({ seed: 51 });
    const broker = new TestBroker(quorum, 1);
    broker.heartbeat();
    const { params, body } = broker.request();
    const stale = { params, body: { ...Object(body), brokerEpoch: broker.brokerEpoch - 1 } };
    for (let beat = 0; beat < 10; beat++) {
      quorum.run(300);
      expect(codeOf(quorum.call(quorum.leader(), 'heartbeatBroker', stale))).toBe('STALE_BROKER_EPOCH');
    }
    expect(broker.isFenced()).toBe(true);
  });

  it('hear nothing from a leader that was deposed', () => {
    const quorum = TestQuorum.serving({ seed: 53 });
    const broker = new TestBroker(quorum, 1);
    broker.heartbeat();
    const deposed = quorum.leader();
    quorum.isolate(deposed);
    const heartbeat = quorum.submit(deposed, 'heartbeatBroker', { ...broker.request(), timeoutMs: 3_000 });
    quorum.run(4_000);
    expect(heartbeat.answers.map(codeOf)).toEqual(['NOT_CONTROLLER']);
  });

  it('are not fenced for the time in which the leader itself stood still', () => {
    const quorum = TestQuorum.serving({ count: 1, seed: 55 });
    const broker = new TestBroker(quorum, 1);
    broker.heartbeat();
    const leader = quorum.leader();
    quorum.run(500);
    leader.process.pause(30_000_000);
    quorum.run(30_000);
    quorum.run(1_000);
    expect(broker.isFenced()).toBe(false);
    quorum.run(1_000);
    expect(broker.isFenced()).toBe(true);
  });
});

describe('a request under a key', () => {
  it('is executed once, however often and wherever it arrives', () => {
    const quorum = TestQuorum.serving({ seed: 57 });
    const [sessionId] = openSessions(quorum, 1);
    const idempotencyKey = { sessionId: Number(sessionId), sequence: 0, forgetBelow: 0 };
    new TestBroker(quorum, 1).heartbeat();
    const request = { body: { name: 'orders' }, idempotencyKey };
    const submitted = [0, 1, 2, 0].map((at) => quorum.submit(quorum.node(at), 'createTopic', request));
    quorum.until(() => submitted.every(({ answers }) => answers.length === 1), 'all are answered');
    const responses = submitted.map(({ answers: [answer] }) => answer?.result);
    expect(responses[0]).toMatchObject({ ok: true, response: { name: 'orders' } });
    for (const response of responses) expect(response).toEqual(responses[0]);
    quorum.kill(quorum.leader());
    const again = quorum.call(quorum.leader(), 'createTopic', request);
    expect(again.result).toEqual(responses[0]);
    const other = { ...request, body: { name: 'payments' } };
    expect(codeOf(quorum.call(quorum.leader(), 'createTopic', other))).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('keeps its refusal, though it would be allowed by now', () => {
    const quorum = TestQuorum.serving({ seed: 59 });
    const [sessionId] = openSessions(quorum, 1);
    const idempotencyKey = { sessionId: Number(sessionId), sequence: 0, forgetBelow: 0 };
    const request = { body: { name: 'orders', replicationFactor: 1 }, idempotencyKey };
    const refused = quorum.call(quorum.leader(), 'createTopic', request);
    expect(codeOf(refused)).toBe('INVALID_REPLICATION_FACTOR');
    new TestBroker(quorum, 1).heartbeat();
    const again = quorum.call(quorum.leader(), 'createTopic', request);
    expect(again.result).toEqual(refused.result);
    expect(quorum.leader().running.image()?.topic.topics.size).toBe(0);
  });
});
