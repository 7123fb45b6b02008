import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { projectFolder } from '../../bench/support/project.ts';
import { withFlagsAlone } from '../../src/cli/settings/options.ts';
import { parseVoters } from '../../src/runtime/server-config.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { defaultHttpLimits } from '../../src/http/options.ts';
import { Command } from 'commander';
import { startCommand, unitValues } from '../operations/unit.ts';

const read = (path: string): string => readFileSync(join(projectFolder, 'deploy', path), 'utf8');

/** What the command line makes of these words; throws at a flag that it does not have. */
function startOptions(words: readonly string[]): Readonly<Record<string, unknown>> {
  let given: Readonly<Record<string, unknown>> = {};
  withFlagsAlone(new Command('start'), 'server')
    .exitOverride()
    .allowExcessArguments(false)
    .action((options: Readonly<Record<string, unknown>>) => {
      given = options;
    })
    .parse([...words], { from: 'user' });
  return given;
}

type Service = {
  readonly command: readonly string[];
  readonly volumes: readonly string[];
  readonly stop_grace_period: string;
  readonly build: { readonly context: string; readonly dockerfile: string };
};

type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};

function readCompose(): Compose {
  const parsed: Compose = parse(read('compose.yaml'), { merge: true });
  return parsed;
}

/** The longest that a controller takes to stop, each of its parts waiting as long as it may. */
const stopMaxMs = runtimeLimits.handOverMs + defaultHttpLimits.closeGraceMs;

describe('the unit for systemd', () => {
  const environment = new Map([
    ['OTTLA_VOTERS', '0@c0.example.org:9645,1@c1.example.org:9645,2@c2.example.org:9645'],
    ['OTTLA_HTTP', 'c1.example.org:9644'],
    ['OTTLA_PEERS', 'c1.example.org:9645'],
    ['OTTLA_OPTIONS', '--set segmentBytes=1048576 --log-level warn'],
  ]);

  it('starts a controller with flags that there are', () => {
    const [node, main, ...words] = startCommand('1', environment);
    expect([node, main]).toEqual(['/usr/bin/node', '/opt/ottla/dist/src/main.js']);
    expect(words.slice(0, 2)).toEqual(['server', 'start']);
    expect(startOptions(words.slice(2))).toMatchObject({
      nodeId: 1,
      dataDir: '/var/lib/ottla/1',
      http: 'c1.example.org:9644',
      set: ['segmentBytes=1048576'],
      insecure: false,
    });
  });

  it('makes the folder in which the controller keeps its data', () => {
    expect(unitValues('StateDirectory')).toEqual(['ottla/%i']);
  });

  it('leaves a controller the time to stop', () => {
    expect(Number(unitValues('TimeoutStopSec')[0]) * 1_000).toBeGreaterThan(stopMaxMs);
  });
});

describe('the containers of the quorum', () => {
  const { services, volumes } = readCompose();

  it.each(Object.entries(services))('%s is started with flags that there are', (name, { command }) => {
    expect(command.slice(0, 2)).toEqual(['server', 'start']);
    const options = startOptions(command.slice(2));
    expect(`controller-${String(options['nodeId'])}`).toBe(name);
    const voters = parseVoters(String(options['voters']));
    if (!voters.ok) throw new Error(voters.error);
    expect(voters.value.map(({ host }) => host)).toEqual(Object.keys(services));
    expect(options).toMatchObject({ insecure: true, authentication: true });
  });

  it.each(Object.entries(services))('%s has a volume of its own where its data stands', (name, service) => {
    const volume = name.replace('controller', 'data');
    expect(service.volumes).toEqual([`${volume}:/var/lib/ottla`]);
    expect(Object.keys(volumes)).toContain(volume);
    expect(startOptions(service.command.slice(2))['dataDir']).toBe('/var/lib/ottla');
  });

  it.each(Object.entries(services))('%s is left the time to stop', (_name, service) => {
    expect(Number.parseInt(service.stop_grace_period, 10) * 1_000).toBeGreaterThan(stopMaxMs);
    expect(existsSync(join(projectFolder, 'deploy', service.build.context, service.build.dockerfile))).toBe(
      true,
    );
  });
});

describe('the image', () => {
  it('copies what there is, and keeps its data in its volume', () => {
    const lines = read('Dockerfile').split('\n');
    const copied = lines
      .filter((line) => line.startsWith('COPY '))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const own = copied.filter((word) => !word.startsWith('--'));
    const made = ['/source/node_modules', '/source/dist/src', '.'];
    for (const path of own.filter((each) => !made.includes(each))) {
      expect(existsSync(join(projectFolder, path.replace('/source/', '')))).toBe(true);
    }
    expect(lines).toContain('VOLUME /var/lib/ottla');
    expect(lines).toContain('USER node');
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('is as healthy as %i says: exit code %i', async (status, exitCode) => {
    const server = createServer((_request, response) => void response.writeHead(status).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await checkHealth(`http://127.0.0.1:${port}/livez`)).toBe(exitCode);
  });

  it('is not healthy when nobody answers', async () => {
    expect(await checkHealth('http://127.0.0.1:1/livez')).toBe(1);
  });
});

async function checkHealth(url: string): Promise<number | null> {
  const check = spawn(process.execPath, [join(projectFolder, 'deploy', 'healthcheck.mjs')], {
    env: { ...process.env, OTTLA_LIVEZ: url },
    stdio: 'ignore',
  });
  await once(check, 'exit');
  return check.exitCode;
}
