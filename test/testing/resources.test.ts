import { describe, expect, it } from 'vitest';
import { type ResourceEvent, resourcesOf, UnexpectedAnswerError } from '../../src/client/index.ts';
import { createTestQuorum, type TestQuorum } from '../../src/testing/index.ts';
import { newerQuotas, quotas } from '../metadata/quotas.ts';

const quota = (bytesPerSecond: number) => ({ bytesPerSecond });

async function take<Value>(
  events: AsyncIterator<Value>,
  quorum: TestQuorum,
  count: number,
): Promise<Value[]> {
  const taken: Value[] = [];
  while (taken.length < count) {
    const next = await quorum.until(events.next());
    if (next.done === true) return taken;
    taken.push(next.value);
  }
  return taken;
}

const changes = (events: readonly ResourceEvent<{ readonly bytesPerSecond: number }>[]) =>
  events.flatMap((event) => {
    if (event.type === 'put') return [`${event.key}=${event.value.bytesPerSecond}`];
    return event.type === 'delete' ? [`${event.key} is gone`] : [];
  });

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('kinds of one’s own in a quorum in memory', () => {
  it('are written and read by type, from a quorum that is born with them', async () => {
    const quorum = createTestQuorum({ resources: [quotas] });
    const client = quorum.createClient();
    const resource = client.resource(quotas);
    const { lastModified } = await quorum.until(resource.put('alice', quota(5)));
    expect(await quorum.until(resource.get('alice'))).toEqual({
      key: 'alice',
      value: quota(5),
      version: 1,
      lastModified,
    });
    expect(await quorum.until(resource.get('nobody'))).toBeNull();
    await expect(quorum.until(resource.put('alice', quota(4)))).rejects.toMatchObject({
      code: 'INVALID_RESOURCE',
    });
    await expect(
      quorum.until(resource.put('alice', quota(6), { ifMatch: lastModified - 1 })),
    ).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    await quorum.until(resource.put('alice', quota(6), { ifMatch: lastModified }));
    await quorum.until(resource.put('bob', quota(7), { validateOnly: true }));
    expect(await quorum.until(collect(resource.list()))).toMatchObject([{ key: 'alice', value: quota(6) }]);
    expect(await quorum.until(resource.delete('alice'))).toBe(true);
    expect(await quorum.until(resource.delete('alice'))).toBe(false);
    expect(await quorum.until(collect(resource.list()))).toEqual([]);
  });

  it('reject a rule that throws as a bug of the operation, and go on', async () => {
    const quorum = createTestQuorum({ resources: [quotas] });
    const resource = quorum.createClient().resource(quotas);
    await expect(quorum.until(resource.put('broken', quota(1)))).rejects.toMatchObject({
      code: 'UNKNOWN_SERVER_ERROR',
    });
    await quorum.until(resource.put('alice', quota(1)));
  });

  it('outlive leaders, kills and restarts, and are the same on every node', async () => {
    const quorum = createTestQuorum({ resources: [quotas], settings: { checkpointBytes: 2_000 } });
    const resource = quorum.createClient().resource(quotas);
    await quorum.until(resource.put('alice', quota(1)));
    for (let round = 2; round < 8; round++) {
      const { leader } = quorum;
      if (leader === null) throw new Error('nobody leads');
      quorum.kill(leader);
      await quorum.until(resource.put('alice', { ...quota(round), note: 'n'.repeat(900) }));
      quorum.start(leader);
      await quorum.advance(3_000);
    }
    for (const controller of [0, 1, 2]) quorum.kill(controller);
    for (const controller of [0, 1, 2]) quorum.start(controller);
    expect(await quorum.until(resource.get('alice'))).toMatchObject({ value: { bytesPerSecond: 7 } });
  });

  it('are watched by type: the state, then every change, from where one was', async () => {
    const quorum = createTestQuorum({ resources: [quotas] });
    const resource = quorum.createClient().resource(quotas);
    await quorum.until(resource.put('alice', quota(1)));
    // A watch shows what the node that is asked has applied.
    await quorum.advance(1_000);
    const events = resource.watch()[Symbol.asyncIterator]();
    const state = await take(events, quorum, 3);
    expect(state.map(({ type }) => type)).toEqual(['begin', 'put', 'ready']);
    await quorum.until(resource.put('bob', quota(2)));
    await quorum.until(resource.delete('alice'));
    const later = await take(events, quorum, 4);
    expect(changes([...state, ...later])).toEqual(['alice=1', 'bob=2', 'alice is gone']);
    const bookmark = later.at(1);
    if (bookmark?.type !== 'bookmark') throw new Error('a change is followed by where to resume');
    await events.return?.();
    const resumed = resource.watch({ since: bookmark.offset })[Symbol.asyncIterator]();
    expect(changes(await take(resumed, quorum, 1))).toEqual(['alice is gone']);
    await resumed.return?.();
  });

  it('stand in a copy that was given them, and are left out of one that was not', async () => {
    const quorum = createTestQuorum({ resources: [quotas] });
    const client = quorum.createClient();
    const resource = client.resource(quotas);
    await quorum.until(resource.put('alice', quota(1)));
    const copy = await quorum.until(client.localImage({ resources: [quotas] }));
    const without = await quorum.until(client.localImage());
    const { lastModified } = await quorum.until(resource.put('bob', quota(2)));
    const image = await quorum.until(copy.whenAt(lastModified + 1));
    expect(Array.from(resourcesOf(image, quotas).values(), ({ key }) => key)).toEqual(['alice', 'bob']);
    const other = await quorum.until(without.whenAt(lastModified + 1));
    expect(resourcesOf(other, quotas).size).toBe(0);
    expect(other.topic.topics.size).toBe(0);
  });
});

