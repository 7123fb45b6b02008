import { workerData } from 'node:worker_threads';
import { endlessSignal, seedCpuMsMax } from './endless.ts';

/** Counted up by the thread that runs seeds, whenever it begins one. */
const seedsBegun: Int32Array = workerData;
let current = 0;
let cpuUsBefore = cpuUs();

setInterval(() => {
  const begun = Atomics.load(seedsBegun, 0);
  if (begun !== current) {
    current = begun;
    cpuUsBefore = cpuUs();
  } else if (cpuUs() - cpuUsBefore > seedCpuMsMax * 1000) {
    // In a thread this would end the thread alone; only a signal ends what never comes to rest.
    process.kill(process.pid, endlessSignal);
  }
}, 200);

/** Of the whole process. Without work it stands still, however long the wait for the next seed. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
