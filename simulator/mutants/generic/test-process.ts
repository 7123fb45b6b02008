import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestAnswer, TestTask } from './test-worker.ts';

/** How long all tests of a task may take; far above what they need on a machine with other work. */
const testsMsMax = 300_000;

/** The process in which the tests of one copy of the sources run. It is begun anew after it had to be ended. */
export class TestProcess {
  readonly #root: string;
  #child: ChildProcess | null = null;

  constructor(root: string) {
    this.#root = root;
  }

  /** The name of a test that fails; null when all pass. */
  async run(changedFile: string, tests: readonly string[]): Promise<string | null> {
    const child = this.#child ?? this.#begin();
    const task: TestTask = { changedPath: resolve(this.#root, changedFile), tests };
    return await new Promise((answer, reject) => {
      const timer = setTimeout(() => {
        stopListening();
        this.end();
        answer('the tests do not end');
      }, testsMsMax);
      const onMessage = ({ failed }: TestAnswer): void => {
        stopListening();
        answer(failed);
      };
      const onExit = (code: number | null): void => {
        stopListening();
        this.#child = null;
        reject(new Error(`the process that runs tests ended with ${code}`));
      };
      const stopListening = (): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(task);
    });
  }

  /** With all that vitest has begun. */
  end(): void {
    const pid = this.#child?.pid;
    this.#child = null;
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  }

  #begin(): ChildProcess {
    const path = fileURLToPath(new URL('./test-worker.js', import.meta.url));
    // At the head of its own group, so that it can be ended with its children.
    const child = fork(path, [this.#root], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    return child;
  }
}
