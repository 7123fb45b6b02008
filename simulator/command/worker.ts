import { runSeed } from './run-seed.ts';
import type { SeedTask } from './seed-result.ts';

/** A process that runs one seed after another as its parent asks, and ends with it. */
process.on('message', (task: SeedTask) => {
  process.send?.(runSeed(task));
});
process.on('disconnect', () => process.exit());
