import { Child, type ChildEnd } from './child.ts';
import { mainFile } from './controller.ts';

export type ReferenceBrokerPlace = {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  readonly controllers: readonly string[];
  /** Names of the broker's settings with their values, as `--set` takes them. */
  readonly settings?: Readonly<Record<string, number>>;
};

/** `ottla broker start` as a process of its own, which can be killed and started again where it was. */
export class ReferenceBroker {
  readonly id: number;
  readonly url: string;
  readonly directory: string;
  readonly #place: ReferenceBrokerPlace;
  #child: Child | null = null;

  constructor(place: ReferenceBrokerPlace) {
    this.id = place.id;
    this.url = `http://127.0.0.1:${place.port}`;
    this.directory = place.directory;
    this.#place = place;
  }

  /** The process of the latest start. */
  get child(): Child {
    if (this.#child === null) throw new Error(`broker ${this.id} was never started`);
    return this.#child;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.end === null;
  }

  async start(): Promise<Child> {
    if (this.isRunning) throw new Error(`broker ${this.id} runs already`);
    const { id, port, directory, controllers, settings = {} } = this.#place;
    const given = ['--id', String(id), '--directory', directory, '--listen', `127.0.0.1:${port}`];
    const set = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    const child = await Child.start({
      name: `broker ${id}`,
      command: process.execPath,
      args: [mainFile, 'broker', 'start', ...given, '--controllers', controllers.join(','), ...set],
    });
    this.#child = child;
    return child;
  }

  /** `kill -9`; returns when the process is gone. */
  async killHard(): Promise<ChildEnd> {
    this.child.signal('SIGKILL');
    return await this.child.ended;
  }

  dump(): string {
    return this.#child === null ? '' : this.#child.dump();
  }

  async close(): Promise<void> {
    await this.#child?.kill();
  }
}
