import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { brokerCloseMs } from '../../src/cli/dev/child-life.ts';
import { prepareDirectory } from '../../src/cli/dev/directory.ts';
import { devBasePortMax, devLayout, portsOfLayout } from '../../src/cli/dev/layout.ts';
import { Narrator } from '../../src/cli/dev/narrator.ts';
import { headline, nextSteps, whatToWatch, type Member } from '../../src/cli/dev/texts.ts';
import type { ClusterView } from '../../src/cli/dev/watcher.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { parseEndpoint, parseVoters } from '../../src/runtime/server-config.ts';
import { cli } from './run.ts';

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ottla-dev-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

describe('the directory of ottla dev', () => {
  it('is made when it is not there, and found again', () => {
    const layout = devLayout(join(directory(), 'new', 'deep'), 20_000);
    prepareDirectory(layout);
    prepareDirectory(layout);
    expect(JSON.parse(readFileSync(join(layout.dataDir, 'dev.json'), 'utf8'))).toEqual({
      version: 1,
      basePort: 20_000,
    });
  });

  it('is taken when a first start was cut off before its marker stood', () => {
    const dataDir = directory();
    writeFileSync(join(dataDir, 'dev.json.new'), '{"vers');
    prepareDirectory(devLayout(dataDir, 20_000));
    expect(readFileSync(join(dataDir, 'dev.json'), 'utf8')).toContain('20000');
  });

  it.each([
    [
      'holds something else',
      (dataDir: string) => writeFileSync(join(dataDir, 'thesis.tex'), ''),
      'did not put there',
    ],
    [
      'has a damaged marker',
      (dataDir: string) => writeFileSync(join(dataDir, 'dev.json'), '{"ver'),
      'is damaged',
    ],
    [
      'is of another version',
      (dataDir: string) => writeFileSync(join(dataDir, 'dev.json'), '{"version":9}'),
      'another version',
    ],
    [
      'was made with other ports',
      (dataDir: string) => writeFileSync(join(dataDir, 'dev.json'), '{"version":1,"basePort":9644}'),
      '--base-port 9644',
    ],
    [
      'has a folder for a marker',
      (dataDir: string) => mkdirSync(join(dataDir, 'dev.json')),
      'cannot be used',
    ],
  ])('is refused when it %s, with an exit code and an advice', async (_name, spoil, message) => {
    const dataDir = directory();
    spoil(dataDir);
    const done = await cli(['dev', '--data-dir', dataDir, '--base-port', '21000']);
    expect(done.exitCode).toBe(exitCodes.cannotStart.code);
    expect(done.err).toContain(message);
    expect(done.err).toContain('--data-dir');
  });

  it('is refused when it is a file', async () => {
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    const done = await cli(['dev', '--data-dir', file, '--base-port', '21000']);
    expect(done.exitCode).toBe(exitCodes.cannotStart.code);
    expect(done.err).toContain(`${file} is a file, not a directory`);
  });
});

describe('the ports of ottla dev', () => {
  it('are nine in a row, node i at HTTP base + 2i and peers one above', () => {
    const layout = devLayout('x', 9_644);
    expect(portsOfLayout(layout)).toEqual([9_644, 9_645, 9_646, 9_647, 9_648, 9_649, 9_650, 9_651, 9_652]);
    expect(layout.controllers.map((controller) => controller.url)).toEqual([
      'http://127.0.0.1:9644',
      'http://127.0.0.1:9646',
      'http://127.0.0.1:9648',
    ]);
    expect(Math.max(...portsOfLayout(devLayout('x', devBasePortMax)))).toBe(65_535);
  });

  it('are named when they are taken, before anything is started or written', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const done = await cli(['dev', '--data-dir', join(directory(), 'x'), '--base-port', String(port - 3)]);
    expect(done.exitCode).toBe(exitCodes.cannotStart.code);
    expect(done.err).toContain(`${port}`);
    expect(done.err).toContain('--base-port');
  });

  it.each(['0', '65530', 'many'])('are refused as a wrong command line: %s', async (port) => {
    expect((await cli(['dev', '--base-port', port])).exitCode).toBe(exitCodes.usage.code);
  });
});

const members: readonly Member[] = [
  { kind: 'controller', id: 0, pid: 4_100, isRunning: true },
  { kind: 'controller', id: 1, pid: 4_101, isRunning: true },
  { kind: 'controller', id: 2, pid: 4_102, isRunning: true },
  { kind: 'broker', id: 1, pid: 4_111, isRunning: true },
  { kind: 'broker', id: 2, pid: 4_112, isRunning: true },
  { kind: 'broker', id: 3, pid: 4_113, isRunning: true },
];
const terminal = { out: () => {}, err: () => {}, isColoured: false };

