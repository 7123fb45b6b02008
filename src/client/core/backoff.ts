import type { Random } from '../../base/random.ts';

/** Doubling waits with jitter, so that many clients that failed together do not come back together. */
export type Backoff = { readonly baseMs: number; readonly maxMs: number };

const doublingsMax = 16;

/** The wait before attempt `failures + 1`: uniform between half of the doubled base and all of it. */
export function backoffMs(backoff: Backoff, failures: number, random: Random): number {
  const doublings = Math.min(Math.max(failures - 1, 0), doublingsMax);
  const fullMs = Math.min(backoff.maxMs, backoff.baseMs * (1 << doublings));
  const halfMs = Math.floor(fullMs / 2);
  return halfMs + random.integer(fullMs - halfMs + 1);
}
