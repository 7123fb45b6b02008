import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { startQuorum } from './quorum.ts';

/** Packages that this process has loaded; the API browser and the command line are of the kind that shows here. */
function loadedPackages(): ReadonlySet<string> {
  const files = Object.keys(createRequire(import.meta.url).cache);
  return new Set(files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? ''));
}

it('embedding a controller loads no API browser and no command line until an API browser is wanted', async () => {
  const [controller] = await startQuorum(1);
  expect((await fetch(`${controller?.httpUrl}/openapi.json`)).status).toBe(200);
  const loaded = loadedPackages();
  expect(loaded).toContain('fastify');
  for (const unwanted of ['@fastify/swagger', '@fastify/swagger-ui', '@fastify/static', 'commander']) {
    expect(loaded).not.toContain(unwanted);
  }
  const [other] = await startQuorum(1, { apiBrowser: true });
  expect((await fetch(`${other?.httpUrl}/docs`)).status).toBe(200);
  expect(loadedPackages()).toContain('@fastify/swagger-ui');
});
