import { describe, expect, it } from 'vitest';
import { failed } from '../../src/base/result.ts';
import type { ServerConfig } from '../../src/runtime/server-config.ts';
import { cli, type CliRun } from './run.ts';

const voters = '0@127.0.0.1:9645,1@127.0.0.1:9647';

/** What `server start` would start, or nothing when it refuses before that. */
async function configOf(...args: readonly string[]): Promise<{ config: ServerConfig | null; run: CliRun }> {
  let config: ServerConfig | null = null;
  const run = await cli(['server', 'start', '--data-dir', './data', '--voters', voters, ...args], {
    startServer: async (given) => {
      config = given;
      return failed({ code: 'CONFIG_INVALID', message: 'This test starts no server.' });
    },
  });
  return { config, run };
}

describe('where a controller listens for the others', () => {
  it('is where the voters’ list says that they look for it', async () => {
    const { config } = await configOf('--node-id', '1');
    expect(config?.peerListen).toEqual({ host: '127.0.0.1', port: 9647 });
  });

  it('is what --peers says, where it is given', async () => {
    const { config } = await configOf('--node-id', '1', '--peers', '127.0.0.1:7000');
    expect(config?.peerListen).toEqual({ host: '127.0.0.1', port: 7000 });
  });

  it('must be said for a node that the voters’ list does not name', async () => {
    const { config, run } = await configOf('--node-id', '7');
    expect(config).toBeNull();
    expect(run.exitCode).not.toBe(0);
    expect(run.err).toContain('--peers');
  });
});