describe('what ottla dev says', () => {
  it('at its start: who there is, and what to try', async () => {
    const layout = devLayout('x', 9_644);
    const text =
      headline(layout, members, terminal) + nextSteps(layout, members, 1, 'node dist/src/main.js', terminal);
    await expect(text).toMatchFileSnapshot('golden/dev-start.txt');
  });

  it('names the endpoints in its commands when they are not the usual ones', () => {
    const text = nextSteps(devLayout('x', 20_000), members, 1, 'ottla', terminal);
    expect(text).toContain(
      'export OTTLA_ENDPOINTS=http://127.0.0.1:20000,http://127.0.0.1:20002,http://127.0.0.1:20004',
    );
  });

  it('of a process that ended: what to watch', () => {
    expect(whatToWatch(devLayout('x', 9_644), 'broker', 2).join()).toContain('broker 2 will be fenced');
    expect(whatToWatch(devLayout('x', 9_644), 'controller', 2).join()).toContain(
      'majority of the 3 controllers',
    );
  });
});

describe('the narrator', () => {
  const broker = (id: number, isFenced: boolean, leads = 0, isLeaving = false) => ({
    id,
    epoch: 7,
    isFenced,
    leads,
    isLeaving,
  });

  function narrated(views: readonly ClusterView[]): readonly string[] {
    const lines: string[] = [];
    const narrator = new Narrator(
      2,
      (line) => lines.push(line),
      (leader) => lines.push(`ready, ${leader} leads`),
    );
    narrator.registered(1, 7);
    narrator.registered(2, 7);
    for (const view of views) narrator.saw(view);
    return lines;
  }

  it('takes what is left of an earlier run for no news, and not for ready', () => {
    const leftOver = { ...broker(1, false), epoch: 5 };
    expect(narrated([{ leader: { id: 1, epoch: 3 }, brokers: [leftOver, { ...leftOver, id: 2 }] }])).toEqual([
      'controller 1 leads, epoch 3',
    ]);
  });

  it('says each change once', () => {
    const leader = { id: 1, epoch: 3 };
    const up: ClusterView = { leader, brokers: [broker(1, false), broker(2, false)] };
    expect(
      narrated([
        { leader: null, brokers: null },
        { leader, brokers: [broker(1, true), broker(2, true)] },
        { leader, brokers: [broker(1, false), broker(2, true)] },
        up,
        up,
        { leader, brokers: [broker(1, false, 3), broker(2, false, 2)] },
        { leader, brokers: [broker(1, false, 5), broker(2, true, 0)] },
        { leader: null, brokers: null },
        { leader: { id: 2, epoch: 4 }, brokers: [broker(1, false, 5), broker(2, true, 0)] },
        { leader: { id: 2, epoch: 4 }, brokers: [broker(1, false, 5, true)] },
      ]),
    ).toEqual([
      'controller 1 leads, epoch 3',
      'broker 1 is unfenced: it may lead partitions',
      'broker 2 is unfenced: it may lead partitions',
      'ready, 1 leads',
      'broker 1 leads 3 partitions',
      'broker 2 leads 2 partitions',
      'broker 1 leads 5 partitions',
      'broker 2 is fenced: others lead in its place',
      'nobody leads: controller 1 no longer does',
      'controller 2 leads now, epoch 4',
      'broker 1 is leaving: its partitions get other leaders first',
      'broker 2 is no longer registered',
    ]);
  });
});

describe('a broker of ottla dev', () => {
  it('goes at once when its parent is gone, and otherwise takes its leave of the controllers', () => {
    expect(brokerCloseMs('the parent is gone')).toBeLessThanOrEqual(500);
    expect(brokerCloseMs('the parent said so')).toBeGreaterThan(1_000);
    expect(brokerCloseMs('SIGTERM')).toBeGreaterThan(1_000);
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:9644', { host: '127.0.0.1', port: 9_644 }],
    ['[::1]:9644', { host: '::1', port: 9_644 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['9644', null],
    ['127.0.0.1:65536', null],
    ['http://127.0.0.1:9644', null],
    ['::1:9644', null],
  ])('%s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each([
    ['0@127.0.0.1:9645,1@127.0.0.1:9647', true],
    ['0@127.0.0.1:9645, 1@localhost:9647', true],
    ['127.0.0.1:9645', false],
    ['0@127.0.0.1:9645,0@127.0.0.1:9647', false],
    ['0@127.0.0.1:0', false],
    ['99999999999@127.0.0.1:1', false],
    ['', false],
  ])('of voters: %s', (text, isLegal) => {
    expect(parseVoters(text).ok).toBe(isLegal);
  });
});
