import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Child } from './processes/child.ts';
import { reservePorts } from './processes/ports.ts';
import { NotYet, waitFor } from './processes/wait.ts';
import { LeanLanes, runLanes } from './quorum-parts/lanes.ts';
import { report, type ReportRow } from './report.ts';

/**
 * What others do on this machine with the load of `bench -- quorum`, so that its figures can be compared: three
 * members of etcd with their default settings, asked for puts of 256 bytes by plain HTTP (its JSON gateway) by
 * the same lean client. Says so, and measures nothing, where etcd is not installed.
 *
 *   npm run bench -- peers [--seconds 5] [--outstanding 1,16,64,256]
 */
export async function run(argumentList: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      seconds: { type: 'string', default: '5' },
      outstanding: { type: 'string', default: '1,16,64,256' },
    },
  });
  const version = etcdVersion();
  if (version === null) {
    console.log('skipped: etcd is not installed');
    return;
  }
  const etcd = await Etcd.start();
  try {
    const port = await etcd.leaderPort();
    const rows: ReportRow[] = [];
    for (const outstanding of values.outstanding.split(',').map(Number)) {
      const figures = await measurePuts(port, outstanding, Number(values.seconds));
      const row = {
        measure: 'writes',
        client: 'HTTP',
        operation: `etcd ${version} put, 256 B`,
        outstandingCount: outstanding,
      };
      rows.push({ ...row, ...figures });
      console.log(JSON.stringify(rows.at(-1)));
    }
    report('peers', rows);
  } finally {
    await etcd.close();
  }
}

function etcdVersion(): string | null {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  return status === 0 ? (/etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown') : null;
}

async function measurePuts(port: number, outstanding: number, seconds: number) {
  const lanes = await LeanLanes.open(port, outstanding);
  const value = Buffer.alloc(256, 'v').toString('base64');
  let written = 0;
  const put = (lane: number): Promise<boolean> => {
    const key = Buffer.from(`bench-${written++}`).toString('base64');
    return lanes.post(lane, '/v3/kv/put', JSON.stringify({ key, value }), 200);
  };
  try {
    return await runLanes(outstanding, put, { seconds, warmUpSeconds: 1 });
  } finally {
    lanes.close();
  }
}

type Member = { readonly child: Child; readonly clientPort: number };

/** Three members on this machine, their data in a folder that goes with them. */
class Etcd {
  readonly #members: readonly Member[];
  readonly #folder: string;
  readonly #release: () => void;

  private constructor(members: readonly Member[], folder: string, release: () => void) {
    this.#members = members;
    this.#folder = folder;
    this.#release = release;
  }

  static async start(): Promise<Etcd> {
    const reserved = await reservePorts(6);
    const { ports } = reserved;
    const folder = mkdtempSync(join(tmpdir(), 'ottla-etcd-'));
    const url = (port: number): string => `http://127.0.0.1:${port}`;
    const places = [0, 1, 2].map((at) => ({
      name: `e${at}`,
      client: ports[at] ?? 0,
      peer: ports[at + 3] ?? 0,
    }));
    const cluster = places.map(({ name, peer }) => `${name}=${url(peer)}`).join(',');
    const children = places.map(({ name, client, peer }) => {
      const options = {
        name,
        'data-dir': join(folder, name),
        'listen-client-urls': url(client),
        'advertise-client-urls': url(client),
        'listen-peer-urls': url(peer),
        'initial-advertise-peer-urls': url(peer),
        'initial-cluster': cluster,
      };
      const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
      return Child.start({ name: `etcd ${name}`, command: 'etcd', args });
    });
    const started = await Promise.all(children);
    const members = started.map((child, at) => ({ child, clientPort: places[at]?.client ?? 0 }));
    return new Etcd(members, folder, () => reserved.release());
  }

  /** The client port of the member that leads. */
  async leaderPort(): Promise<number> {
    return await waitFor('etcd has a leader', async () => {
      for (const { clientPort } of this.#members) {
        const status = await askStatus(clientPort);
        if (status !== null && status.leader === status.member) return clientPort;
      }
      return new NotYet('no member leads');
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ child }) => child.kill()));
    this.#release();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function askStatus(port: number): Promise<{ readonly leader: string; readonly member: string } | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
    });
    const text = await answer.text();
    const leader = /"leader":"(\d+)"/.exec(text)?.[1] ?? '';
    const member = /"member_id":"(\d+)"/.exec(text)?.[1] ?? '';
    return leader === '' ? null : { leader, member };
  } catch {
    return null;
  }
}
