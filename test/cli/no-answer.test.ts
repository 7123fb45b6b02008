import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { describeSilence } from '../../src/cli/failures.ts';
import { serve } from '../http/serve.ts';
import { createAuthority, issue } from '../transport/support/certificates.ts';
import { cli } from './run.ts';

const authority = createAuthority('the authority');
const certificate = issue(authority, { hosts: ['127.0.0.1'] });
const deadEndpoint = 'http://127.0.0.1:1';

async function securely(): Promise<string> {
  const { url } = await serve({ tls: { ...certificate, clientAuthority: null } });
  return url;
}

/** Takes connections and never says a word. */
async function mute(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const endpoints: readonly (readonly [string, () => Promise<string>, string, string])[] = [
  ['refuses the connection', async () => deadEndpoint, 'the connection was refused', 'ottla dev'],
  ['never answers', mute, 'no answer came within', 'ottla dev'],
  ['has a certificate that is not trusted', securely, 'its certificate is not trusted', '--tls-authority'],
  [
    'expects TLS',
    async () => (await securely()).replace('https:', 'http:'),
    'does it expect TLS?',
    'write https://',
  ],
  [
    'does not speak TLS',
    async () => (await serve()).url.replace('http:', 'https:'),
    'it does not speak TLS',
    'write http://',
  ],
];

describe('an endpoint that', () => {
  it.each(endpoints)('%s is named with that reason by every command', async (_name, make, reason, advice) => {
    const endpoint = await make();
    for (const command of [
      ['quorum', 'status'],
      ['quorum', 'describe'],
      ['topic', 'list'],
    ]) {
      const done = await cli([...command, '--endpoints', endpoint, '--timeout', '200']);
      expect(done.exitCode).toBe(exitCodes.noAnswer.code);
      expect(done.err).toContain(`No controller answered at ${endpoint}: `);
      expect(done.err).toContain(reason);
      expect(done.err).toContain(advice);
    }
  });
});

describe('when nobody answers', () => {
  it('the status says that, and not that nobody leads', async () => {
    const { out } = await cli(['quorum', 'status', '--endpoints', deadEndpoint]);
    expect(out).toContain('No controller answered.');
    expect(out).toContain('no answer: the connection was refused');
    expect(out).not.toContain('leads');
  });

  it('each endpoint is named with its own reason, and those of one reason together', async () => {
    const named = [deadEndpoint, await securely(), 'http://127.0.0.1:2'];
    const { err } = await cli(['quorum', 'status', '--endpoints', named.join(',')]);
    expect(err).toContain(
      `at ${named[0]}, ${named[2]}: the connection was refused; at ${named[1]}: its cert`,
    );
  });

  it('what a controller without a leader says is not taken for silence', () => {
    const { exit, message, advice } = describeSilence([
      { endpoint: 'a', failure: { kind: 'answered', reason: 'No leader serves at the moment' } },
      { endpoint: 'b', failure: { kind: 'refused', reason: 'the connection was refused' } },
    ]);
    expect([exit, message]).toEqual([
      'noAnswer',
      'No controller could do it at a: No leader serves at the moment; at b: the connection was refused.',
    ]);
    expect(advice).toContain('ottla quorum status');
  });

  it('a command gives up long before its time is over, where every endpoint refuses the connection', async () => {
    const named = `${deadEndpoint},http://127.0.0.1:2`;
    const { exitCode, err } = await cli([
      'topic',
      'create',
      'a',
      '--endpoints',
      named,
      '--timeout',
      '600000',
    ]);
    expect(exitCode).toBe(exitCodes.noAnswer.code);
    expect(err).toContain(`at ${named.replace(',', ', ')}: the connection was refused`);
    expect(err).toContain('Is it running?');
  });

  it('the authority that it asks for lets the command in', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-authority-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'authority.pem');
    writeFileSync(file, authority.certificate);
    const done = await cli(['quorum', 'status', '--endpoints', await securely(), '--tls-authority', file]);
    expect(done.exitCode).toBe(0);
  });
});
