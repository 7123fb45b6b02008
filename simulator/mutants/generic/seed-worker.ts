import { Worker } from 'node:worker_threads';
import { runSeed } from '../../command/run-seed.ts';
import type { SeedTask } from '../../command/seed-result.ts';

/**
 * A process that runs seeds of a mutant as its parent asks. A thread of it looks at the time of the
 * processor that a seed has cost, and ends a process that runs in circles.
 */
const seedsBegun = new Int32Array(new SharedArrayBuffer(4));
new Worker(new URL('./watchdog.js', import.meta.url), { workerData: seedsBegun });
process.on('message', (task: SeedTask) => {
  Atomics.add(seedsBegun, 0, 1);
  process.send?.(runSeed(task));
});
process.on('disconnect', () => process.exit());
