import type { Controller } from '../../bench/processes/controller.ts';
import type { Quorum } from '../../bench/processes/quorum.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { expectRealProcesses, startCluster } from './harness.ts';
import { clusterIdOf, expectNothingLost, Load } from './load.ts';

export const nothingLost = /^acknowledged \d+, missing 0, duplicated 0, unknown \d+$/;

/** Lets the load go on until so many more writes were acknowledged. */
export async function untilAcknowledged(load: Load, more: number, quorum: Quorum): Promise<void> {
  const goal = load.ledger.acknowledgedCount + more;
  await waitFor(
    `${more} more writes are acknowledged`,
    () => (load.ledger.acknowledgedCount >= goal ? true : new NotYet(`${load.ledger.acknowledgedCount}`)),
    { describe: () => quorum.dump() },
  );
}

/** Starts load on a new cluster, does `fault` in the midst of it, and compares when all nodes are back. */
export async function underLoad(
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
