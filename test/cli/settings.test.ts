import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failed } from '../../src/base/result.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { nearest } from '../../src/cli/output/suggest.ts';
import type { ServerConfig } from '../../src/runtime/server-config.ts';
import { servePopulated } from './populated.ts';
import { cli, type CliRun } from './run.ts';

function fileOf(content: string, name = 'ottla.yaml'): string {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const enough = 'server: { nodeId: 0, dataDir: ./data, voters: [0@127.0.0.1:9645] }';

type Row = { readonly name: string; readonly value: unknown; readonly from: string };

/** The row of one setting, as `ottla server config` shows it. */
async function effective(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Row | undefined> {
  const { out, err } = await cli(['server', 'config', '-o', 'json', ...args], { environment });
  expect(err).toBe('');
  const { settings } = JSON.parse(out) as { readonly settings: readonly Row[] };
  return settings.find((row) => row.name === name);
}

describe('a variable that is no setting', () => {
  it('is named with what was meant, where it looks like one, and ignored without a word where it does not', async () => {
    const environment = {
      OTTLA_SERVER_NODE_ID: '0',
      OTTLA_SERVER_INSECUR: 'true',
      OTTLA_ENDPOINT: 'http://127.0.0.1:1',
      OTTLA_VOTERS: '0@127.0.0.1:9645',
      OTTLA_OPTIONS: '',
    };
    const args = ['server', 'config', '--config', fileOf(enough)];
    const { exitCode, err } = await cli(args, { environment });
    expect(exitCode).toBe(0);
    expect(err.split('\n')).toEqual([
      'OTTLA_SERVER_INSECUR is no setting, and is ignored; did you mean OTTLA_SERVER_INSECURE?',
      'OTTLA_ENDPOINT is no setting, and is ignored; did you mean OTTLA_ENDPOINTS?',
      '',
    ]);
  });
});

describe('a setting', () => {
  it('comes from its default, the file, the environment or a flag, of which the later one counts', async () => {
    const name = 'server.http';
    const without = fileOf(enough);
    const file = fileOf(enough.replace('{', '{ http: 127.0.0.1:1,'));
    const environment = { OTTLA_SERVER_HTTP: '127.0.0.1:2' };
    const flag = ['--http', '127.0.0.1:3'];
    expect(await effective(name, ['--config', without])).toEqual({
      name,
      value: '127.0.0.1:9644',
      from: 'default',
    });
    expect(await effective(name, ['--config', file])).toEqual({ name, value: '127.0.0.1:1', from: file });
    expect(await effective(name, ['--config', file], environment)).toEqual({
      name,
      value: '127.0.0.1:2',
      from: 'OTTLA_SERVER_HTTP',
    });
    expect(await effective(name, ['--config', file, ...flag], environment)).toEqual({
      name,
      value: '127.0.0.1:3',
      from: '--http',
    });
  });

  it('of the controller is shown with its default, or with what sets it', async () => {
    const file = fileOf(enough);
    const name = 'server.set brokerSessionTimeoutMs';
    expect(await effective(name, ['--config', file])).toEqual({ name, value: 9000, from: 'default' });
    const flag = ['--config', file, '--set', 'brokerSessionTimeoutMs=500', '--set', 'requestsPerSecond=7'];
    expect(await effective(name, flag)).toEqual({ name, value: 500, from: '--set' });
    expect(await effective('server.set requestsPerSecond', flag)).toMatchObject({ value: 7 });
  });

  it('may stand in a file of JSON, which the environment names', async () => {
    const content = { server: { nodeId: 4, dataDir: 'd', voters: '4@h:1', insecure: true } };
    const file = fileOf(JSON.stringify(content), 'ottla.json');
    const found = await effective('server.insecure', [], { OTTLA_CONFIG: file });
    expect(found).toEqual({ name: 'server.insecure', value: true, from: file });
  });

  it('of a server that starts comes from there as well', async () => {
    let config: ServerConfig | null = null;
    await cli(['server', 'start', '--config', fileOf(enough), '--insecure'], {
      environment: { OTTLA_SERVER_LOG_LEVEL: 'warn' },
      startServer: async (given) => {
        config = given;
        return failed({ code: 'CONFIG_INVALID', message: 'This test starts no server.' });
      },
    });
    expect(config).toMatchObject({ nodeId: 0, dataDir: './data', insecure: true, logLevel: 'warn' });
  });

  it('of a client comes from there as well', async () => {
    const { url } = await servePopulated();
    const file = fileOf(`client: { endpoints: [${url}], output: yaml }`);
    const done = await cli(['topic', 'list'], { environment: { OTTLA_CONFIG: file } });
    expect(done.out).toContain('topics:\n  - name: orders\n');
    const flagged = await cli(['topic', 'list', '-o', 'table', '--config', file]);
    expect(flagged.out).toContain('REPLICATION FACTOR');
  });
});

/** What is wrong, where it stands, and what the message must name. */
const wrong: readonly (readonly [
  what: string,
  file: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  said: readonly string[],
])[] = [
  [
    'a number that is none, in the environment',
    enough,
    { OTTLA_SERVER_NODE_ID: 'two' },
    [],
    ["server.nodeId is 'two', given by OTTLA_SERVER_NODE_ID; it must be a whole number from 0 to"],
  ],
  [
    'an address that is none, by flag',
    enough,
    {},
    ['--http', 'nonsense'],
    ["server.http is 'nonsense', given by --http; it must be a host and a port"],
  ],
  [
    'a voter that is none, in the file',
    enough.replace('0@127.0.0.1:9645', 'zero'),
    {},
    [],
    ["server.voters is 'zero', given by", 'ottla.yaml; it must be id@host:port for each controller'],
  ],
  [
    'a value of another type',
    enough.replace('{', '{ insecure: maybe,'),
    {},
    [],
    ['it must be true or false'],
  ],
  ['a level that there is not', enough, { OTTLA_SERVER_LOG_LEVEL: 'loud' }, [], ['one of debug, info, warn']],
  [
    'a name that there is not',
    enough.replace('nodeId', 'nodeld'),
    {},
    [],
    ['no setting server.nodeld', 'did you mean nodeId?'],
  ],
  ['a section that there is not', 'sever: {}', {}, [], ['no setting sever', 'did you mean server?']],
  [
    'a setting of the controller that there is not',
    enough,
    {},
    ['--set', 'tempo=3'],
    ['There is no setting tempo.'],
  ],
  [
    'what must be given and is not',
    '',
    {},
    [],
    ['server.nodeId is not set', '--node-id', 'OTTLA_SERVER_NODE_ID'],
  ],
  ['a file that is none', 'server: [', {}, [], ['cannot be used']],
];

describe('a setting that is wrong', () => {
  it.each(wrong)(
    'is refused by name, value, source and what is allowed: %s',
    async (_what, file, environment, args, said) => {
      const done: CliRun = await cli(['server', 'config', '--config', fileOf(file), ...args], {
        environment,
      });
      expect(done.exitCode).toBe(exitCodes.usage.code);
      for (const text of said) expect(done.err).toContain(text);
    },
  );

  it('of a client is refused in the same way, before anybody is asked', async () => {
    const done = await cli(['topic', 'list'], { environment: { OTTLA_REQUEST_TIMEOUT_MS: 'soon' } });
    expect(done.exitCode).toBe(exitCodes.usage.code);
    expect(done.err).toContain("client.requestTimeoutMs is 'soon', given by OTTLA_REQUEST_TIMEOUT_MS");
  });

  it('in a file that is not there is said to be so', async () => {
    const done = await cli(['topic', 'list', '--config', '/nowhere/ottla.yaml']);
    expect(done.exitCode).toBe(exitCodes.usage.code);
    expect(done.err).toContain('/nowhere/ottla.yaml cannot be used');
  });
});

it.each([
  ['ordres', 'orders'],
  ['Orders', 'orders'],
  ['order', 'orders'],
  ['payments', null],
  ['x', null],
])('of the names nearest to %s is %s', (written, name) => {
  expect(nearest(written, ['orders', 'audit'])).toBe(name);
});
