import { describe, expect, it } from 'vitest';
import type { BrokerEvent, Client } from '../../src/client/index.ts';
import { createTestQuorum, type TestQuorum } from '../../src/testing/index.ts';

const listeners = [{ name: 'PLAINTEXT', host: 'broker', port: 9092 }];

/** A run with everything in it, as text. */
async function story(seed: number): Promise<string> {
  const quorum = createTestQuorum({ seed });
  const said: string[] = [];
  const say = (what: string): void => void said.push(`${quorum.nowMs} ${what}`);
  const client = quorum.createClient();
  const brokers = [1, 2].map((id) => quorum.createBroker({ id, listeners }));
  for (const broker of brokers) broker.subscribe((event) => say(`${broker.id} ${event.type}`));
  await quorum.until(Promise.all(brokers.map((broker) => broker.whenUnfenced())));
  const { topicId } = await quorum.until(client.createTopic({ name: 'orders', assignments: [[1, 2]] }));
  say(`created ${topicId}`);
  const { leader } = quorum;
  if (leader !== null) quorum.kill(leader);
  await quorum.until(client.createTopic({ name: 'bills', assignments: [[2, 1]] }));
  say(`led by ${quorum.leader}`);
  return said.join('\n');
}

function leaderOf(quorum: TestQuorum): number {
  const { leader } = quorum;
  if (leader === null) throw new Error('nobody leads');
  return leader;
}

/** Opens a session and counts all that there are, the client's own among them. */
async function openedAndListed(client: Client): Promise<{ readonly sessions: number }> {
  const { offset } = await client.call('openSession', {});
  const image = await (await client.localImage()).whenAt(offset);
  return { sessions: image.session.sessions.size };
}

describe('a quorum in memory', () => {
  it('lets the same happen at the same times under the same seed, and something else under another', async () => {
    const first = await story(7);
    expect(await story(7)).toBe(first);
    expect(await story(8)).not.toBe(first);
  });

  it('elects another leader when its leader is killed, and takes it back with all that it had', async () => {
    const quorum = createTestQuorum();
    const client = quorum.createClient();
    await quorum.until(client.openSession());
    const before = leaderOf(quorum);
    quorum.kill(before);
    await quorum.until(client.openSession());
    expect(leaderOf(quorum)).not.toBe(before);
    quorum.start(before);
    await quorum.advance(2_000);
    // Of two that are left, one is the one that came back: nothing is committed without it.
    quorum.kill(leaderOf(quorum));
    const { sessions } = await quorum.until(openedAndListed(client));
    expect(sessions).toBe(4);
  });

  it('ends the lease of a broker that stands still before the controllers replace it', async () => {
    const quorum = createTestQuorum({ settings: { brokerSessionTimeoutMs: 3_000 } });
    const client = quorum.createClient();
    const [standing, other] = [1, 2].map((id) => quorum.createBroker({ id, listeners }));
    if (standing === undefined || other === undefined) throw new Error('there are two brokers');
    const { lease } = await quorum.until(standing.whenUnfenced());
    await quorum.until(other.whenUnfenced());
    await quorum.until(client.createTopic({ name: 'orders', assignments: [[1, 2]] }));
    await quorum.until(() => other.partitions.length === 1);
    expect(other.partitions[0]).toMatchObject({ topic: 'orders', leader: 1, isLeader: false });
    quorum.pause(standing, 20_000);
    await quorum.until(() => other.partitions[0]?.isLeader === true);
    // Its own program, had it run, would have known by its clock.
    expect(standing.lease.aborted).toBe(true);
    expect(lease.aborted).toBe(true);
    expect(standing.leaseRemainingMs).toBe(0);
    await quorum.until(standing.whenUnfenced());
  });

  it('tells a broker that is cut off nothing, and everything once the partition heals', async () => {
    const quorum = createTestQuorum();
    const client = quorum.createClient();
    const broker = quorum.createBroker({ id: 1, listeners });
    const seen: BrokerEvent['type'][] = [];
    broker.subscribe((event) => seen.push(event.type));
    await quorum.until(broker.whenUnfenced());
    quorum.partition([broker], [0, 1, 2]);
    await quorum.until(() => broker.state === 'fenced');
    await quorum.until(client.createTopic({ name: 'orders', assignments: [[1]] }));
    expect(broker.partitions).toEqual([]);
    quorum.heal();
    await quorum.until(() => broker.partitions.length === 1);
    await quorum.until(broker.whenUnfenced());
    expect(seen).toContain('fenced');
    await quorum.until(() => broker.partitions[0]?.isLeader === true);
    expect(await quorum.until(broker.close())).toEqual({ isControlled: true, failure: null });
  });

  it('reports a write as unknown when all controllers die while it is under way', async () => {
    const quorum = createTestQuorum({ seed: 3 });
    const client = quorum.createClient();
    await quorum.until(client.openSession());
    const writing = client.outcome('createTopic', { name: 'orders', partitions: 1 }, { exactlyOnce: false });
    await quorum.advance(0.2);
    for (const id of [0, 1, 2]) quorum.kill(id);
    expect((await quorum.until(writing)).type).toBe('unknown');
    const unanswered = client.outcome('describeFeatures', {}, { timeoutMs: 500 });
    expect((await quorum.until(unanswered)).type).toBe('unanswered');
    expect(quorum.leader).toBeNull();
  });

  it('follows the cluster by a watch and a copy, over the end of the node that it reads', async () => {
    const quorum = createTestQuorum();
    const client = quorum.createClient();
    const copy = await quorum.until(client.localImage());
    for (const id of [0, 1, 2]) {
      quorum.kill(id);
      const { offset } = await quorum.until(client.call('openSession', {}));
      const image = await quorum.until(copy.whenAt(offset));
      expect(image.endOffset).toBeGreaterThanOrEqual(offset);
      quorum.start(id);
      await quorum.advance(3_000);
    }
    // Three, and the one under which this client writes.
    expect(copy.image.session.sessions.size).toBe(4);
  });

  it('says what it waited for in vain, and what the controllers do meanwhile', async () => {
    const quorum = createTestQuorum({ controllers: 1 });
    await quorum.advance(5_000);
    await expect(quorum.until(() => false, { withinMs: 10 })).rejects.toThrow(
      /within 10 ms of virtual time\. Controller 0 is leader/,
    );
    expect(() => createTestQuorum({ settings: { colour: 1 } })).toThrow('There is no setting colour');
    quorum.kill(0);
    expect(() => quorum.kill(0)).toThrow('down already');
    expect(() => quorum.pause(9, 1)).toThrow('there is no controller 9');
  });
});
