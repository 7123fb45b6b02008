import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { SeedResult, SeedTask } from './seed-result.ts';

export type PoolOptions = {
  /** The next seed to run; null when there is none. */
  readonly next: () => SeedTask | null;
  readonly onResult: (result: SeedResult) => void;
  /** 0: one process for each core. */
  readonly workers: number;
};

/** Runs seeds in parallel processes until there are no more. Resolves when the last has been answered. */
export function runPool({ next, onResult, workers }: PoolOptions): Promise<void> {
  const count = workers === 0 ? availableParallelism() : workers;
  const all = Array.from({ length: count }, () => runWorker(next, onResult));
  return Promise.all(all).then(() => undefined);
}

/** A run makes many short-lived objects; with more room for young ones it spends less on collecting them. */
const execArgv = ['--max-semi-space-size=64'];

function runWorker(next: PoolOptions['next'], onResult: PoolOptions['onResult']): Promise<void> {
  const first = next();
  if (first === null) return Promise.resolve();
  const worker = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], { execArgv });
  let asked = first;
  return new Promise((resolve, reject) => {
    worker.on('message', (result: SeedResult) => {
      onResult(result);
      const task = next();
      if (task === null) worker.disconnect();
      else {
        asked = task;
        ask(worker, task);
      }
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`the process that ran seed ${asked.seed} on the ${asked.host} host ended with ${code}`),
        );
    });
    ask(worker, first);
  });
}

function ask(worker: ChildProcess, task: SeedTask): void {
  worker.send(task);
}
