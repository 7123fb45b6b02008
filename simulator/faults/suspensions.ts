import { budgets } from './budget.ts';
import type { Fault } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

/** One run in so many has machines that are suspended. */
const oneRunIn = 8;
const suspensionsMax = 4;

/** Machines that are suspended for a while, among the faults that are there. */
export function withSuspensions(schedule: Schedule): Schedule {
  const { config, seed, faults } = schedule;
  const chance = chanceOf(seed, 'suspensions');
  if (!budgets[config.budget].kinds.has('suspend') || !chance.oneIn(oneRunIn)) return schedule;
  const timeoutUs = config.raft.electionTimeoutMs * 1000;
  const suspensions = Array.from({ length: 1 + chance.integer(suspensionsMax) }, (): Fault => {
    const target = chance.oneIn(2) ? 'leader' : chance.integer(config.nodes);
    const forUs = 1000 + chance.integer(chance.pick([20_000, timeoutUs, 3 * timeoutUs, 8 * timeoutUs]));
    return { kind: 'suspend', atUs: 1_000_000 + chance.integer(config.durationUs), target, forUs };
  });
  return { ...schedule, faults: inOrder(faults, suspensions) };
}
