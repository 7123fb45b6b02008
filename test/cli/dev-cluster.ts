import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { Child } from '../../bench/processes/child.ts';
import { mainFile } from '../../bench/processes/controller.ts';
import { devLayout } from '../../src/cli/dev/layout.ts';
import { checkPorts } from '../../src/cli/dev/ports.ts';
import { createClient } from '../../src/client/index.ts';

/** A bound against waiting for ever on a busy machine; never what is asserted. */
export const patienceMs = 50_000;

export function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ottla-dev-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The first of nine free ports, below those from which outgoing connections take theirs. */
export async function freeBasePort(): Promise<number> {
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

export type Dev = {
  readonly child: Child;
  readonly pids: ReadonlyMap<string, number>;
  readonly endpoints: readonly string[];
};

export async function start(dataDir: string, basePort: number): Promise<Child> {
  const args = [mainFile, 'dev', '--data-dir', dataDir, '--base-port', String(basePort)];
  const child = await Child.start({ name: 'ottla dev', command: process.execPath, args });
  onTestFinished(() => child.kill());
  onTestFailed(() => void process.stderr.write(`\n${child.dump()}\n`));
  return child;
}

export async function startReady(dataDir: string, basePort: number): Promise<Dev> {
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

export function pidOf(dev: Dev, name: string): number {
  const pid = dev.pids.get(name);
  if (pid === undefined) throw new Error(`${name} is not in the table`);
  return pid;
}

/** The controller that leads, asked at each endpoint by itself. */
export async function leaderOf(endpoints: readonly string[]): Promise<{ readonly nodeId: number }> {
  for (const endpoint of endpoints) {
    const client = createClient({ endpoints: [endpoint] });
    const { node } = await client.describeQuorum();
    await client.close();
    if (node.active) return { nodeId: node.nodeId };
  }
  throw new Error('nobody leads');
}
