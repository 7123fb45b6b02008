import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { Fault } from './fault.ts';
import type { RunConfig, Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

/** One run in so many has nodes that come back when the log that they lack is gone. */
const oneRunIn = 8;

const secondUs = 1_000_000;
/** After its return, for so long at most until the next thing fails: while it takes the snapshot, as a rule. */
const disturbedWithinUs: readonly number[] = [20_000, 200_000, 1_000_000];

/**
 * Nodes that are away until the others have cleaned their logs, and so come back to a snapshot in small chunks,
 * in the middle of which something else fails. A swarm of faults seldom leaves anybody away for long enough.
 */
export function withLongAbsences(schedule: Schedule): Schedule {
  const { budget, durationUs } = schedule.config;
  const chance = chanceOf(schedule.seed, 'longAbsences');
  const hasTime = durationUs >= 12 * secondUs;
  const isChosen = budget.endsWith('damaged') && hasTime && chance.oneIn(oneRunIn);
  return isChosen ? withAbsences(schedule, chance) : schedule;
}

function withAbsences(schedule: Schedule, chance: HashedChance): Schedule {
  const config: RunConfig = {
    ...schedule.config,
    recordsBetweenSnapshots: chance.pick([5, 20]),
    raft: { ...schedule.config.raft, snapshotChunkBytesMax: chance.pick([64, 64, 1024]) },
  };
  const faults: Fault[] = [...schedule.faults];
  for (let atUs = 2 * secondUs; atUs < config.durationUs - 4 * secondUs; atUs += 4 * secondUs) {
    const target = chance.integer(config.nodes);
    const forUs = secondUs + chance.integer(3 * secondUs);
    faults.push(absence(chance, target, atUs, forUs));
    const disturbedUs = atUs + forUs + chance.integer(chance.pick(disturbedWithinUs));
    faults.push(disturbance(chance, target, disturbedUs, config));
  }
  return { ...schedule, config, faults: faults.toSorted((left, right) => left.atUs - right.atUs) };
}

function absence(chance: HashedChance, target: number, atUs: number, forUs: number): Fault {
  switch (chance.integer(5)) {
    case 0:
      return { kind: 'crash', atUs, target, power: true, downUs: forUs };
    case 3:
      return { kind: 'rot', atUs, target, choice: chance.next(), downUs: forUs };
    case 1:
      return { kind: 'stop', atUs, target, downUs: forUs };
    case 2:
      return { kind: 'wipe', atUs, target, downUs: forUs };
    default:
      return { kind: 'isolate', atUs, target, direction: 'both', forUs };
  }
}

/** It hits who takes the snapshot, or who gives it. */
function disturbance(chance: HashedChance, target: number, atUs: number, config: RunConfig): Fault {
  const forUs = chance.integer(3 * config.raft.fetchTimeoutMs * 1000);
  switch (chance.integer(9)) {
    case 0:
      return { kind: 'stop', atUs, target: 'leader', downUs: forUs };
    case 1:
      return { kind: 'crash', atUs, target: 'leader', power: false, downUs: forUs };
    case 2:
      return { kind: 'isolate', atUs, target: 'leader', direction: 'both', forUs };
    case 3:
      return { kind: 'stallDisk', atUs, target, forUs };
    case 4:
      return { kind: 'slowDisk', atUs, target, factor: chance.pick([10, 100]), forUs };
    case 5:
      return { kind: 'fullDisk', atUs, target, forUs: forUs + chance.pick([0, 6 * secondUs]) };
    case 6:
      return {
        kind: 'crashBetweenEffects',
        atUs,
        target,
        calls: 1 + chance.integer(40),
        power: true,
        downUs: 0,
      };
    case 7:
      return { kind: 'isolate', atUs, target, direction: 'in', forUs };
    default:
      return { kind: 'reset', atUs, target };
  }
}
