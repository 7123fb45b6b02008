import { spawn } from 'node:child_process';
import { mainFile } from '../../bench/processes/controller.ts';

export type Screen = { readonly exitCode: number | null; readonly out: string };

const commandTimeoutMs = 60_000;

/** What happens and what an operator sees of it, in its order, each with the time since the beginning. */
export class Transcript {
  readonly #startMs = performance.now();
  readonly #controllers: readonly string[];
  readonly #write: (text: string) => void;
  readonly #abandoned: AbortSignal;

  constructor(controllers: readonly string[], write: (text: string) => void, abandoned: AbortSignal) {
    this.#controllers = controllers;
    this.#write = write;
    this.#abandoned = abandoned;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  say(text: string): void {
    this.#write(`${this.#time()} ${text}\n`);
  }

  /** Runs `ottla` as a process, as an operator would, and shows its screen; throws once the run is given up. */
  async ottla(...args: readonly string[]): Promise<Screen> {
    this.#abandoned.throwIfAborted();
    const child = spawn(process.execPath, [mainFile, ...args, '--endpoints', this.#controllers.join(',')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', COLUMNS: '120' },
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
    });
    const [out, err] = [child.stdout, child.stderr].map((stream) => {
      const parts: string[] = [];
      stream.setEncoding('utf8').on('data', (part: string) => parts.push(part));
      return parts;
    });
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const screen = { exitCode, out: out?.join('') ?? '' };
    const shown = `${screen.out}${err?.join('') ?? ''}`.trimEnd();
    const ending = exitCode === 0 ? '' : `\n        (exit code ${exitCode})`;
    this.#write(`${this.#time()} $ ottla ${args.join(' ')}\n${indented(shown)}${ending}\n`);
    return screen;
  }

  #time(): string {
    const seconds = Math.floor(this.elapsedMs / 1_000);
    return `[${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}]`;
  }
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n');
}
