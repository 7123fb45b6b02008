import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { projectFolder } from '../support/project.ts';

type Reaper = { readonly process: ChildProcess; readonly input: Writable };

let reaper: Reaper | null = null;

/** From now on `pid` is killed when this process ends, even by a signal that it cannot handle. */
export function endWithUs(pid: number): void {
  reaper ??= startReaper();
  reaper.input.write(`+${pid}\n`);
}

/** `pid` has ended: whoever gets this number next is none of ours. */
export function hasEnded(pid: number): void {
  reaper?.input.write(`-${pid}\n`);
}

function startReaper(): Reaper {
  const child = spawn(process.execPath, [join(projectFolder, 'scripts', 'reaper.mjs')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A group of its own: Ctrl-C in the terminal is meant for the others.
    detached: true,
  });
  // It lives as long as this process, and does not keep it alive.
  child.unref();
  const input = child.stdin;
  input.on('error', () => {
    throw new Error('the process that cleans up after a crash has ended; nothing may be started without it');
  });
  if ('unref' in input && typeof input.unref === 'function') input.unref();
  return { process: child, input };
}
