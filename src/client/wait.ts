import type { Clock } from '../ports/clock.ts';

/** Resolves after the time or when the signal aborts; the caller looks at the signal. */
export function wait(clock: Clock, delayMs: number, signal: AbortSignal | null): Promise<void> {
  if (delayMs <= 0 || signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}
