import { type ChildProcess, spawn } from 'node:child_process';

/** How the kit starts and ends the broker's process; absent where somebody else does. */
export type BrokerControl = {
  readonly isRunning: boolean;
  start(): Promise<void>;
  /** At once, as by `kill -9`. */
  kill(): Promise<void>;
  /** Asks it to leave; it ends when it has. */
  stop(): void;
};

/** What a command may name. */
export type CommandPlaces = {
  /** The gateway's addresses, separated by a comma. */
  readonly controllers: string;
  /** An empty folder at first, the same at every start. */
  readonly directory: string;
};

/** Runs a command line in a shell; `{controllers}` and `{directory}` stand for what the kit knows. */
export class CommandControl implements BrokerControl {
  readonly #command: string;
  readonly #output: (line: string) => void;
  #child: ChildProcess | null = null;

  constructor(command: string, places: CommandPlaces, output: (text: string) => void) {
    this.#command = command
      .replaceAll('{controllers}', places.controllers)
      .replaceAll('{directory}', places.directory);
    this.#output = output;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  async start(): Promise<void> {
    if (this.#child !== null) return;
    // A group of its own, so that what the shell has started ends with it.
    const child = spawn('/bin/sh', ['-c', `exec ${this.#command}`], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.#output(chunk.toString('utf8')));
    }
    const forget = (): void => {
      if (this.#child === child) this.#child = null;
    };
    child.on('exit', forget);
    child.on('error', forget);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    signal(child, 'SIGKILL');
    await ended;
  }

  stop(): void {
    if (this.#child !== null) signal(this.#child, 'SIGTERM');
  }
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
