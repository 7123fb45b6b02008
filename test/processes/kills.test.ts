import { describe, expect, it } from 'vitest';
import type { Controller } from '../../bench/processes/controller.ts';
import type { Quorum } from '../../bench/processes/quorum.ts';
import { expectRealProcesses, startCluster } from './harness.ts';
import { clusterIdOf, expectNothingLost, Load } from './load.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';

/** Lets the load go on until so many more writes were acknowledged. */
async function untilAcknowledged(load: Load, more: number, quorum: Quorum): Promise<void> {
  const goal = load.ledger.acknowledgedCount + more;
  await waitFor(
    `${more} more writes are acknowledged`,
    () => (load.ledger.acknowledgedCount >= goal ? true : new NotYet(`${load.ledger.acknowledgedCount}`)),
    { describe: () => quorum.dump() },
  );
}

/** Starts load on a new cluster, does `fault` in the midst of it, and compares when all nodes are back. */
async function underLoad(
  fault: (quorum: Quorum, load: Load, leader: Controller) => Promise<void>,
): Promise<string> {
  const { quorum, leadership } = await startCluster();
  const load = new Load(quorum, { clusterId: await clusterIdOf(quorum) });
  await untilAcknowledged(load, 40, quorum);
  await fault(quorum, load, leadership.leader);
  await untilAcknowledged(load, 40, quorum);
  const ledger = await load.stop();
  await quorum.waitUntilCaughtUp(ledger.offset);
  expectRealProcesses(quorum);
  const result = await expectNothingLost(quorum, ledger);
  process.stdout.write(`  ${result}\n`);
  return result;
}

const nothingLost = /^acknowledged \d+, missing 0, duplicated 0, unknown \d+$/;

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
