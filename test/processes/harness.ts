import { afterAll, beforeAll, expect, onTestFailed, onTestFinished, vi } from 'vitest';
import { Brokers } from '../../bench/processes/brokers.ts';
import { Quorum, type Leadership, type QuorumOptions } from '../../bench/processes/quorum.ts';
import { isAlive } from './alive.ts';

export type Cluster = {
  readonly quorum: Quorum;
  readonly brokers: Brokers;
  readonly leadership: Leadership;
};

// A bound against hanging for ever; every wait has its own, shorter one, which says what it waited for.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 180_000 });

/** The session's timeout is waited for; elections after a kill are quick with their defaults (design 8). */
const quickSettings = { brokerSessionTimeoutMs: 3_000 } as const;

/** Places for a quorum's controllers, none of them started. All of it is cleared away after the test. */
export async function prepareQuorum(options: QuorumOptions = {}): Promise<Quorum> {
  const settings = { ...quickSettings, ...options.settings };
  const quorum = await Quorum.prepare({ ...options, settings });
  onTestFinished(async () => await quorum.close());
  onTestFailed(() => {
    process.stderr.write(`\n${quorum.dump()}\n`);
  });
  return quorum;
}

/** A quorum that serves, of processes that are really there. */
export async function startQuorum(
  options: QuorumOptions = {},
): Promise<{ readonly quorum: Quorum; readonly leadership: Leadership }> {
  const quorum = await prepareQuorum(options);
  await quorum.start();
  const leadership = await quorum.waitForLeader();
  expectRealProcesses(quorum);
  return { quorum, leadership };
}

/** A quorum and brokers, all of them processes of their own, each broker unfenced. */
export async function startCluster(
  options: QuorumOptions & { readonly brokerCount?: number } = {},
): Promise<Cluster> {
  const { brokerCount = 3, ...quorumOptions } = options;
  const { quorum, leadership } = await startQuorum(quorumOptions);
  const brokers = await Brokers.start(quorum, brokerCount);
  onTestFinished(async () => await brokers.close());
  onTestFailed(() => {
    process.stderr.write(`\n${brokers.dump()}\n`);
  });
  return { quorum, brokers, leadership };
}

/** One cluster for all tests of a file that leave it as it was; ask for it within a test. */
export function sharedCluster(
  options: QuorumOptions & { readonly brokerCount?: number } = {},
): () => Cluster {
  const { brokerCount = 3, ...quorumOptions } = options;
  let quorum: Quorum | null = null;
  let cluster: Cluster | null = null;
  beforeAll(async () => {
    quorum = await Quorum.prepare({ ...quorumOptions, settings: { ...quickSettings, ...options.settings } });
    await quorum.start();
    const leadership = await quorum.waitForLeader();
    expectRealProcesses(quorum);
    const brokers = await Brokers.start(quorum, brokerCount);
    cluster = { quorum, brokers, leadership };
  });
  afterAll(async () => {
    await cluster?.brokers.close();
    await quorum?.close();
  });
  return () => {
    if (cluster === null) throw new Error('the cluster is there within tests only');
    const { quorum: shared } = cluster;
    onTestFailed(() => {
      process.stderr.write(`\n${shared.dump()}\n`);
    });
    return cluster;
  };
}

/** Every controller that should run is a process of its own, and none of them is this one. */
export function expectRealProcesses(quorum: Quorum): void {
  const pids = quorum.controllers.filter(({ isRunning }) => isRunning).map(({ pid }) => pid);
  expect(new Set([...pids, process.pid]).size).toBe(pids.length + 1);
  for (const pid of pids) expect(isAlive(pid)).toBe(true);
}
