import type { Schedule } from './schedule.ts';

/** How late, in fetch timeouts, a copy of a message comes at most: elections lie in between. */
const timeoutsMax = 4;

/**
 * A network that says one thing in five twice, and the second time when much may have happened since: votes,
 * fetches and answers of epochs that are over.
 */
export function withLateCopies(schedule: Schedule): Schedule {
  const { config } = schedule;
  const repeatedWithinUs = timeoutsMax * config.raft.fetchTimeoutMs * 1000;
  const link = { ...config.link, duplicatePerMille: 200, repeatedWithinUs, isOrdered: false };
  return { ...schedule, config: { ...config, budget: 'minority damaged', link } };
}
