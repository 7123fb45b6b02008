import type { Clock, Timer } from '../ports/clock.ts';

/**
 * A timer that, once due, lets everything be handled that waits on the sockets, and calls back only if
 * nobody has cancelled it by then: after this process itself stood still, the answer whose absence the
 * timer is about has mostly arrived already (design, "Running").
 */
export function setDrainedTimer(clock: Clock, delayMs: number, callback: () => void): Timer {
  let cancelled = false;
  const timer = clock.setTimer(delayMs, () =>
    clock.afterPendingEvents(() => {
      if (!cancelled) callback();
    }),
  );
  return {
    cancel: () => {
      cancelled = true;
      timer.cancel();
    },
  };
}
