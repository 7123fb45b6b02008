import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Child } from '../../bench/processes/child.ts';
import { mainFile } from '../../bench/processes/controller.ts';
import { reservePorts } from '../../bench/processes/ports.ts';
import { createClient, OttlaError } from '../../src/client/index.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';

type Started = { readonly child: Child; readonly url: string; readonly directory: string };

/** `ottla server start` of the only controller of a cluster, which asks who it talks to and says all it can. */
async function startController(more: (directory: string) => readonly string[] = () => []): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-tokens-'));
  const reserved = await reservePorts(2);
  const [http, peers] = reserved.ports;
  const given = more(directory);
  const args = [
    'server',
    'start',
    '--node-id',
    '0',
    '--data-dir',
    join(directory, 'data'),
    '--log-level',
    'debug',
  ];
  const addresses = ['--voters', `0@127.0.0.1:${peers}`, '--http', `127.0.0.1:${http}`];
  const child = await Child.start({
    name: 'controller',
    command: process.execPath,
    args: [mainFile, ...args, ...addresses, ...given],
  });
  onTestFinished(async () => {
    await child.kill();
    reserved.release();
    rmSync(directory, { recursive: true, force: true });
  });
  return { child, url: `${given.length === 0 ? 'http' : 'https'}://127.0.0.1:${http}`, directory };
}

const tokenFile = ({ directory }: Started): string => join(directory, 'data', 'administrator-token');

async function firstToken(started: Started): Promise<string> {
  await expect.poll(() => readdirSync(join(started.directory, 'data'))).toContain('administrator-token');
  return readFileSync(tokenFile(started), 'utf8').trim();
}

async function ottla(args: readonly string[], token: string): Promise<readonly string[]> {
  const child = await Child.start({
    name: `ottla ${args[0] ?? ''}`,
    command: process.execPath,
    args: [mainFile, ...args],
    environment: { OTTLA_TOKEN: token },
  });
  const end = await child.ended;
  expect([args, end.code, child.lines]).toEqual([args, 0, child.lines]);
  return child.lines;
}

const secretIn = (lines: readonly string[]): string => /ottla_[\w-]{43}/.exec(lines.join('\n'))?.[0] ?? '';

describe('a controller and its log', () => {
  it('say where the first administrator’s token is, and never a secret', async () => {
    const started = await startController();
    const { child, url } = started;
    const token = await firstToken(started);
    const at = ['--endpoints', url];
    // Until the quorum has it in its log.
    const client = createClient({ endpoints: [url], token });
    onTestFinished(() => client.close());
    await expect
      .poll(async () =>
        client.listTokens({}).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const reader = secretIn(await ottla(['token', 'create', 'reports', '--role', 'reader', ...at], token));
    await ottla(['topic', 'list', ...at], reader);
    const stranger = createClient({ endpoints: [url], token: reader });
    onTestFinished(() => stranger.close());
    await expect(stranger.listTokens({})).rejects.toBeInstanceOf(OttlaError);
    const recovered = secretIn(
      await ottla(['token', 'recover', '--data-dir', join(started.directory, 'data')], ''),
    );
    const again = createClient({ endpoints: [url], token: recovered });
    onTestFinished(() => again.close());
    await expect
      .poll(async () =>
        again.listTokens({}).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    child.signal('SIGTERM');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    const said = child.lines.join('\n');
    expect(said).toContain(tokenFile(started));
    for (const secret of [token, reader, recovered]) {
      expect(secret).not.toBe('');
      expect(said).not.toContain(secret.slice('ottla_'.length));
    }
  });
});

describe('SIGHUP', () => {
  it('makes a controller read its certificates again, and go on with the old ones where it cannot', async () => {
    const authority = createAuthority('the authority');
    const files = { certificate: '', key: '' };
    const write = (): void => {
      const issued = issue(authority, { hosts: ['127.0.0.1'] });
      writeFileSync(files.certificate, issued.certificate);
      writeFileSync(files.key, issued.key);
    };
    const started = await startController((directory) => {
      files.certificate = join(directory, 'certificate.pem');
      files.key = join(directory, 'key.pem');
      const authorityFile = join(directory, 'authority.pem');
      writeFileSync(authorityFile, authority.certificate);
      write();
      const own = ['--tls-certificate', files.certificate, '--tls-key', files.key];
      return [...own, '--tls-authority', authorityFile];
    });
    const { child } = started;
    await firstToken(started);
    write();
    child.signal('SIGHUP');
    await expect.poll(() => child.lines.join('\n')).toContain('Certificates were read again.');
    writeFileSync(files.key, 'nonsense');
    child.signal('SIGHUP');
    await expect
      .poll(() => child.lines.join('\n'))
      .toContain('Certificates were not replaced, the old ones stay');
    const client = createClient({
      endpoints: [started.url],
      token: await firstToken(started),
      tls: { authority: authority.certificate },
    });
    onTestFinished(() => client.close());
    expect((await client.listTopics({})).topics).toEqual([]);
  });
});
