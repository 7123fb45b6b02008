import { type ChildProcess, fork } from 'node:child_process';
import type { SeedResult, SeedTask } from '../../command/seed-result.ts';
import { endlessSignal } from './endless.ts';

export type SeedAnswer =
  | { readonly kind: 'result'; readonly result: SeedResult }
  | { readonly kind: 'endless' }
  | { readonly kind: 'died'; readonly reason: string };

/** A seed uses little memory; a mutant that collects without end must not take all of the machine's. */
const execArgv = ['--max-semi-space-size=64', '--max-old-space-size=1024'];

/** The process in which a mutant's seeds run. */
export class SeedProcess {
  readonly #child: ChildProcess;
  #complaint = '';

  constructor(workerPath: string) {
    this.#child = fork(workerPath, [], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#complaint = `${this.#complaint}${bytes.toString()}`.slice(-10_000);
    });
  }

  /** One at a time. After an answer other than a result the process is gone. */
  run(task: SeedTask): Promise<SeedAnswer> {
    return new Promise((resolve) => {
      const onMessage = (result: SeedResult): void => answer({ kind: 'result', result });
      const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (signal === endlessSignal) answer({ kind: 'endless' });
        else answer({ kind: 'died', reason: reasonOf(this.#complaint) ?? `it ended with ${signal ?? code}` });
      };
      const answer = (found: SeedAnswer): void => {
        this.#child.off('message', onMessage);
        this.#child.off('close', onExit);
        resolve(found);
      };
      this.#child.on('message', onMessage);
      this.#child.on('close', onExit);
      this.#child.send(task, () => {});
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The line of Node's last words that names the error. */
function reasonOf(complaint: string): string | null {
  return (
    complaint.split('\n').find((line) => /^\w*(Error|Violation)\b|heap out of memory/.test(line)) ?? null
  );
}