describe('a controller that was not given a kind', () => {
  it('stops by the kind’s name before it applies any of it, from its log and from a snapshot', async () => {
    for (const checkpointBytes of [1_000_000, 1_000]) {
      const quorum = createTestQuorum({ resources: [quotas], settings: { checkpointBytes } });
      const resource = quorum.createClient().resource(quotas);
      for (let count = 1; count < 9; count++) {
        await quorum.until(resource.put('alice', { ...quota(count), note: 'n'.repeat(900) }));
      }
      quorum.kill(0);
      quorum.start(0, { resources: [] });
      await expect(quorum.until(() => false, { withinMs: 5_000 })).rejects.toThrow(
        /Controller 0 .*(?:has stopped|has not started): .*kind\.quota.* this node supports none of it/,
      );
    }
  });

  it('holds up the kind’s next version until it is there, and what the earlier one wrote is read', async () => {
    const quorum = createTestQuorum({ resources: [quotas] });
    const client = quorum.createClient();
    await quorum.until(client.resource(quotas).put('alice', quota(5)));
    const upgrade = (controller: number): Promise<void> => {
      quorum.kill(controller);
      quorum.start(controller, { resources: [newerQuotas] });
      return quorum.advance(5_000);
    };
    await upgrade(0);
    const raise = { feature: 'kind.quota', featureLevel: 2 };
    await expect(quorum.until(client.updateFeature(raise))).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
    await upgrade(1);
    await upgrade(2);
    const newer = client.resource(newerQuotas);
    expect(await quorum.until(newer.get('alice'))).toMatchObject({
      value: { rate: 5, burstMs: 0 },
      version: 1,
    });
    await expect(quorum.until(newer.put('alice', { rate: 6, burstMs: 9 }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
    await quorum.until(client.updateFeature(raise));
    await quorum.until(newer.put('alice', { rate: 6, burstMs: 9 }));
    await expect(quorum.until(client.resource(quotas).get('alice'))).rejects.toThrow(UnexpectedAnswerError);
    await expect(quorum.until(client.resource(quotas).get('alice'))).rejects.toThrow(
      /the quota alice is of version 2 of the kind, and 1 is the newest known here/,
    );
  });
});
