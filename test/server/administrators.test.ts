import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertDefined } from '../../src/base/assert.ts';
import { createBroker, makeToken, OttlaError, type Client } from '../../src/client/index.ts';
import { hashToken } from '../../src/client/protocol/bearer-token.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import { requestAdministrator } from '../../src/server/administrators.ts';
import { Controllers } from './controllers.ts';

/** Every file below a directory, whole. */
function filesBelow(directory: string): readonly { readonly path: string; readonly content: Buffer }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, content: readFileSync(path) }));
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    return error instanceof OttlaError ? error.code : String(error);
  }
}

async function firstToken(controllers: Controllers): Promise<string> {
  await expect.poll(() => controllers.notices.length).toBe(1);
  return assertDefined(controllers.notices[0], 'there is a notice').token;
}

/** Until every node has replayed so far: a token is known where it was committed and a moment later elsewhere. */
async function isKnown(client: Client): Promise<void> {
  await expect.poll(() => codeOf(client.listTopics({}))).toBe('done');
}

describe('the first administrator', () => {
  it('is one, of three controllers that start at once, and is let in by all of them', async () => {
    const controllers = await Controllers.prepare(3);
    await controllers.startAll();
    const token = await firstToken(controllers);
    for (const id of [0, 1, 2]) {
      await isKnown(controllers.client(token, id));
      const { tokens } = await controllers.client(token, id).listTokens({});
      expect(tokens.map(({ name, role }) => [name, role])).toEqual([['administrator', 'administrator']]);
      expect(await codeOf(controllers.client(null, id).listTopics({}))).toBe('SASL_AUTHENTICATION_FAILED');
    }
    const [notice] = controllers.notices;
    expect(statSync(notice?.file ?? '').mode & 0o777).toBe(0o600);
    expect(readFileSync(notice?.file ?? '', 'utf8')).toBe(`${token}\n`);
  });

  it('is told of again until its file is deleted, and made no second time', async () => {
    const controllers = await Controllers.prepare(1);
    await controllers.start(0);
    const token = await firstToken(controllers);
    await controllers.stop(0);
    await controllers.start(0);
    await expect.poll(() => controllers.notices.map((notice) => notice.token)).toEqual([token, token]);
    await controllers.stop(0);
    rmSync(assertDefined(controllers.notices[0], 'there is a notice').file);
    await controllers.start(0);
    await isKnown(controllers.client(token));
    // It has looked by the time that it has looked for something else, after it.
    expect(await requestAdministrator(controllers.directories[0] ?? '', makeToken().secretHash)).toEqual({
      ok: true,
      value: null,
    });
    await expect.poll(async () => (await controllers.client(token).listTokens({})).tokens.length).toBe(2);
    expect(controllers.notices).toHaveLength(2);
  });

  it('takes the token that an earlier process wrote down and did not get into the log', async () => {
    const controllers = await Controllers.prepare(1);
    await controllers.start(0, { insecure: true });
    await controllers.stop(0);
    const { token } = makeToken();
    const file = join(controllers.directories[0] ?? '', 'administrator-token');
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    await controllers.start(0);
    expect(await firstToken(controllers)).toBe(token);
    await isKnown(controllers.client(token));
  });

  it('is made where there is none, and not while everybody is one', async () => {
    const controllers = await Controllers.prepare(1);
    await controllers.start(0, { insecure: true });
    const client = controllers.client(null);
    expect((await client.listTokens({})).tokens).toEqual([]);
    await controllers.stop(0);
    expect(controllers.notices).toEqual([]);
  });

  it('can be made anew by whoever may write to the directory of a controller that runs', async () => {
    const controllers = await Controllers.prepare(3);
    await controllers.startAll();
    await firstToken(controllers);
    const { token, secretHash } = makeToken();
    // Whichever node leads: one that follows passes it on.
    for (const directory of controllers.directories) await requestAdministrator(directory, secretHash);
    await isKnown(controllers.client(token, 0));
    await isKnown(controllers.client(token, 2));
    const request = (directory: string): boolean =>
      readdirSync(directory).some((name) => name === 'administrator-request');
    await expect.poll(() => controllers.directories.some(request)).toBe(false);
  });

  it('is not made on a request that somebody else could have written', async () => {
    const controllers = await Controllers.prepare(1);
    await controllers.start(0);
    const administrator = await firstToken(controllers);
    const { token, secretHash } = makeToken();
    const file = join(controllers.directories[0] ?? '', 'administrator-request');
    writeFileSync(`${file}.new`, secretHash);
    chmodSync(`${file}.new`, 0o666);
    renameSync(`${file}.new`, file);
    await expect
      .poll(() => readdirSync(controllers.directories[0] ?? '').includes('administrator-request'))
      .toBe(false);
    await isKnown(controllers.client(administrator));
    expect(await codeOf(controllers.client(token).listTopics({}))).toBe('SASL_AUTHENTICATION_FAILED');
  });
});

