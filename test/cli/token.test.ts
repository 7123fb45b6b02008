import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { administratorText } from '../../src/cli/standing.ts';
import { makeToken } from '../../src/client/index.ts';
import { hashToken } from '../../src/client/protocol/bearer-token.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { serveImage } from '../http/serve-image.ts';
import { cli, type CliRun } from './run.ts';

/** A server that asks who it is, its administrator's token, and a command line that shows it. */
async function serveTokens() {
  const { url, controller } = await serveImage({ authentication: { certificateRoles: [] } });
  const { token } = makeToken();
  const secretHash = hashToken(token);
  const whose = { name: 'administrator', role: 'administrator', brokerId: -1 };
  const times = { createdMs: 1_700_000_000_000, expiresMs: -1 };
  controller.append([
    { type: 'TokenRecord', tokenId: tokenIdOf(secretHash), ...whose, secretHash, ...times },
  ]);
  const run = (args: readonly string[], shown: string | undefined = token): Promise<CliRun> =>
    cli(args.includes('--endpoints') ? args : [...args, '--endpoints', url], {
      environment: { OTTLA_TOKEN: shown },
    });
  return { url, controller, token, run };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ottla-token-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const secretOf = (text: string): string => /ottla_[\w-]{43}/.exec(text)?.[0] ?? '';

describe('ottla token', () => {
  it('makes a token that is let in with its role, shows it once, and revokes it', async () => {
    const { run } = await serveTokens();
    const created = await run(['token', 'create', 'reports', '--role', 'reader']);
    expect(created.exitCode).toBe(0);
    const secret = secretOf(created.out);
    expect((await run(['topic', 'list'], secret)).exitCode).toBe(0);
    const refused = await run(['topic', 'create', 'orders'], secret);
    expect(refused.exitCode).toBe(exitCodes.notAllowed.code);
    expect(refused.err).toContain('The role reader may not call createTopic');
    const list = await run(['token', 'list']);
    expect(list.out).toMatch(/reports +reader/);
    expect(list.out).not.toContain(secret);
    const tokenId = tokenIdOf(hashToken(secret));
    expect((await run(['token', 'describe', tokenId])).out).toContain('reports');
    expect((await run(['token', 'revoke', tokenId])).out).toBe(
      `Token ${tokenId} of reports is honoured no more.\n`,
    );
    const revoked = await run(['topic', 'list'], secret);
    expect(revoked.exitCode).toBe(exitCodes.notAllowed.code);
    expect(revoked.err).toContain('SASL_AUTHENTICATION_FAILED');
  });

  it('puts a token into a new file that nobody else can read, and takes it from there', async () => {
    const { run } = await serveTokens();
    const file = join(folder(), 'token');
    const args = ['token', 'create', 'broker-7', '--role', 'broker', '--broker-id', '7', '--write-to', file];
    const created = await run([...args, '-o', 'json']);
    expect(JSON.parse(created.out)).toMatchObject({ name: 'broker-7', role: 'broker', brokerId: 7 });
    expect(created.out).not.toMatch(/ottla_/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await run(['topic', 'list', '--token-file', file], '')).exitCode).toBe(0);
    const again = await run(args);
    expect(again.exitCode).toBe(exitCodes.usage.code);
    expect(again.err).toContain('Give the name of a new file.');
  });

  it('names what was typed wrong as it is typed', async () => {
    const { run } = await serveTokens();
    const unlisted = await run(['token', 'revoke', 'zzz']);
    expect(unlisted.exitCode).toBe(exitCodes.usage.code);
    expect(unlisted.err).toContain('<token-id> must be an id of 22 characters.');
    expect(unlisted.err).toContain('ottla token list');
    expect((await run(['topic', 'create', 'a', '--partitions', '0'])).err).toMatch(/ --partitions must be/);
    const unbound = await run(['token', 'create', 'b', '--role', 'broker']);
    expect(unbound.exitCode).toBe(exitCodes.usage.code);
    expect(unbound.err).toContain('--broker-id');
  });

  it('leaves no file behind when the cluster refuses', async () => {
    const { run } = await serveTokens();
    const file = join(folder(), 'token');
    const refused = await run([
      'token',
      'create',
      'b',
      '--role',
      'reader',
      '--broker-id',
      '7',
      '--write-to',
      file,
    ]);
    expect(refused.exitCode).toBe(exitCodes.refused.code);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('does not repeat what was given as a token and is none', async () => {
    const { run } = await serveTokens();
    const file = join(folder(), 'token');
    writeFileSync(file, 'my other secret');
    const wrong = [
      await run(['topic', 'list'], 'my other secret'),
      await run(['topic', 'list', '--token-file', file]),
    ];
    for (const { exitCode, err } of wrong) {
      expect(exitCode).toBe(exitCodes.usage.code);
      expect(err).toContain('is no token');
      expect(err).not.toContain('my other secret');
    }
  });

  it('has no option that would put a token into the command line', async () => {
    const { run } = await serveTokens();
    expect((await run(['topic', 'list', '--token', 'x'])).exitCode).toBe(exitCodes.usage.code);
  });

  it('advises whoever shows none what to do', async () => {
    const { run } = await serveTokens();
    const { exitCode, err } = await run(['topic', 'list'], '');
    expect(exitCode).toBe(exitCodes.notAllowed.code);
    expect(err).toContain('OTTLA_TOKEN or --token-file');
  });

  it.each([
    ['quorum', 'status'],
    ['quorum', 'describe'],
    ['snapshot', 'create'],
    ['snapshot', 'list'],
  ])('advises so where %s %s asks every controller by itself, and not to start them', async (...command) => {
    const { url, run } = await serveTokens();
    const { exitCode, out, err } = await run([...command, '--endpoints', `${url},http://127.0.0.1:1`], '');
    expect(exitCode).toBe(exitCodes.notAllowed.code);
    expect(err).toContain('(SASL_AUTHENTICATION_FAILED)');
    expect(err).toContain('OTTLA_TOKEN or --token-file');
    expect(err).not.toContain('Is it running?');
    for (const line of out.split('\n')) expect(line.length).toBeLessThan(140);
    const shown: Readonly<Record<string, readonly string[]>> = {
      'quorum status': ['refused: SASL_AUTHENTICATION_FAILED', 'No controller lets you look.'],
      'quorum describe': [],
    };
    for (const text of shown[command.join(' ')] ?? ['refused: SASL_AUTHENTICATION_FAILED']) {
      expect(out).toContain(text);
    }
  });

  it('asks the controller of a directory for a new administrator by a hash alone', async () => {
    const asked: string[] = [];
    const { out, exitCode } = await cli(['token', 'recover', '--data-dir', './data'], {
      requestAdministrator: async (dataDir, secretHash) => {
        asked.push(dataDir, secretHash);
        return ok(null);
      },
    });
    expect(exitCode).toBe(0);
    expect(asked).toEqual(['./data', hashToken(secretOf(out)).toString('hex')]);
  });
});

describe('the first administrator’s token', () => {
  const notice = { token: makeToken().token, file: '/data/administrator-token' };

  it('is shown to a person, and only named by its file where it would be kept', () => {
    const terminal = { out: () => {}, err: () => {}, isColoured: false };
    expect(administratorText(notice, { ...terminal, isWatched: true })).toContain(notice.token);
    const kept = administratorText(notice, terminal);
    expect(kept).toContain(notice.file);
    expect(kept).not.toContain(notice.token);
  });
});
