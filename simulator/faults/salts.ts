import { HashedChance } from '../../src/testing/world/chance.ts';

/**
 * What a seed decides by chance has a stream of its own for each matter, so that one matter's draws do not shift
 * another's. These are their numbers. Two alike would draw the same, and then one matter would decide the other; a
 * number that changes makes other runs of all seeds.
 */
export const seedSalts = {
  config: 1,
  faults: 2,
  operations: 3,
  longPartitions: 4,
  calls: 5,
  brokers: 6,
  longAbsences: 7,
  suspensions: 8,
  brokerSuspensions: 11,
  mixedVersions: 12,
  voterChanges: 13,
  failingStarts: 0x66737472,
  hasDiskTrouble: 14,
  diskTrouble: 15,
  slowEchoes: 16,
  idleBrokers: 18,
  watchers: 19,
  groups: 20,
  brokerTrial: 21,
  brokerTrialCalls: 22,
  balancing: 0x62616c61,
  brokerDirectories: 24,
  brokerPowerFailure: 0x62726f6b,
  codecSample: 0x636f6465,
  probes: 0x70726f62,
  producers: 0x70726f64,
  rot: 0x726f74,
} as const;

/** What is drawn where a workload settles what happens to the controllers, and so none of the seed's own does. */
export const workloadSalts = { longPartitions: 8, slowEchoes: 17 } as const;

/** What is drawn for each call by itself; the call's place follows, and so these never meet those of a whole run. */
export const callSalts = { condition: 10, validation: 15, transfer: 16, past: 17, bareKey: 23 } as const;

export function chanceOf(seed: number, matter: keyof typeof seedSalts): HashedChance {
  return new HashedChance(seed, seedSalts[matter]);
}

export function chanceOfWorkload(seed: number, matter: keyof typeof workloadSalts): HashedChance {
  return new HashedChance(seed, workloadSalts[matter]);
}

/** @param at the call's place among the calls of its run. */
export function chanceOfCall(seed: number, matter: keyof typeof callSalts, at: number): HashedChance {
  return new HashedChance(seed, callSalts[matter], at);
}