describe('tokens in a quorum that runs', () => {
  it('give a broker its own id, and end with their revocation', async () => {
    const controllers = await Controllers.prepare(1);
    await controllers.start(0);
    const administrator = controllers.client(await firstToken(controllers));
    const made = makeToken();
    const { tokenId } = await administrator.createToken({
      name: 'broker-1',
      role: 'broker',
      brokerId: 1,
      secretHash: made.secretHash,
    });
    const brokerOf = (id: number) =>
      createBroker({
        controllers: controllers.urls,
        id,
        listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
        token: () => made.token,
        heartbeatIntervalMs: 100,
      });
    const foreign = await brokerOf(2).stopped;
    expect(foreign.failure).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' });
    const broker = brokerOf(1);
    await broker.whenUnfenced();
    const codes: (string | null)[] = [];
    broker.subscribe((event) => {
      if (event.type === 'retrying') codes.push(event.code);
    });
    await administrator.revokeToken({ tokenId });
    // It asks on, since its owner may give it another token; its lease runs out meanwhile.
    await expect.poll(() => codes).toContain('SASL_AUTHENTICATION_FAILED');
    await broker.close({ timeoutMs: 1 });
  });

  it('are nowhere to be found: neither in a log nor in a checkpoint nor in an answer', async () => {
    const controllers = await Controllers.prepare(1);
    // Small enough that what is written here leads to checkpoints.
    await controllers.start(0, { settings: { checkpointBytes: 1_000 } });
    const token = await firstToken(controllers);
    const administrator = controllers.client(token);
    const made = makeToken();
    await administrator.createToken({ name: 'reader', role: 'reader', secretHash: made.secretHash });
    const reader = controllers.client(made.token);
    for (let at = 0; at < 40; at++) {
      await administrator.openSession({});
      await reader.listTopics({});
    }
    const { batches } = await administrator.readLog({ limit: 1_000 });
    const told = JSON.stringify([batches, await administrator.listTokens({})]);
    await controllers.stop(0);
    rmSync(assertDefined(controllers.notices[0], 'there is a notice').file);
    const files = filesBelow(controllers.directories[0] ?? '');
    // What is looked for is found where it should be: the id follows from the hash, and stands in the log.
    const has = (needle: Buffer | string): boolean => files.some(({ content }) => content.includes(needle));
    expect(has(hashToken(made.token))).toBe(true);
    expect(files.some(({ path }) => path.includes('checkpoints'))).toBe(true);
    expect(told).toContain(tokenIdOf(hashToken(made.token)));
    for (const secret of [token, made.token]) {
      const characters = secret.slice('ottla_'.length);
      for (const needle of [secret, characters, Buffer.from(characters, 'base64url')]) {
        expect(has(needle)).toBe(false);
        expect(told.includes(String(needle))).toBe(false);
      }
    }
  });
});
