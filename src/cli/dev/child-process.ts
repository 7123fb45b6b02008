import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readChildMessage, type ChildMessage } from './messages.ts';

export type ChildEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** One process that `ottla dev` has started. */
export type DevChild = {
  readonly name: string;
  readonly pid: number | undefined;
  readonly isRunning: () => boolean;
  /** Resolves with the first word of the child, or with its end if it ends before it speaks. */
  readonly started: Promise<ChildMessage>;
  readonly ended: Promise<ChildEnd>;
  /** Asks it to end, and ends it by force when it has not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
};

export type ChildOptions = {
  readonly name: string;
  readonly entryFile: string;
  readonly args: readonly string[];
  /** Takes everything that it prints. */
  readonly logFile: string;
  /** Called with everything but its first word. */
  readonly onMessage: (message: ChildMessage) => void;
};

export function startChild(options: ChildOptions): DevChild {
  const log = openSync(options.logFile, 'w');
  const child = fork(options.entryFile, [...options.args], {
    stdio: ['ignore', log, log, 'ipc'],
    // Read when the child's pool starts: four threads, the default, would make files wait for each other.
    env: { UV_THREADPOOL_SIZE: '16', ...process.env },
  });
  closeSync(log);
  const ended = endOf(child);
  const started = firstWord(child, options, ended);
  const kill = (): void => void child.kill('SIGKILL');
  return {
    name: options.name,
    pid: child.pid,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    started,
    ended,
    kill,
    stop: async (graceMs) => {
      // A stopped (SIGSTOP) or stuck child does not read this; the grace is for it.
      if (child.connected) child.send({ type: 'stop' }, () => {});
      const timer = setTimeout(kill, graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

function firstWord(
  child: ChildProcess,
  options: ChildOptions,
  ended: Promise<ChildEnd>,
): Promise<ChildMessage> {
  const word = new Promise<ChildMessage>((resolve) => {
    child.on('message', (value) => {
      const message = readChildMessage(value);
      if (message === null) return;
      if (message.type === 'ready' || message.type === 'failed') resolve(message);
      else options.onMessage(message);
    });
  });
  const end = ended.then(
    (how): ChildMessage => ({
      type: 'failed',
      message: `It ended ${describeEnd(how)} before it was up; ${options.logFile} says why.`,
    }),
  );
  return Promise.race([word, end]);
}

export function describeEnd({ code, signal }: ChildEnd): string {
  if (signal !== null) return `by ${signal}`;
  return code === null ? 'without being started' : `with exit code ${code}`;
}
