import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type ControllerSetup, type NodeView } from './controller.ts';
import { Http } from './http.ts';
import { reservePorts, type ReservedPorts } from './ports.ts';
import { NotYet, waitFor, type WaitOptions } from './wait.ts';

export type QuorumOptions = Partial<ControllerSetup> & {
  readonly size?: number;
  /** Where the nodes keep their data; a folder of its own, removed at the end, when absent. */
  readonly folder?: string;
};

/** A leader as itself and a majority see it. */
export type Leadership = { readonly leader: Controller; readonly epoch: number };

/** Controllers on this machine that form one quorum: real processes, each with its own directory and ports. */
export class Quorum {
  readonly controllers: readonly Controller[];
  readonly folder: string;
  readonly http: Http;
  readonly #ports: ReservedPorts;
  readonly #ownsFolder: boolean;
  readonly #voters: string;
  readonly #setup: ControllerSetup;
  readonly #intruders: { readonly controller: Controller; readonly ports: ReservedPorts }[] = [];

  private constructor(folder: string, ownsFolder: boolean, ports: ReservedPorts, setup: ControllerSetup) {
    const places = Array.from({ length: ports.ports.length / 2 }, (_, id) => ({
      id,
      dataDir: join(folder, `controller-${id}`),
      httpPort: ports.ports[2 * id] ?? 0,
      peerPort: ports.ports[2 * id + 1] ?? 0,
    }));
    this.folder = folder;
    this.http = new Http();
    this.#ports = ports;
    this.#ownsFolder = ownsFolder;
    this.#setup = setup;
    this.#voters = places.map(({ id, peerPort }) => `${id}@127.0.0.1:${peerPort}`).join(',');
    this.controllers = places.map((place) => new Controller(place, this.#voters, setup, this.http));
  }

  /** Finds places for the controllers and starts none of them. */
  static async prepare(options: QuorumOptions = {}): Promise<Quorum> {
    const ports = await reservePorts(2 * (options.size ?? 3));
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'ottla-quorum-'));
    return new Quorum(folder, options.folder === undefined, ports, {
      settings: options.settings ?? {},
      wrapper: options.wrapper ?? [],
      nodeArguments: options.nodeArguments ?? [],
      environment: options.environment ?? {},
      logLevel: options.logLevel ?? 'info',
    });
  }

  get origins(): readonly string[] {
    return this.controllers.map((controller) => controller.origin);
  }

  controller(id: number): Controller {
    const found = this.controllers.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no controller ${id}`);
    return found;
  }

  others(controller: Controller): readonly Controller[] {
    return this.controllers.filter((each) => each !== controller);
  }

  async start(): Promise<void> {
    await Promise.all(this.controllers.map((controller) => controller.start()));
  }

  /** One more process that claims to be a controller of this quorum, with its own ports, in `dataDir`. */
  async startIntruder(id: number, dataDir: string): Promise<Controller> {
    const ports = await reservePorts(2);
    const [httpPort = 0, peerPort = 0] = ports.ports;
    const intruder = new Controller(
      { id, dataDir, httpPort, peerPort },
      this.#voters,
      this.#setup,
      this.http,
    );
    this.#intruders.push({ controller: intruder, ports });
    await intruder.start();
    return intruder;
  }

  /** Waits until one node leads, serves, and the majority that is needed follows it in its epoch. */
  async waitForLeader(after: { readonly epochAbove?: number } & WaitOptions = {}): Promise<Leadership> {
    const { epochAbove = -1, ...options } = after;
    return await waitFor(
      `a leader serves${epochAbove < 0 ? '' : ` in an epoch above ${epochAbove}`}`,
      async () => {
        const views = await this.views();
        const leading = views.find((view) => view?.active === true && view.epoch > epochAbove);
        if (leading === undefined || leading === null) return new NotYet(describeViews(views));
        const following = views.filter(
          (view) => view?.epoch === leading.epoch && view.leaderId === leading.nodeId,
        );
        if (following.length * 2 <= this.controllers.length) return new NotYet(describeViews(views));
        return { leader: this.controller(leading.nodeId), epoch: leading.epoch };
      },
      { describe: () => this.dump(), ...options },
    );
  }

  /** Waits until every node that runs has applied at least `offset`, and follows or leads. */
  async waitUntilCaughtUp(offset: number, options: WaitOptions = {}): Promise<readonly NodeView[]> {
    return await waitFor(
      `all nodes that run have applied ${offset}`,
      async () => {
        const running = this.controllers.filter((each) => each.isRunning);
        const views = await Promise.all(running.map((each) => each.view()));
        const settled = views.filter((view) => view !== null).filter((view) => isSettled(view, offset));
        return settled.length === running.length ? settled : new NotYet(describeViews(views));
      },
      { describe: () => this.dump(), ...options },
    );
  }

  async views(): Promise<readonly (NodeView | null)[]> {
    return await Promise.all(this.controllers.map((controller) => controller.view()));
  }

  /** The last lines of every process, for whoever has to find out what went wrong. */
  dump(): string {
    return this.controllers.map((controller) => controller.dump()).join('\n');
  }

  /** Ends every process and removes what they have written. */
  async close(): Promise<void> {
    const all = [...this.controllers, ...this.#intruders.map(({ controller }) => controller)];
    await Promise.all(all.flatMap(({ children }) => children).map((child) => child.kill()));
    await this.http.close();
    this.#ports.release();
    for (const { ports } of this.#intruders) ports.release();
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

function isSettled(view: NodeView, offset: number): boolean {
  return view.leaderId !== null && view.appliedOffset >= offset && !view.recovering;
}

export function describeViews(views: readonly (NodeView | null)[]): string {
  return views
    .map((view) =>
      view === null
        ? 'no answer'
        : `${view.nodeId}: ${view.role}${view.active ? ' (serving)' : ''}${view.recovering ? ' recovering' : ''} epoch ${view.epoch} leader ${view.leaderId ?? 'none'} applied ${view.appliedOffset} of ${view.logEndOffset}`,
    )
    .join('; ');
}
