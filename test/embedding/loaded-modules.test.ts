import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { createController } from '../../src/index.ts';

/** Packages that this process has loaded; the API browser and the command line are of the kind that shows here. */
function loadedPackages(): ReadonlySet<string> {
  const files = Object.keys(createRequire(import.meta.url).cache);
  return new Set(files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? ''));
}

async function start(apiBrowser: boolean) {
  const reserved = await reservePorts(1);
  onTestFinished(() => reserved.release());
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-embedded-'));
  const controller = await createController({
    nodeId: 0,
    dataDir,
    voters: `0@127.0.0.1:${reserved.ports[0]}`,
    http: '127.0.0.1:0',
    apiBrowser,
    logLevel: 'silent',
  });
  onTestFinished(async () => {
    await controller.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return controller;
}

it('embedding a controller loads no API browser and no command line until an API browser is wanted', async () => {
  const controller = await start(false);
  expect((await fetch(`${controller.httpUrl}/openapi.json`)).status).toBe(200);
  const loaded = loadedPackages();
  expect(loaded).toContain('fastify');
  for (const unwanted of ['@fastify/swagger', '@fastify/swagger-ui', '@fastify/static', 'commander']) {
    expect(loaded).not.toContain(unwanted);
  }
  const other = await start(true);
  expect((await fetch(`${other.httpUrl}/docs`)).status).toBe(200);
  expect(loadedPackages()).toContain('@fastify/swagger-ui');
});
