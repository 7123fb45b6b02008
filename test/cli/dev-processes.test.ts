import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { Child } from '../../bench/processes/child.ts';
import { mainFile } from '../../bench/processes/controller.ts';
import { createClient } from '../../src/client/index.ts';
import { checkPorts } from '../../src/cli/dev/ports.ts';
import { devLayout } from '../../src/cli/dev/layout.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { isAlive } from '../processes/alive.ts';

/** A bound against waiting for ever on a busy machine; never what is asserted. */
const patienceMs = 50_000;

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ottla-dev-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The first of nine free ports, below those from which outgoing connections take theirs. */
async function freeBasePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const basePort = randomInt(10_240, 32_000 - 9);
    const isFree = await checkPorts(devLayout('unused', basePort)).then(
      () => true,
      () => false,
    );
    if (isFree) return basePort;
  }
  throw new Error('nine free ports in a row were not found');
}

type Dev = {
  readonly child: Child;
  readonly pids: ReadonlyMap<string, number>;
  readonly endpoints: readonly string[];
};

async function start(dataDir: string, basePort: number): Promise<Child> {
  const args = [mainFile, 'dev', '--data-dir', dataDir, '--base-port', String(basePort)];
  const child = await Child.start({ name: 'ottla dev', command: process.execPath, args });
  onTestFinished(() => child.kill());
  onTestFailed(() => void process.stderr.write(`\n${child.dump()}\n`));
  return child;
}

async function startReady(dataDir: string, basePort: number): Promise<Dev> {
  const child = await start(dataDir, basePort);
  await child.waitForLine(/^Ready\./, 0, patienceMs);
  const pids = new Map<string, number>();
  for (const line of child.lines) {
    const match = /^((?:controller|broker) \d)\s+http\S+\s+(\d+)$/.exec(line);
    if (match !== null) pids.set(match[1] ?? '', Number(match[2]));
  }
  const endpoints = devLayout(dataDir, basePort).controllers.map((controller) => controller.url);
  return { child, pids, endpoints };
}

function pidOf(dev: Dev, name: string): number {
  const pid = dev.pids.get(name);
  if (pid === undefined) throw new Error(`${name} is not in the table`);
  return pid;
}

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

/** The controller that leads, asked at each endpoint by itself. */
async function leaderOf(endpoints: readonly string[]): Promise<{ readonly nodeId: number }> {
  for (const endpoint of endpoints) {
    const client = createClient({ endpoints: [endpoint] });
    const { node } = await client.describeQuorum();
    await client.close();
    if (node.active) return { nodeId: node.nodeId };
  }
  throw new Error('nobody leads');
}
