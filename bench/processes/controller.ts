import { join } from 'node:path';
import { projectFolder } from '../support/project.ts';
import { Child, type ChildEnd } from './child.ts';
import {
  field,
  type Http,
  type HttpAnswer,
  type HttpOptions,
  type HttpOutcome,
  numberField,
} from './http.ts';

/** The program under test: the build of this project, or another installation of it. */
export const mainFile = process.env['OTTLA_MAIN'] ?? join(projectFolder, 'dist', 'src', 'main.js');

export type ControllerPlace = {
  readonly id: number;
  readonly dataDir: string;
  readonly httpPort: number;
  readonly peerPort: number;
};

export type ControllerSetup = {
  /** Names of the controller's settings with their values, as `--set` takes them. */
  readonly settings: Readonly<Record<string, number>>;
  /** A program and its arguments that run Node.js for us and become it; none when empty. */
  readonly wrapper: readonly string[];
  /** Arguments for Node.js itself. */
  readonly nodeArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logLevel: string;
};

/** What one node says of itself at `/v1/quorum`. */
export type NodeView = {
  readonly nodeId: number;
  readonly clusterId: string | null;
  readonly leaderId: number | null;
  readonly epoch: number;
  readonly role: string;
  readonly isObserver: boolean;
  readonly recovering: boolean;
  readonly active: boolean;
  readonly lowOnSpace: boolean;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly appliedOffset: number;
  readonly latestSnapshotOffset: number | null;
  readonly snapshotChunksReceived: number;
};

/** One controller: its place on this machine, and its process while it has one. */
export class Controller {
  readonly place: ControllerPlace;
  readonly #voters: string;
  readonly #setup: ControllerSetup;
  readonly #http: Http;
  readonly #earlier: Child[] = [];
  #child: Child | null = null;

  constructor(place: ControllerPlace, voters: string, setup: ControllerSetup, http: Http) {
    this.place = place;
    this.#voters = voters;
    this.#setup = setup;
    this.#http = http;
  }

  get id(): number {
    return this.place.id;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.place.httpPort}`;
  }

  /** The process of the latest start. */
  get child(): Child {
    if (this.#child === null) throw new Error(`controller ${this.id} was never started`);
    return this.#child;
  }

  get pid(): number {
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.end === null;
  }

  /** Every process that this controller has been, the latest last. */
  get children(): readonly Child[] {
    return this.#child === null ? this.#earlier : [...this.#earlier, this.#child];
  }

  /** Starts its process; `overrides` change single options for this start only. */
  async start(overrides: Partial<ControllerSetup> = {}): Promise<Child> {
    if (this.isRunning) throw new Error(`controller ${this.id} runs already`);
    const setup = { ...this.#setup, ...overrides };
    const [command = process.execPath, ...args] = [
      ...setup.wrapper,
      process.execPath,
      ...setup.nodeArguments,
      ...controllerArguments(this.place, this.#voters, setup),
    ];
    const child = await Child.start({
      name: `controller ${this.id}`,
      command,
      args,
      environment: setup.environment,
    });
    if (this.#child !== null) this.#earlier.push(this.#child);
    this.#child = child;
    return child;
  }

  /** `kill -9`; returns when the process is gone. */
  async killHard(): Promise<ChildEnd> {
    this.child.signal('SIGKILL');
    return await this.child.ended;
  }

  /** Asks it to end, and returns when it has. */
  async stop(): Promise<ChildEnd> {
    this.child.signal('SIGTERM');
    return await this.child.waitForEnd();
  }

  async send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    options?: HttpOptions,
  ): Promise<HttpOutcome> {
    return await this.#http.send(method, this.origin + path, options);
  }

  /** Like `send`, where an answer is expected whatever it says. */
  async ask(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    options?: HttpOptions,
  ): Promise<HttpAnswer> {
    const outcome = await this.send(method, path, options);
    if (outcome.type === 'answer') return outcome;
    throw new Error(`${method} ${this.origin}${path}: ${outcome.reason}\n${this.dump()}`);
  }

  /** How the node stands; null while it gives no answer. */
  async view(timeoutMs = 2_000): Promise<NodeView | null> {
    if (!this.isRunning) return null;
    const outcome = await this.send('GET', '/v1/quorum', { timeoutMs });
    return outcome.type === 'answer' && outcome.status === 200 ? readView(outcome.body) : null;
  }

  dump(): string {
    return this.children
      .slice(-2)
      .map((child) => child.dump())
      .join('\n');
  }
}

export function controllerArguments(
  place: ControllerPlace,
  voters: string,
  setup: Pick<ControllerSetup, 'settings' | 'logLevel'>,
): string[] {
  const settings = Object.entries(setup.settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const options = {
    'node-id': String(place.id),
    'data-dir': place.dataDir,
    voters,
    http: `127.0.0.1:${place.httpPort}`,
    peers: `127.0.0.1:${place.peerPort}`,
    'log-level': setup.logLevel,
  };
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  // Nobody else is on the machine, and what is measured and tested here is not who may ask.
  return [mainFile, 'server', 'start', ...given, '--insecure', ...settings];
}

function readView(body: unknown): NodeView {
  const node = field(body, 'node');
  const number = (name: string): number => numberField(node, name);
  const flag = (name: string): boolean => field(node, name) === true;
  const clusterId = field(body, 'clusterId');
  const leaderId = field(body, 'leaderId');
  const latestSnapshotOffset = field(node, 'latestSnapshotOffset');
  return {
    nodeId: number('nodeId'),
    clusterId: typeof clusterId === 'string' ? clusterId : null,
    leaderId: typeof leaderId === 'number' ? leaderId : null,
    epoch: numberField(body, 'epoch'),
    role: String(field(node, 'role')),
    isObserver: flag('isObserver'),
    recovering: flag('recovering'),
    active: flag('active'),
    lowOnSpace: flag('lowOnSpace'),
    highWatermark: number('highWatermark'),
    logStartOffset: number('logStartOffset'),
    logEndOffset: number('logEndOffset'),
    appliedOffset: number('appliedOffset'),
    latestSnapshotOffset: typeof latestSnapshotOffset === 'number' ? latestSnapshotOffset : null,
    snapshotChunksReceived: number('snapshotChunksReceived'),
  };
}
