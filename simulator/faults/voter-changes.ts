import type { HashedChance } from '../../src/testing/world/chance.ts';
import { budgets } from './budget.ts';
import type { Fault } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

/** One run in so many has operators who change the voters. */
const oneRunIn = 6;
const sparesMax = 2;

/** Spare controllers, and operators who make voters of them and send others away, among the faults that are there. */
export function withVoterChanges(schedule: Schedule, isForced: boolean): Schedule {
  const { config, seed } = schedule;
  const chance = chanceOf(seed, 'voterChanges');
  if (!budgets[config.budget].kinds.has('addVoter') || !(chance.oneIn(oneRunIn) || isForced)) return schedule;
  const spares = 1 + chance.integer(sparesMax);
  const controllers = config.nodes + spares;
  const meanGapUs = chance.pick([300_000, 1_000_000, 2_000_000]);
  const leavesOfTen = chance.pick([3, 5, 5, 7]);
  const changes: Fault[] = [];
  for (let atUs = 1_000_000; ; ) {
    atUs += 1000 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) break;
    changes.push(drawChange(chance, atUs, controllers, leavesOfTen));
  }
  const driftPpm = [...config.driftPpm, ...Array.from({ length: spares }, () => 0)];
  return { ...schedule, config: { ...config, spares, driftPpm }, faults: inOrder(schedule.faults, changes) };
}

function drawChange(chance: HashedChance, atUs: number, controllers: number, leavesOfTen: number): Fault {
  const target = chance.integer(controllers);
  if (chance.integer(10) < leavesOfTen) {
    return { kind: 'removeVoter', atUs, target: chance.oneIn(3) ? 'leader' : target };
  }
  return { kind: 'addVoter', atUs, target };
}
