import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { createController, type Controller, type CreateControllerOptions } from '../../src/index.ts';

/** Controllers within this process, as a user would embed them; they end with the test, or when `whenOver` says. */
export async function startQuorum(
  count: number,
  options: Partial<CreateControllerOptions> = {},
  whenOver: (end: () => Promise<void>) => void = onTestFinished,
): Promise<readonly Controller[]> {
  const reserved = await reservePorts(count);
  whenOver(async () => reserved.release());
  const voters = reserved.ports.map((port, id) => `${id}@127.0.0.1:${port}`).join(',');
  return await Promise.all(
    reserved.ports.map(async (_port, nodeId) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'ottla-embedded-'));
      const controller = await createController({
        nodeId,
        dataDir,
        voters,
        http: '127.0.0.1:0',
        logLevel: 'silent',
        insecure: true,
        ...options,
      });
      whenOver(async () => {
        await controller.stop();
        rmSync(dataDir, { recursive: true, force: true });
      });
      return controller;
    }),
  );
}
