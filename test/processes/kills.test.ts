import { describe, expect, it } from 'vitest';
import { nothingLost, underLoad, untilAcknowledged } from './under-load.ts';

describe('a quorum of three real processes', () => {
  it('loses nothing that was acknowledged when its leader is killed under load', async () => {
    const result = await underLoad(async (quorum, load, leader) => {
      const before = await leader.view();
      await leader.killHard();
      const next = await quorum.waitForLeader({ epochAbove: before?.epoch ?? 0 });
      expect(next.leader.id).not.toBe(leader.id);
      await untilAcknowledged(load, 20, quorum);
      await leader.start();
    });
    expect(result).toMatch(nothingLost);
  });

  it('goes on without a pause when a follower is killed under load, and takes it back', async () => {
    const result = await underLoad(async (quorum, load, leader) => {
      const epoch = (await leader.view())?.epoch;
      const [follower] = quorum.others(leader);
      await follower?.killHard();
      await untilAcknowledged(load, 20, quorum);
      expect((await leader.view())?.epoch).toBe(epoch);
      await follower?.start();
    });
    expect(result).toMatch(nothingLost);
  });

  it('has everything that was acknowledged after all three are killed at once under load', async () => {
    const result = await underLoad(async (quorum) => {
      await Promise.all(quorum.controllers.map((controller) => controller.killHard()));
      await quorum.start();
      await quorum.waitForLeader();
    });
    expect(result).toMatch(nothingLost);
  });

  it('loses nothing when twenty leaders in a row are killed under load', { timeout: 900_000 }, async () => {
    const killed: number[] = [];
    const result = await underLoad(async (quorum, load) => {
      for (let round = 0; round < 20; round++) {
        const { leader, epoch } = await quorum.waitForLeader();
        killed.push(leader.pid);
        await leader.killHard();
        await quorum.waitForLeader({ epochAbove: epoch });
        await untilAcknowledged(load, 5, quorum);
        await leader.start();
        await quorum.waitUntilCaughtUp(load.ledger.offset);
      }
    });
    expect(new Set(killed).size).toBe(20);
    expect(result).toMatch(nothingLost);
  });
});
