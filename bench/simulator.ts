import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workerExecArgv } from '../simulator/command/pool.ts';

/**
 * How much simulated time one second of the processor buys: a quorum of three with faults, clients and every
 * checker, on each host. The first round warms up and does not count; each of the others runs the same seeds,
 * so that rounds differ by the machine alone. Measured in a process like those of `npm run simulate`, which have
 * more room for young objects than Node.js gives by itself.
 *
 *   npm run bench -- simulator [--seeds 100] [--rounds 5] [--first 1]
 */
export function run(argumentList: readonly string[]): void {
  const path = fileURLToPath(new URL('./simulator-parts/measure.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [...workerExecArgv, path, ...argumentList], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the measuring process has failed');
}
