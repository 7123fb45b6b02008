import { describe, expect, it } from 'vitest';
import type { Controller } from '../../bench/processes/controller.ts';
import type { Quorum } from '../../bench/processes/quorum.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { createTopic, topicsOn } from './api.ts';
import { startCluster } from './harness.ts';

/** Creates topics until `isEnough` says so; gives the highest offset that was acknowledged. */
async function writeUntil(
  leader: Controller,
  prefix: string,
  isEnough: (written: number) => Promise<boolean>,
): Promise<number> {
  let offset = 0;
  for (let written = 0; !(await isEnough(written)); written++) {
    const created = await createTopic(leader, `${prefix}-${written}`, 8);
    offset = created.offset;
  }
  return offset;
}

async function expectSameTopics(quorum: Quorum, offset: number): Promise<void> {
  const [first, ...others] = await Promise.all(
    quorum.controllers.map((controller) => topicsOn(controller, offset)),
  );
  for (const other of others) expect(other).toEqual(first);
}

describe('a follower that was away', () => {
  it('catches up by log when it was away for a short time', async () => {
    const { quorum, leadership } = await startCluster({ brokerCount: 1 });
    const { leader } = leadership;
    const [follower] = quorum.others(leader);
    if (follower === undefined) throw new Error('there is no follower');
    await createTopic(leader, 'before');
    await follower.killHard();
    const offset = await writeUntil(leader, 'while-away', (written) => Promise.resolve(written >= 50));
    await follower.start();
    await quorum.waitUntilCaughtUp(offset);
    const view = await follower.view();
    expect(view?.snapshotChunksReceived).toBe(0);
    await expectSameTopics(quorum, offset);
  });

  it('catches up by snapshot when the log no longer reaches back to where it was', async () => {
    const settings = { segmentBytes: 8_192, checkpointBytes: 16_384, logRetentionBytes: 16_384 };
    const { quorum, leadership } = await startCluster({ brokerCount: 1, settings });
    const { leader } = leadership;
    const [follower] = quorum.others(leader);
    if (follower === undefined) throw new Error('there is no follower');
    await createTopic(leader, 'before');
    await follower.killHard();
    const endOfFollower = (await leader.view())?.logEndOffset ?? 0;
    const offset = await writeUntil(
      leader,
      'while-away',
      async () => ((await leader.view())?.logStartOffset ?? 0) > endOfFollower,
    );
    await follower.start();
    await quorum.waitUntilCaughtUp(offset);
    const view = await waitFor(
      'the follower answers',
      async () => (await follower.view()) ?? new NotYet('it does not'),
    );
    expect(view.snapshotChunksReceived).toBeGreaterThan(0);
    expect((await leader.view())?.logStartOffset).toBeGreaterThan(endOfFollower);
    await expectSameTopics(quorum, offset);
    // What it took in lasts: it starts again from its own directory.
    await follower.killHard();
    await follower.start();
    await quorum.waitUntilCaughtUp(offset);
    expect((await follower.view())?.snapshotChunksReceived).toBe(0);
    await expectSameTopics(quorum, offset);
  });
});
