import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { assertDefined } from '../../src/base/assert.ts';

const root = join(import.meta.dirname, '../..');

/** The first program of the page on TypeScript that calls something, as it stands there. */
function programWith(call: string): string {
  const page = readFileSync(join(root, 'docs/SDK.md'), 'utf8');
  const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program ?? '');
  return assertDefined(
    programs.find((program) => program.includes(call)),
    `the page has a program with ${call}`,
  );
}

/** Runs a program as a user's own, with the package as it is built; gives what it printed and which files it loaded. */
async function run(program: string): Promise<{ readonly printed: string; readonly loaded: string }> {
  // Below the package's own folder, where its name means itself.
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(root, '.tmp', 'snippet-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'program.mjs'), program);
  const list = join(folder, 'loaded.txt');
  const child = spawn(
    process.execPath,
    ['--import', join(import.meta.dirname, 'list-modules.mjs'), 'program.mjs'],
    { cwd: folder, env: { ...process.env, LIST_MODULES_TO: list }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (text: Buffer) => {
    printed += text.toString();
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  return { printed, loaded: readFileSync(list, 'utf8') };
}

it('a controller is embedded in at most ten lines, as the page on TypeScript has them, and answers', async () => {
  const snippet = programWith('createController(');
  const lines = snippet.split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThanOrEqual(10);
  const reserved = await reservePorts(2);
  onTestFinished(() => reserved.release());
  const [http, peers] = reserved.ports;
  const placed = snippet.replace('127.0.0.1:9644', `127.0.0.1:${http}`).replace('9645', String(peers));
  const { printed, loaded } = await run(`${placed}
    import { createClient } from 'ottla/client';
    const client = createClient({ endpoints: [controller.httpUrl] });
    console.log(JSON.stringify(await client.describeFeatures()));
    await client.close();
    await controller.stop();`);
  expect(printed).toContain('metadata.version');
  expect(loaded).toContain('/dist/src/index.js');
  expect(loaded).toContain('/node_modules/fastify/');
  for (const unwanted of ['/dist/src/cli/', '/node_modules/commander/', '/node_modules/@fastify/swagger']) {
    expect(loaded).not.toContain(unwanted);
  }
});

it('the client alone loads nothing of a server', async () => {
  const { loaded } = await run("import 'ottla/client';");
  expect(loaded).toContain('/dist/src/client/index.js');
  for (const unwanted of ['fastify', 'pino', 'level', 'classic-level', 'prom-client']) {
    expect(loaded).not.toContain(`/node_modules/${unwanted}/`);
  }
  for (const unwanted of ['http', 'server', 'storage', 'transport']) {
    expect(loaded).not.toContain(`/dist/src/${unwanted}/`);
  }
});

it('the page’s test with a quorum in memory does what it says, the same each time, and loads no server', async () => {
  const program = programWith('createTestQuorum(');
  const runs = [await run(program), await run(program)];
  const [first, second] = runs.map(({ printed }) => printed);
  expect(first).toMatch(/^[\d.]+ ms: broker 2 leads, and the lease of broker 1 is over\n$/);
  expect(second).toBe(first);
  for (const unwanted of ['fastify', 'pino', 'level', 'classic-level', 'prom-client', 'commander']) {
    expect(runs[0]?.loaded).not.toContain(`/node_modules/${unwanted}/`);
  }
});
