import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../bench/processes/child.ts';
import { projectFolder } from '../../bench/support/project.ts';
import { assert } from '../../src/base/assert.ts';
import { inflict } from '../processes/damage.ts';
import type { Machines } from './machines.ts';
import type { Step } from './page.ts';

/** What happens to the machines before an operator looks; each is named in the page by its sentence. */
const scenes = {
  'the disk of one controller is lost': (stage: Stage) => stage.loseDisk(2),
  'two brokers serve a topic and one of them is killed': (stage: Stage) => stage.loseBroker(),
  'the broker is started again': (stage: Stage) => stage.startBroker(1),
  'forgotten copies fill the disks of all controllers': (stage: Stage) => stage.fillDisks(),
  'a controller is down and a byte of its log is damaged': (stage: Stage) => stage.damageLog(1),
  'two of three controllers are lost': (stage: Stage) => stage.loseControllers(),
  'the disks of two controllers are lost': (stage: Stage) => stage.loseDisks(),
  'the brokers are started with their new tokens': (stage: Stage) => stage.restartBrokers(),
} as const satisfies Record<string, (stage: Stage) => Promise<void>>;

/** A file system of its own can be filled; only root may mount one. */
export function needsOwnDisks(steps: readonly Step[]): boolean {
  return steps.some((step) => step.kind === 'scene' && step.name.startsWith('forgotten copies fill'));
}

/** Below it clients' writes are refused, and above a quarter of the reserve followers take records. */
const freeBytesWhenNearlyFull = 32 * 1024 * 1024;
const sectorBytes = 512;
/** Behind the header of a frame, if one begins with the sector. */
const bodyFrom = 64;

/** Makes the trouble that a procedure is for. */
export class Stage {
  readonly #machines: Machines;
  /** What the page asks to have in the shell. */
  readonly #preparation: string;
  readonly #brokers = new Map<number, Child>();

  constructor(machines: Machines, preparation: string) {
    this.#machines = machines;
    this.#preparation = preparation;
  }

  async play(name: string): Promise<void> {
    const scene = Object.entries(scenes).find(([sentence]) => sentence === name)?.[1];
    if (scene === undefined) throw new Error(`the page has a scene that the test does not know: ${name}`);
    await scene(this);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#brokers.values()].map((broker) => broker.kill()));
  }

  dump(): string {
    return [...this.#brokers.values()].map((broker) => broker.dump()).join('\n');
  }

  async loseDisk(id: number): Promise<void> {
    await this.#machines.unit(id).kill();
    this.#emptyDisk(id);
  }

  async loseBroker(): Promise<void> {
    await this.#type('ottla token create broker-2 --role broker --broker-id 2 --write-to ~/broker-2.token');
    await Promise.all([this.startBroker(1), this.startBroker(2)]);
    await this.#type('until [ $(ottla broker list | grep -cw unfenced) = 2 ]; do sleep 1; done');
    await this.#type('ottla topic create orders --partitions 4 --replication-factor 2');
    await this.#brokers.get(1)?.kill();
    await this.#type('until ottla broker list | grep -w fenced; do sleep 1; done');
  }

  async startBroker(id: number): Promise<void> {
    const { folder } = this.#machines;
    const endpoints = this.#machines.here(
      [0, 1, 2].map((each) => `https://c${each}.example.org:9644`).join(','),
    );
    const authority = join(folder, 'etc', 'authority.pem');
    const token = join(folder, 'home', `broker-${id}.token`);
    const program = join(projectFolder, 'test', 'operations', 'broker.mjs');
    const args = [program, String(id), endpoints, authority, token];
    this.#brokers.set(id, await Child.start({ name: `broker ${id}`, command: process.execPath, args }));
  }

  async restartBrokers(): Promise<void> {
    for (const id of [1, 2]) {
      await this.#brokers.get(id)?.kill();
      await this.startBroker(id);
    }
    await this.#type('until [ $(ottla broker list | grep -cw unfenced) = 2 ]; do sleep 1; done');
  }

  async fillDisks(): Promise<void> {
    await this.#machines.giveOwnDisks();
    for (const id of [0, 1, 2]) {
      const folder = this.#machines.dataDir(id);
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, 'backup.tar'), Buffer.alloc(bavail * bsize - freeBytesWhenNearlyFull));
    }
    await this.#type('until [ $(ottla quorum status | grep -c "nearly full") = 3 ]; do sleep 1; done');
  }

  async damageLog(id: number): Promise<void> {
    await this.#machines.unit(id).kill();
    const folder = join('metadata', 'log');
    const segments = readdirSync(join(this.#machines.dataDir(id), folder)).filter((name) =>
      name.endsWith('.log'),
    );
    const file = join(folder, segments.toSorted()[0] ?? '');
    const position = positionInFrame(readFileSync(join(this.#machines.dataDir(id), file)));
    inflict(this.#machines.dataDir(id), { file, kind: 'flip', position });
  }

  async loseControllers(): Promise<void> {
    await Promise.all([1, 2].map((id) => this.#machines.unit(id).kill()));
    await this.#untilNobodyLeads();
  }

  async loseDisks(): Promise<void> {
    await Promise.all([1, 2].map((id) => this.loseDisk(id)));
    await this.#type('systemctl start ottla@1 ottla@2');
    await this.#type('until curl -s https://c1.example.org:9644/livez; do sleep 1; done');
    await this.#type('until curl -s https://c2.example.org:9644/livez; do sleep 1; done');
    await this.#untilNobodyLeads();
  }

  /** It knows no leader any more, and has heard of nobody for longer than a moment; more may fail besides. */
  async #untilNobodyLeads(): Promise<void> {
    const ask = "curl -s 'https://c0.example.org:9644/readyz?verbose'";
    for (const check of ['leader', 'contact']) {
      await this.#type(`until ${ask} | grep -q '"${check}","ok":false'; do sleep 1; done`);
    }
  }

  #emptyDisk(id: number): void {
    const folder = this.#machines.dataDir(id);
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }

  async #type(text: string): Promise<void> {
    const { exitCode, answer } = await this.#machines.type(`${this.#preparation}\n${text}`);
    if (exitCode !== 0) throw new Error(`${text}\nended with ${exitCode}:\n${answer}`);
  }
}

/** A written byte in the middle of the log, within a frame's body. */
function positionInFrame(bytes: Buffer): number {
  const middle = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  for (let sector = middle - (middle % sectorBytes); sector < bytes.length; sector += sectorBytes) {
    const body = bytes.subarray(sector + bodyFrom, sector + sectorBytes - 1);
    const index = body.findIndex((byte) => byte !== 0);
    if (index !== -1) return sector + bodyFrom + index;
  }
  assert(false, 'a controller that has run has a log');
}
