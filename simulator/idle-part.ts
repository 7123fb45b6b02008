import { budgets } from './faults/budget.ts';
import type { Schedule } from './faults/schedule.ts';

/** What each part of a run's workload had come to when everything was healed. */
export type Progress = {
  /** Requests of clients that were answered with success. */
  readonly operations: number;
  /** Calls that were answered, be it by a refusal. */
  readonly calls: number;
  /** Records that producers were told are kept. */
  readonly records: number;
  /** Times that a member believed itself the leader of its group. */
  readonly leaderships: number;
  /** Batches and marks that watchers were told of. */
  readonly watchEvents: number;
};

/** Fewer of a kind may all be refused, or come too early. */
const enough = 5;
/** What is planned later than that before the end has no time to come to anything. */
const answerUs = 1_000_000;
/** A watch that began where there was nothing yet is told of the first batch, or where it stands at a second look. */
const watchUs = 11_000_000;

/**
 * The part of the workload that was planned and came to nothing; null when none did. A run in which a part is idle
 * shows nothing of that part, and would pass for one in which it is sound.
 *
 * Where controllers fail, what somebody does may be in vain for as long as they fail, and what must work after that
 * is judged by itself ("it serves once all is healed"). So the parts are judged one by one only where the first
 * leader stays, which is where no controller fails for longer than a timeout.
 */
export function findIdlePart(schedule: Schedule, progress: Progress): string | null {
  const { promises } = budgets[schedule.config.budget];
  if (!promises.noFurtherElection) return null;
  const { operations, calls, brokers, groups, watchers } = schedule;
  const countInTime = (planned: readonly { readonly atUs: number }[], neededUs: number): number =>
    planned.filter(({ atUs }) => atUs + neededUs < schedule.config.durationUs).length;
  // Of the kinds that the others watch nothing may happen.
  const whole = watchers.filter(({ kinds }) => kinds === null);
  // Brokers that fail and are late may keep every record waiting until all is healed, where each must be acknowledged.
  const areBrokersWell = brokers !== null && brokers.faults.length === 0;
  const records = areBrokersWell ? countInTime(brokers.records, answerUs) : 0;
  const memberships = groups?.memberships.length ?? 0;
  const parts = [
    {
      planned: countInTime(operations, answerUs),
      least: enough,
      done: progress.operations,
      name: 'request of a client',
    },
    {
      planned: countInTime(calls, answerUs),
      least: enough,
      done: progress.calls,
      name: 'call of an operator',
    },
    { planned: records, least: enough, done: progress.records, name: 'record of a producer' },
    { planned: memberships, least: 1, done: progress.leaderships, name: 'leadership of a group' },
    {
      planned: countInTime(whole, watchUs),
      least: 1,
      done: progress.watchEvents,
      name: 'event of a watch',
    },
  ];
  const idle = parts.find(({ planned, least, done }) => planned >= least && done === 0);
  return idle === undefined ? null : `no ${idle.name} came about`;
}
