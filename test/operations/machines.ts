import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../bench/processes/child.ts';
import { reservePorts, type ReservedPorts } from '../../bench/processes/ports.ts';
import { projectFolder } from '../../bench/support/project.ts';
import { mountDiskAt, unmountDiskAt } from '../processes/small-disk.ts';
import { readEnvironment, startCommand } from './unit.ts';

export type Typed = { readonly exitCode: number; readonly answer: string };

const controllersMax = 4;
const blockTimeoutMs = 300_000;
/** Room for a controller's two segments, for its reserve, and for others to fill. */
const ownDiskBytes = 192 * 1024 * 1024;

/**
 * The machines of the page on this one: its host names are ports on loopback, its folders are below a temporary
 * one, and `systemctl` and `journalctl` are stand-ins that run the unit which the package comes with. All else
 * is real: the shell, curl, openssl, the command line and the controllers.
 */
export class Machines {
  readonly folder: string;
  readonly #ports: ReservedPorts;
  readonly #manager: Server;
  readonly #units = new Map<string, Child>();
  readonly #disks: string[] = [];

  private constructor(folder: string, ports: ReservedPorts) {
    this.folder = folder;
    this.#ports = ports;
    this.#manager = createServer((request, response) => {
      void this.#manage(request.url ?? '').then(({ exitCode, answer }) => {
        response.writeHead(exitCode === 0 ? 200 : 500).end(answer);
      });
    });
  }

  static async open(): Promise<Machines> {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-operations-'));
    const machines = new Machines(folder, await reservePorts(2 * controllersMax));
    for (const name of ['bin', 'etc', 'data', 'home']) mkdirSync(join(folder, name));
    machines.#standIn('ottla', `exec "${process.execPath}" "${projectFolder}/dist/src/main.js" "$@"`);
    // Each argument is a part of the path, so that none of them holds a space.
    const ask = `exec curl -sS --fail-with-body --unix-socket "${folder}/manager" "http://manager$(printf '/%s' "$@")"`;
    machines.#standIn('systemctl', ask);
    machines.#standIn('journalctl', ask.replace('manager$', 'manager/journal$'));
    await new Promise<void>((resolve) => machines.#manager.listen(join(folder, 'manager'), resolve));
    return machines;
  }

  /** What stands in the page, with the names and folders of this machine. */
  here(text: string): string {
    return text
      .replaceAll(/c(\d)\.example\.org:(9644|9645)/g, (_whole, id: string, port: string) => {
        return `localhost:${this.#ports.ports[2 * Number(id) + (port === '9644' ? 0 : 1)]}`;
      })
      .replaceAll(/c(?:\d|\$id)\.example\.org/g, 'localhost')
      .replaceAll('/etc/ottla', join(this.folder, 'etc'))
      .replaceAll('/var/lib/ottla', join(this.folder, 'data'))
      .replaceAll('/opt/ottla', projectFolder);
  }

  /** Types a block into a shell of its own and waits for its end. Both streams are one answer, as on a terminal. */
  async type(block: string): Promise<Typed> {
    const script = `exec 2>&1\nset -eo pipefail\n${this.here(block)}`;
    const environment = {
      ...process.env,
      NODE_OPTIONS: '',
      PATH: `${this.folder}/bin:${process.env['PATH'] ?? ''}`,
      HOME: join(this.folder, 'home'),
    };
    const options = { cwd: join(this.folder, 'home'), env: environment, timeout: blockTimeoutMs };
    return await new Promise((resolve) => {
      execFile('bash', ['-c', script], options, (error, answer) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode: code, answer });
      });
    });
  }

  unit(id: number): Child {
    const child = this.#units.get(String(id));
    if (child === undefined) throw new Error(`ottla@${id} was never started`);
    return child;
  }

  dataDir(id: number): string {
    return join(this.folder, 'data', String(id));
  }

  /** Moves each controller's directory to a file system of its own, small enough to be filled. */
  async giveOwnDisks(): Promise<void> {
    await Promise.all([...this.#units.values()].map(stopped));
    for (const id of this.#units.keys()) {
      const folder = join(this.folder, 'data', id);
      const before = `${folder}-before`;
      renameSync(folder, before);
      mkdirSync(folder, { mode: 0o700 });
      if (!mountDiskAt(folder, ownDiskBytes)) throw new Error('a disk could be mounted a moment ago');
      this.#disks.push(folder);
      cpSync(before, folder, { recursive: true });
      rmSync(before, { recursive: true });
    }
    await Promise.all([...this.#units.keys()].map((id) => this.#start(id)));
  }

  dump(): string {
    return [...this.#units.values()].map((child) => child.dump()).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.#units.values()].map((child) => child.kill()));
    await new Promise((resolve) => this.#manager.close(resolve));
    this.#ports.release();
    this.#disks.forEach(unmountDiskAt);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #standIn(name: string, line: string): void {
    const file = join(this.folder, 'bin', name);
    writeFileSync(file, `#!/bin/bash\n${line}\n`);
    chmodSync(file, 0o755);
  }

  /** `/start/ottla@0`, `/journal/-u/ottla@0`: the words of a command line. */
  async #manage(path: string): Promise<Typed> {
    const words = path.split('/').slice(1).map(decodeURIComponent);
    const verb = words[0] ?? '';
    const units = words.filter((word) => word.startsWith('ottla@')).map((word) => word.slice(6));
    try {
      const answers = await Promise.all(units.map((instance) => this.#do(verb, instance)));
      return { exitCode: 0, answer: answers.join('') };
    } catch (error) {
      return { exitCode: 1, answer: String(error) };
    }
  }

  async #do(verb: string, instance: string): Promise<string> {
    const child = this.#units.get(instance);
    switch (verb) {
      case 'enable':
      case 'start':
        await this.#start(instance);
        return '';
      case 'stop':
        await stopped(child);
        return '';
      case 'restart':
        await stopped(child);
        await this.#start(instance);
        return '';
      case 'reload':
        child?.signal('SIGHUP');
        return '';
      case 'is-active':
        return child?.end === null ? 'active\n' : 'inactive\n';
      case 'journal':
        return `${child?.output ?? ''}\n`;
      default:
        throw new Error(`the stand-in for systemctl does not know ${verb}`);
    }
  }

  async #start(instance: string): Promise<void> {
    const file = join(this.folder, 'etc', `controller-${instance}.env`);
    const words = startCommand(instance, readEnvironment(readFileSync(file, 'utf8')));
    const [, ...args] = words.map((word) => this.here(word));
    // systemd makes the StateDirectory.
    mkdirSync(join(this.folder, 'data', instance), { recursive: true, mode: 0o700 });
    const name = `ottla@${instance}`;
    this.#units.set(instance, await Child.start({ name, command: process.execPath, args }));
  }
}

async function stopped(child: Child | undefined): Promise<void> {
  if (child === undefined || child.end !== null) return;
  child.signal('SIGTERM');
  await child.waitForEnd();
}
