import { ok } from '../../src/base/result.ts';
import { describe, expect, it } from 'vitest';
import { epoch, nodeId } from '../../src/base/brands.ts';
import { announce, listensLine, servesNow } from '../../src/cli/standing.ts';
import type { NodeStatus } from '../../src/runtime/controller-api.ts';
import type { ServerConfig } from '../../src/runtime/server-config.ts';
import { fakeStatus } from '../http/fake-controller.ts';

const url = 'http://127.0.0.1:9644';

function config(id: number, voters: readonly number[]): ServerConfig {
  return {
    nodeId: nodeId(id),
    dataDir: './data',
    voters: voters.map((each) => ({ id: nodeId(each), host: '127.0.0.1', port: 9_000 + each })),
    httpListen: { host: '127.0.0.1', port: 9_644 },
    peerListen: { host: '127.0.0.1', port: 9_645 },
    tls: null,
    insecure: false,
    logLevel: 'silent',
  };
}

const unformed = fakeStatus({ clusterId: null, role: 'starting', leaderId: null, active: false });
const leaderless = fakeStatus({ role: 'follower', leaderId: null, active: false });

describe('a controller that listens', () => {
  it.each([
    [0, [0, 1, 2], unformed, 'waits for controllers 1, 2: the first start needs all of them'],
    [1, [0, 1], unformed, 'waits for controller 0: the first start needs all of them'],
    [7, [0, 1, 2], unformed, 'does not name it, waits for controllers 0, 1, 2 to take it in as an observer'],
    [0, [0, 1, 2], leaderless, 'waits for a leader: a majority of controllers 1, 2 and itself must run'],
    [0, [0], unformed, 'it is the only voter'],
  ] as const)('says for whom it waits: node %i of %o', (id, voters, status, text) => {
    expect(listensLine(config(id, voters), url, status)).toContain(text);
  });

  it.each([
    [unformed, false],
    [leaderless, false],
    [fakeStatus({ role: 'starting' }), false],
    [fakeStatus({ role: 'stopped' }), false],
    [fakeStatus({ active: false }), false],
    [fakeStatus({ role: 'follower', active: false, leaderId: nodeId(2), lastContactMs: null }), false],
    [fakeStatus(), true],
    [fakeStatus({ role: 'follower', active: false, leaderId: nodeId(2), epoch: epoch(4) }), true],
  ])('serves when it knows a leader, itself only once it is active: %#', (status, serves) => {
    expect(servesNow(status)).toBe(serves);
  });

  it('says that it serves when it does, and not before, and once', async () => {
    const lines: string[] = [];
    let status: NodeStatus = unformed;
    let end: () => void = () => {};
    const stopped = new Promise<{ reason: 'asked' }>((resolve) => {
      end = () => resolve({ reason: 'asked' });
    });
    const running = {
      httpUrl: url,
      status: () => status,
      stopped,
      reload: async () => ok(null),
      stop: async () => end(),
    };
    announce(config(0, [0, 1, 2]), running, (line) => lines.push(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('serves');
    status = fakeStatus();
    await expect.poll(() => lines).toHaveLength(2);
    expect(lines[1]).toBe(`Controller 0 serves ${url}; it leads. Ctrl-C stops it.\n`);
    await running.stop();
  });
});
