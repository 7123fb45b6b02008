import { beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { fakeStatus } from '../http/fake-controller.ts';
import { serve } from '../http/serve.ts';
import { type PopulatedCluster, servePopulated } from './populated.ts';
import { cli, type CliRun, transcript } from './run.ts';

const deadEndpoint = 'http://127.0.0.1:1';
let world: PopulatedCluster;

beforeEach(async () => {
  world = await servePopulated();
});

const run = (...args: readonly string[]): Promise<CliRun> => world.run(...args);

describe('what the command shows', () => {
  it.each([
    [
      'topic-create',
      ['topic', 'create', 'payments', '--partitions', '2', '--replication-factor', '2', '--dry-run'],
    ],
    ['topic-list', ['topic', 'list']],
    ['topic-list-limit', ['topic', 'list', '--limit', '1']],
    ['topic-describe', ['topic', 'describe', 'orders']],
    ['topic-describe-json', ['topic', 'describe', 'orders', '-o', 'json', '--limit', '1']],
    ['topic-add-partitions', ['topic', 'add-partitions', 'orders', '--count', '5']],
    ['watch', ['watch', '--since', '5', '--kinds', 'topic', '--limit', '3']],
    ['watch-state-json', ['watch', '--state', '--kinds', 'topic', '--limit', '2', '-o', 'json']],
    ['watch-bad-kind', ['watch', '--kinds', 'tapir']],
    ['help-watch', ['watch', '--help']],
    ['topic-delete', ['topic', 'delete', 'orders']],
    ['broker-list', ['broker', 'list']],
    ['broker-list-json', ['broker', 'list', '-o', 'json', '--limit', '1']],
    ['broker-describe', ['broker', 'describe', '1']],
    ['broker-unregister', ['broker', 'unregister', '3']],
    ['quorum-status', ['quorum', 'status']],
    ['log-dump', ['log', 'dump', '--limit', '6']],
    ['log-dump-json', ['log', 'dump', '--from', '4', '--limit', '2', '-o', 'json']],
    ['topic-exists', ['topic', 'create', 'orders']],
    ['topic-unknown', ['topic', 'describe', 'nothing']],
    ['topic-bad-name', ['topic', 'create', 'a b']],
    ['topic-bad-number', ['topic', 'create', 'x', '--partitions', 'many']],
    ['topic-bad-json', ['topic', 'create', 'x', '--assignments', '1,2']],
    ['topic-too-many-replicas', ['topic', 'create', 'x', '--replication-factor', '9']],
    ['broker-bad-id', ['broker', 'describe', 'two']],
    ['broker-still-active', ['broker', 'unregister', '1']],
    ['missing-argument', ['topic', 'delete']],
    ['unknown-option', ['topic', 'list', '--colour']],
    ['bad-limit', ['topic', 'list', '--limit', '0']],
  ] as const)('%s', async (name, args) => {
    const text = transcript(args, await run(...args));
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('the whole of the help', async () => {
    const help = await cli(['--help']);
    expect(help.exitCode).toBe(0);
    await expect(help.out).toMatchFileSnapshot('golden/help.txt');
    const create = await cli(['topic', 'create', '--help']);
    await expect(create.out).toMatchFileSnapshot('golden/help-topic-create.txt');
    const start = await cli(['server', 'start', '--help']);
    await expect(start.out).toMatchFileSnapshot('golden/help-server-start.txt');
    const dump = await cli(['log', 'dump', '--help']);
    await expect(dump.out).toMatchFileSnapshot('golden/help-log-dump.txt');
  });

  it('nothing in colour where nobody looks, and headings in bold where somebody does', async () => {
    const coloured: string[] = [];
    const terminal = { out: (text: string) => void coloured.push(text), err: () => {}, isColoured: true };
    await cli(['broker', 'list', '--endpoints', world.url], { terminal });
    expect(coloured.join('')).toContain('\u001B[1m');
    expect((await run('broker', 'list')).out).not.toContain('\u001B');
  });
});

describe('the quorum', () => {
  it('is shown with those who do not answer, and with how far each replica is', async () => {
    const leader = await serve();
    const { directoryId } = leader.controller.currentStatus;
    const progress = { isVoter: true, lastFetchMs: 12.3, lastCaughtUpMs: 1_500 } as const;
    leader.controller.currentStatus = fakeStatus({
      replicas: [
        { id: nodeId(1), directoryId, logEndOffset: offset(43), ...progress },
        { id: nodeId(2), directoryId, logEndOffset: offset(40), ...progress, lastCaughtUpMs: null },
        { id: nodeId(9), directoryId, logEndOffset: offset(7), ...progress, isVoter: false },
      ],
    });
    const follower = await serve();
    follower.controller.currentStatus = fakeStatus({
      nodeId: nodeId(1),
      role: 'follower',
      active: false,
      recovering: true,
      highWatermark: offset(41),
    });
    const endpoints = [leader.url, follower.url, deadEndpoint];
    const steady = (text: string): string =>
      endpoints.reduce(
        (line, url, index) => line.replaceAll(url.padEnd(23), `http://node-${index}`.padEnd(23)),
        text,
      );
    const status = await cli(['quorum', 'status', '--endpoints', endpoints.join(',')]);
    expect(status.exitCode).toBe(0);
    expect(steady(status.out)).toContain('Controller 0 leads, epoch 3.');
    expect(status.out).toContain('follower (recovering)');
    expect(status.out).toContain('no answer');
    const describe = await cli(['quorum', 'describe', '--endpoints', endpoints.join(',')]);
    await expect(describe.out).toMatchFileSnapshot('golden/quorum-describe.txt');
  });

  it('without a leader is an exit code of its own, and says what to do', async () => {
    const { url, controller } = await serve();
    controller.loseLeader();
    const status = await cli(['quorum', 'status', '--endpoints', url]);
    expect(status.exitCode).toBe(exitCodes.noAnswer.code);
    expect(status.out).toContain('No controller leads.');
    expect(status.err).toContain('A majority of the voters must be up');
  });

  it('of two that claim to lead believes the later epoch', async () => {
    const [old, current] = [await serve(), await serve()];
    current.controller.currentStatus = fakeStatus({
      nodeId: nodeId(2),
      leaderId: nodeId(2),
      epoch: epoch(4),
    });
    const status = await cli(['quorum', 'status', '--endpoints', `${old.url},${current.url}`]);
    expect(status.out).toContain('Controller 2 leads, epoch 4.');
  });
});

describe('exit codes', () => {
  it.each([
    [['topic', 'list'], exitCodes.success],
    [['topic', 'describe', 'nothing'], exitCodes.notFound],
    [['topic', 'create', 'orders'], exitCodes.conflict],
    [['topic', 'create', 'a b'], exitCodes.refused],
    [['topic', 'nonsense'], exitCodes.usage],
    [['nonsense'], exitCodes.usage],
  ] as const)('%o gives %o', async (args, { code }) => {
    expect((await run(...args)).exitCode).toBe(code);
  });

  it('say that nobody answered, and where', async () => {
    const done = await cli(['topic', 'list', '--endpoints', deadEndpoint, '--timeout', '200']);
    expect(done.exitCode).toBe(exitCodes.noAnswer.code);
    expect(done.err).toContain(deadEndpoint);
    expect(done.err).toContain('ottla dev');
  });

  it('say that the outcome is unknown, which is not the same as a failure', async () => {
    const refusal = {
      ok: false,
      code: 'OUTCOME_UNKNOWN',
      message: 'Lost.',
      details: null,
      retryAfterMs: null,
    } as const;
    world.controller.intercept = ({ operationId }) => (operationId === 'deleteTopic' ? refusal : null);
    const done = await run('topic', 'delete', 'orders', '--timeout', '200');
    expect(done.exitCode).toBe(exitCodes.outcomeUnknown.code);
    expect(done.err).toContain('Look whether it took effect');
  });

  it('are each told in the help', async () => {
    const { out } = await cli(['--help']);
    for (const { code, meaning } of Object.values(exitCodes)) expect(out).toContain(`  ${code}  ${meaning}`);
    expect(new Set(Object.values(exitCodes).map(({ code }) => code)).size).toBe(
      Object.keys(exitCodes).length,
    );
  });
});

describe('the endpoints', () => {
  it('come from the environment when the command does not name them', async () => {
    const done = await cli(['topic', 'list'], { environment: { OTTLA_ENDPOINTS: world.url } });
    expect(done.exitCode).toBe(0);
  });

  it.each(['nonsense', ',', 'http://127.0.0.1:9644/v1'])(
    'are refused with an example: %s',
    async (endpoints) => {
      const done = await cli(['topic', 'list', '--endpoints', endpoints]);
      expect(done.exitCode).toBe(exitCodes.usage.code);
      expect(`${done.err}`).toContain('--endpoints');
    },
  );
});

it('shows a control character from the cluster as a question mark, and obeys none', async () => {
  const { url } = world;
  const client = createClient({ endpoints: [url] });
  const { clusterId } = await client.getCluster();
  await client.registerBroker(
    {
      brokerId: 9,
      clusterId: clusterId ?? '',
      incarnationId: 'AAAAAAAAAAAAAAAAAAAA9Q',
      rack: '\u001B[2Jgone',
      listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9 }],
    },
    { exactlyOnce: false },
  );
  await client.close();
  expect((await run('broker', 'list')).out).toContain('?[2Jgone');
});
