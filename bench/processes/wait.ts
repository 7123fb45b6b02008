import { setTimeout as pause } from 'node:timers/promises';

/** What a probe says when it has not yet seen what it looks for: what it saw instead. */
export class NotYet {
  readonly seen: string;

  constructor(seen: string) {
    this.seen = seen;
  }
}

export type WaitOptions = {
  /** A bound against a wait without an end, far above what is expected; never what a test asserts. */
  readonly timeoutMs?: number;
  readonly pollMs?: number;
  /** What to show of the world when the wait is in vain. */
  readonly describe?: () => string;
};

const waitTimeoutDefaultMs = 60_000;
const pollDefaultMs = 15;

/** Asks until the probe gives something else than NotYet, and gives that. */
export async function waitFor<Found>(
  what: string,
  probe: () => Promise<Found | NotYet> | Found | NotYet,
  options: WaitOptions = {},
): Promise<Found> {
  const { timeoutMs = waitTimeoutDefaultMs, pollMs = pollDefaultMs, describe } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (!(found instanceof NotYet)) return found;
    if (performance.now() >= deadlineMs) {
      const world = describe === undefined ? '' : `\n${describe()}`;
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}; last seen: ${found.seen}${world}`);
    }
    await pause(pollMs);
  }
}
