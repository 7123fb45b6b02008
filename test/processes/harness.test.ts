import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { projectFolder } from '../../bench/support/project.ts';
import { isAlive } from './alive.ts';

/** Starts a process of its own under the reaper, says its pid, and waits to be killed. */
const starter = `
  import { spawn } from 'node:child_process';
  const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const reaper = spawn(process.execPath, [process.argv[1]], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  reaper.stdin.write('+' + sleeper.pid + '\\n', () => console.log(sleeper.pid));
  setInterval(() => {}, 1000);
`;

describe('the processes that tests start', () => {
  it('end when the one that started them is killed without warning', async () => {
    const reaper = join(projectFolder, 'scripts', 'reaper.mjs');
    const parent = spawn(process.execPath, ['--input-type=module', '-e', starter, reaper], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve, reject) => {
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line)));
      parent.once('close', () => reject(new Error('the starter ended without a word')));
    });
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor('the orphan ends', () => (isAlive(pid) ? new NotYet('it runs') : true));
  });

  it('never get ports that another run holds', async () => {
    const runs = await Promise.all(Array.from({ length: 100 }, () => reservePorts(6)));
    const ports = runs.flatMap((run) => run.ports);
    for (const run of runs) run.release();
    expect(new Set(ports).size).toBe(600);
    // Ports of outgoing connections begin above: none of them can take what a stopped node wants back.
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });
});
