import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { createController } from '../../src/index.ts';
import { requestAdministrator } from '../../src/server/administrators.ts';
import { inspectStorage } from '../../src/server/inspect-storage.ts';
import { readLogDirectory } from '../../src/server/read-log-directory.ts';
import { servePopulated } from './populated.ts';
import { cli, type CliRun } from './run.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ottla-log-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A command line that reads directories in earnest. */
function offline(...args: readonly string[]): Promise<CliRun> {
  return cli(args, { inspectStorage, readLogDirectory, requestAdministrator });
}

/** The directory of a controller that has led a quorum of one, and has stopped. */
async function stoppedDirectory(): Promise<string> {
  const dataDir = join(folder(), 'controller-0');
  const controller = await createController({
    nodeId: 0,
    dataDir,
    voters: '0@127.0.0.1:59645',
    peers: '127.0.0.1:0',
    http: '127.0.0.1:0',
    logLevel: 'silent',
    insecure: true,
  });
  const status = () => cli(['quorum', 'status', '--endpoints', controller.httpUrl]);
  await expect.poll(async () => (await status()).exitCode, { timeout: 20_000 }).toBe(0);
  await controller.stop();
  return dataDir;
}

function bytesOf(path: string): string {
  if (statSync(path).isFile()) return readFileSync(path).toString('base64');
  return readdirSync(path)
    .sort()
    .map((name) => `${name}:${bytesOf(join(path, name))}`)
    .join();
}

describe('ottla watch', () => {
  it('says that it waits, where it is to begin at what is not committed yet', async () => {
    const { run, url } = await servePopulated();
    const said: string[] = [];
    const terminal = { out: () => {}, err: (text: string) => void said.push(text), isColoured: false };
    const args = ['watch', '--since', '11', '--limit', '1', '--endpoints', url];
    const watching = cli(args, { terminal });
    const line = 'The log stands at 10: nothing is shown until it has reached 11.\n';
    await expect.poll(() => said).toEqual([line]);
    await run('topic', 'delete', 'orders');
    expect((await watching).exitCode).toBe(0);
  });
});

describe('ottla log tail', () => {
  it('shows the last records of a running controller', async () => {
    const { run } = await servePopulated();
    const { out, exitCode } = await run('log', 'tail', '-n', '2');
    expect(exitCode).toBe(0);
    expect(out.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual(['OFFSET', '8', '9', '']);
  });

  it('goes on with what is committed, until it is interrupted', async () => {
    const { run, url } = await servePopulated();
    const lines: string[] = [];
    const terminal = { out: (text: string) => void lines.push(text), err: () => {}, isColoured: false };
    const following = cli(['log', 'tail', '-n', '1', '-f', '-o', 'json', '--endpoints', url], { terminal });
    await expect.poll(() => lines).toHaveLength(1);
    await run('topic', 'delete', 'orders');
    await expect.poll(() => lines.join('')).toContain('RemoveTopicRecord');
    process.emit('SIGINT');
    expect((await following).exitCode).toBe(0);
  });

  it('does not follow what does not grow', async () => {
    const done = await offline('log', 'tail', '-f', '--data-dir', './data');
    expect(done.exitCode).toBe(exitCodes.usage.code);
    expect(done.err).toContain('exclude each other');
  });
});

describe('a stopped controller’s directory', () => {
  it('is dumped, tailed and described, and left as it was', async () => {
    const dataDir = await stoppedDirectory();
    const before = bytesOf(dataDir);
    const dump = await offline('log', 'dump', '--data-dir', dataDir);
    expect(dump.out).toContain('LeaderChange');
    const tail = await offline('log', 'tail', '-n', '1', '--data-dir', dataDir);
    expect(tail.out.trimEnd().split('\n')).toHaveLength(2);
    expect(dump.out.trimEnd().split('\n').at(-1)?.trim().split(/\s+/)[0]).toBe(
      tail.out.trimEnd().split('\n').at(-1)?.trim().split(/\s+/)[0],
    );
    const info = await offline('storage', 'info', '--data-dir', dataDir);
    expect(info.exitCode).toBe(0);
    expect(info.out).toMatch(/^Controller +0$/m);
    expect(info.out).toMatch(/^Used by +nobody$/m);
    expect(info.out).toMatch(/^Log +0 to \d+$/m);
    expect(info.out).toMatch(/^Damage +none$/m);
    expect(bytesOf(dataDir)).toBe(before);
  });

  it('is said to be damaged where it is, with an exit code of its own', async () => {
    const dataDir = await stoppedDirectory();
    writeFileSync(join(dataDir, 'metadata', 'quorum-state-a'), 'nonsense');
    const info = await offline('storage', 'info', '--data-dir', dataDir);
    expect(info.exitCode).toBe(exitCodes.checkFailed.code);
    expect(info.err).toContain('quorum-state-a: a quorum state of 8 bytes');
    expect(info.out).toMatch(/^Epoch +\d+$/m);
  });

  it('is said to be damaged where a byte of its log has turned', async () => {
    const dataDir = await stoppedDirectory();
    const log = join(dataDir, 'metadata', 'log');
    const segment = join(log, readdirSync(log).find((name) => name.startsWith('segment-')) ?? '');
    const bytes = readFileSync(segment);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    // Between frames there is room, where a turned byte harms nothing.
    const position = bytes.findIndex((byte, index) => index > end / 2 && byte !== 0);
    bytes.writeUInt8(bytes.readUInt8(position) ^ 0xff, position);
    writeFileSync(segment, bytes);
    const info = await offline('storage', 'info', '--data-dir', dataDir);
    expect(info.exitCode).toBe(exitCodes.checkFailed.code);
    expect(info.err).toContain(`${segment} at position`);
    expect(info.out).toMatch(/^Controller +0$/m);
  });

  it.each([
    ['log', 'dump'],
    ['log', 'tail'],
    ['storage', 'info'],
    ['token', 'recover'],
  ])('is told from another folder, and one below it is named: %s %s', async (...verb) => {
    const parent = folder();
    mkdirSync(join(parent, 'controller-7', 'metadata'), { recursive: true });
    writeFileSync(join(parent, 'controller-7', 'metadata', 'node.properties'), '');
    const wrong = await offline(...verb, '--data-dir', parent);
    expect(wrong.exitCode).toBe(exitCodes.notFound.code);
    expect(wrong.err).toContain('is no controller’s data directory');
    expect(wrong.err).toContain(`did you mean ${join(parent, 'controller-7')}?`);
    const absent = await offline(...verb, '--data-dir', join(parent, 'nowhere'));
    expect(absent.exitCode).toBe(exitCodes.notFound.code);
    expect(absent.err).toContain(`there is no folder ${join(parent, 'nowhere')}`);
    expect(readdirSync(parent)).toEqual(['controller-7']);
  });
});
