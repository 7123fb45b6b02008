import { performance } from 'node:perf_hooks';
import type { Clock } from '../../../src/ports/clock.ts';

/** Real time, for tests over real sockets. Nothing in these tests asserts how long anything takes. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  afterPendingEvents: (callback) => {
    setImmediate(callback);
  },
};
