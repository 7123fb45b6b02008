import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { endWithUs, hasEnded } from './reaper.ts';
import { NotYet, waitFor } from './wait.ts';

export type ChildOptions = {
  /** How dumps call it: `controller 1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
};

export type ChildEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Lines kept of each process, the newest ones. */
const linesMax = 3_000;
const linesShown = 60;

/** One process that we have started: what it printed, and how it ended. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #linesDropped = 0;
  #end: ChildEnd | null = null;

  private constructor(name: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#process = child;
    const { stdout, stderr } = child;
    if (stdout !== null) this.#collect(stdout, '');
    if (stderr !== null) this.#collect(stderr, '! ');
    this.ended = new Promise((resolve) => {
      // `close` comes after the last line was read, `exit` may come before.
      child.once('close', (code, signal) => {
        this.#end = { code, signal };
        hasEnded(pid);
        resolve(this.#end);
      });
    });
  }

  static async start(options: ChildOptions): Promise<Child> {
    const child = spawn(options.command, [...options.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid === undefined) throw new Error(`${options.name} has no pid`);
    endWithUs(child.pid);
    return new Child(options.name, child, child.pid);
  }

  /** How it ended; null while it runs. */
  get end(): ChildEnd | null {
    return this.#end;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end !== null) throw new Error(`${this.name} has ended already (${formatEnd(this.#end)})`);
    this.#process.kill(signal);
  }

  /** Ends it at once, if it still runs, and returns when it has ended. */
  async kill(): Promise<void> {
    if (this.#end === null) this.#process.kill('SIGKILL');
    await this.ended;
  }

  async waitForEnd(timeoutMs?: number): Promise<ChildEnd> {
    return await waitFor(`${this.name} ends`, () => this.#end ?? new NotYet('it still runs'), {
      describe: () => this.dump(),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /** How many lines it has printed so far. */
  get lineCount(): number {
    return this.#linesDropped + this.#lines.length;
  }

  /** Waits for a line that it prints, also one printed before; `after` leaves out its first so many lines. */
  async waitForLine(pattern: RegExp, after = 0, timeoutMs?: number): Promise<string> {
    const probe = (): string | NotYet => {
      const shown = this.#lines.slice(Math.max(0, after - this.#linesDropped));
      const line = shown.find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (this.#end !== null) throw new Error(`${this.name} ended without ${pattern}\n${this.dump()}`);
      return new NotYet(`${this.#lines.length} other lines`);
    };
    return await waitFor(`${this.name} prints ${pattern}`, probe, {
      describe: () => this.dump(),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /** Everything it printed that is still kept, as one text. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Its last lines and how it stands. */
  dump(): string {
    const state = this.#end === null ? 'runs' : formatEnd(this.#end);
    const shown = this.#lines.slice(-linesShown);
    return [`── ${this.name} (pid ${this.pid}, ${state})`, ...shown.map((line) => `   ${line}`)].join('\n');
  }

  #collect(stream: Readable, prefix: string): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(prefix + line);
      if (this.#lines.length > linesMax) {
        this.#lines.shift();
        this.#linesDropped += 1;
      }
    });
  }
}

function formatEnd({ code, signal }: ChildEnd): string {
  return signal === null ? `ended with code ${code}` : `ended by ${signal}`;
}
