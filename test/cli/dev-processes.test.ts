import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { isAlive } from '../processes/alive.ts';
import {
  type Dev,
  directory,
  freeBasePort,
  leaderOf,
  patienceMs,
  pidOf,
  start,
  startReady,
} from './dev-cluster.ts';

/** The names of those that still run. */
function living(dev: Dev): readonly string[] {
  return [...dev.pids].filter(([, pid]) => isAlive(pid)).map(([name]) => name);
}

describe('ottla dev', () => {
  it('runs six processes, tells of their deaths, stops on SIGTERM, and finds its data again', async () => {
    const [dataDir, basePort] = [directory(), await freeBasePort()];
    const dev = await startReady(dataDir, basePort);
    expect([...dev.pids.keys()]).toEqual([
      'controller 0',
      'controller 1',
      'controller 2',
      'broker 1',
      'broker 2',
      'broker 3',
    ]);
    expect(new Set(dev.pids.values()).size).toBe(6);
    for (const pid of dev.pids.values()) expect(isAlive(pid)).toBe(true);

    const client = createClient({ endpoints: dev.endpoints, timeoutMs: patienceMs });
    onTestFinished(() => client.close());
    await client.createTopic({ name: 'orders', partitions: 6, replicationFactor: 3 });
    process.kill(pidOf(dev, 'broker 2'), 'SIGKILL');
    await dev.child.waitForLine(/broker 2 \(pid \d+\) ended by SIGKILL/, 0, patienceMs);
    await dev.child.waitForLine(/broker 2 is fenced: others lead/, 0, patienceMs);
    const { partitions } = await client.listPartitions({ topic: 'orders' });
    expect(partitions.filter(({ leader }) => leader === 2 || leader < 0)).toEqual([]);

    const { nodeId } = await leaderOf(dev.endpoints);
    process.kill(pidOf(dev, `controller ${nodeId}`), 'SIGKILL');
    await dev.child.waitForLine(/controller \d leads now/, 0, patienceMs);

    dev.child.signal('SIGTERM');
    expect(await dev.child.waitForEnd(patienceMs)).toEqual({ code: 0, signal: null });
    await expect.poll(() => living(dev), { timeout: patienceMs }).toEqual([]);

    const again = await startReady(dataDir, basePort);
    expect((await client.describeTopic({ topic: 'orders' })).partitionCount).toBe(6);
    again.child.signal('SIGINT');
    expect(await again.child.waitForEnd(patienceMs)).toEqual({ code: 0, signal: null });
    await expect.poll(() => living(again), { timeout: patienceMs }).toEqual([]);
  }, 180_000);

  it('leaves no process behind when it is killed itself', async () => {
    const dev = await startReady(directory(), await freeBasePort());
    dev.child.signal('SIGKILL');
    await dev.child.waitForEnd(patienceMs);
    await expect.poll(() => living(dev), { timeout: patienceMs }).toEqual([]);
  }, 120_000);

  it('refuses to start beside itself, and says what to do', async () => {
    const [dataDir, basePort] = [directory(), await freeBasePort()];
    await startReady(dataDir, basePort);
    const samePorts = await start(directory(), basePort);
    expect((await samePorts.waitForEnd(patienceMs)).code).toBe(exitCodes.cannotStart.code);
    expect(samePorts.output).toContain('are taken on 127.0.0.1');
    const sameDirectory = await start(dataDir, await freeBasePort());
    expect((await sameDirectory.waitForEnd(patienceMs)).code).toBe(exitCodes.cannotStart.code);
    expect(sameDirectory.output).toContain(`--base-port ${basePort}`);
  }, 120_000);
});
