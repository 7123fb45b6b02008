import { HashedChance } from '../chance.ts';
import { budgets } from './budget.ts';
import type { Fault } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { Schedule } from './schedule.ts';

/** One run in so many has a node of an earlier release. */
const oneRunIn = 12;

/**
 * One node supports less than the others until it is upgraded. A voter among the first ones keeps the protocol at the
 * version that it understands; an observer that comes to a newer log refuses it by name, and stops.
 */
export function withMixedVersions(schedule: Schedule): Schedule {
  const { config, seed, faults } = schedule;
  const chance = new HashedChance(seed, 12);
  if (!budgets[config.budget].kinds.has('upgrade') || !chance.oneIn(oneRunIn)) return schedule;
  const target = chance.integer(config.nodes + config.spares);
  const atUs = 1_000_000 + chance.integer(config.durationUs);
  const upgrade: Fault = { kind: 'upgrade', atUs, target, downUs: 1000 + chance.integer(2_000_000) };
  return { ...schedule, config: { ...config, olderNode: target }, faults: inOrder(faults, [upgrade]) };
}
