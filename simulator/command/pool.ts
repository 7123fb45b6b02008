import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { SeedResult, SeedTask } from './seed-result.ts';

export type PoolOptions = {
  /** The next seed to run; null when there is none. */
  readonly next: () => SeedTask | null;
  readonly onResult: (result: SeedResult) => void;
  /** 0: one process for each core. */
  readonly workers: number;
  /** The program of the processes; this build's own unless it is a copy's. */
  readonly workerPath?: string;
  /** What becomes of a seed that is never answered; where nothing is said of it the pool fails. */
  readonly losses?: Losses;
};

export type Losses = {
  /** Without an answer for so long, a process is ended, and another takes its place. */
  readonly answerWithinMs: number;
  readonly onLost: (task: SeedTask, loss: Loss) => void;
};

/** The process has ended by itself, or did not answer in time. */
export type Loss = 'died' | 'silent';

type Answer =
  | { readonly kind: 'result'; readonly result: SeedResult }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly reason: string };

/** Runs seeds in parallel processes until there are no more. Resolves when the last has been answered. */
export function runPool(options: PoolOptions): Promise<void> {
  const count = options.workers === 0 ? availableParallelism() : options.workers;
  const all = Array.from({ length: count }, () => runSeedsInTurn(options));
  return Promise.all(all).then(() => undefined);
}

async function runSeedsInTurn(options: PoolOptions): Promise<void> {
  const { next, onResult, losses } = options;
  let worker: ChildProcess | null = null;
  for (let task = next(); task !== null; task = next()) {
    worker ??= forkWorker(options);
    const answer = await ask(worker, task, losses?.answerWithinMs ?? null);
    if (answer.kind === 'result') {
      onResult(answer.result);
      continue;
    }
    worker = null;
    if (losses === undefined) {
      throw new Error(
        `the process that ran seed ${task.seed} on the ${task.host} host ended with ${answer.reason}`,
      );
    }
    losses.onLost(task, answer.loss);
  }
  if (worker === null) return;
  const ended = once(worker, 'exit');
  worker.disconnect();
  await ended;
}

/**
 * A run makes many short-lived objects; with more room for young ones it spends less on collecting them. One
 * that needs more memory than any sound run is ended before the machine suffers.
 */
export const workerExecArgv = ['--max-semi-space-size=64', '--max-old-space-size=2048'];

function forkWorker({ workerPath, losses }: PoolOptions): ChildProcess {
  const path = workerPath ?? fileURLToPath(new URL('./worker.js', import.meta.url));
  // Where losses are expected nobody wants to read what each of them has to say.
  const errors = losses === undefined ? 'inherit' : 'ignore';
  return fork(path, [], { execArgv: workerExecArgv, stdio: ['ignore', 'inherit', errors, 'ipc'] });
}

/** Signals by which somebody else ends a process: they say nothing of the program. */
const foreignSignals: ReadonlySet<string> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL']);

function ask(worker: ChildProcess, task: SeedTask, answerWithinMs: number | null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      if (timer !== null) clearTimeout(timer);
      worker.removeAllListeners();
      act();
    };
    const lost = (loss: Loss, reason: string): void => settle(() => resolve({ kind: 'lost', loss, reason }));
    const giveUp = (): void => {
      lost('silent', `no answer for ${answerWithinMs} ms`);
      worker.kill('SIGKILL');
    };
    const timer = answerWithinMs === null ? null : setTimeout(giveUp, answerWithinMs);
    worker.on('message', (result: SeedResult) => settle(() => resolve({ kind: 'result', result })));
    worker.on('error', (error) => settle(() => reject(error)));
    worker.on('exit', (code, signal) => {
      if (signal === null || !foreignSignals.has(signal)) lost('died', String(signal ?? code));
      else settle(() => reject(new Error(`${signal} has ended the process that ran seed ${task.seed}`)));
    });
    worker.send(task);
  });
}
