import type { Clock, Timer } from '../ports/clock.ts';

/** The process's own time. */
export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, callback): Timer {
    const timer = setTimeout(callback, Math.max(0, Math.ceil(delayMs)));
    return { cancel: () => clearTimeout(timer), unref: () => void timer.unref() };
  },
  afterPendingEvents(callback) {
    // The check phase comes after the poll phase, in which sockets and file completions are handled.
    setImmediate(callback);
  },
};
