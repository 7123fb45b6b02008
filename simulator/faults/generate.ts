import { HashedChance } from '../chance.ts';
import type { LinkBehaviour } from '../network.ts';
import type { Fault, FaultKind, FaultTarget } from './fault.ts';
import type { PlannedOperation, RunConfig, Schedule } from './schedule.ts';

const secondUs = 1_000_000;

/** How often each kind is drawn, where a seed has it turned on. */
const weights: Readonly<Record<FaultKind, number>> = {
  crash: 10,
  crashAll: 2,
  stop: 3,
  pause: 4,
  isolate: 6,
  split: 4,
  cutPair: 4,
  clog: 3,
  slowDisk: 3,
  failDisk: 2,
  fullDisk: 1,
  rot: 1,
  wipe: 1,
  wallJump: 1,
};

export const faultKinds = Object.keys(weights) as readonly FaultKind[];

/** LAN, a lossy LAN, a slow network and two distances. */
const links: readonly LinkBehaviour[] = [
  { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true },
  { lossPerMille: 10, duplicatePerMille: 10, delayUs: 60, jitterUs: 400, isOrdered: false },
  { lossPerMille: 100, duplicatePerMille: 100, delayUs: 100, jitterUs: 3000, isOrdered: false },
  { lossPerMille: 250, duplicatePerMille: 200, delayUs: 100, jitterUs: 8000, isOrdered: false },
  { lossPerMille: 10, duplicatePerMille: 0, delayUs: 40_000, jitterUs: 4000, isOrdered: true },
  { lossPerMille: 10, duplicatePerMille: 5, delayUs: 75_000, jitterUs: 10_000, isOrdered: false },
];

/** Election and fetch timeouts in ms; the short ones only where the network is near. */
const timeouts: readonly (readonly [number, number])[] = [
  [300, 600],
  [500, 1000],
  [1000, 2000],
  [1000, 2000],
];

/**
 * Makes a run out of a seed. Each seed turns on a random subset of the faults, with a random intensity
 * (swarm testing: Groce and others 2012), because faults that always come together hide each other.
 */
export function generateSchedule(seed: number): Schedule {
  const config = generateConfig(new HashedChance(seed, 1));
  return {
    seed,
    config,
    faults: generateFaults(new HashedChance(seed, 2), config),
    operations: generateOperations(new HashedChance(seed, 3), config),
  };
}

function generateConfig(chance: HashedChance): RunConfig {
  const nodes = chance.oneIn(5) ? 5 : 3;
  const linkAt = chance.integer(links.length);
  const link = links[linkAt] ?? links[0];
  const [electionTimeoutMs, fetchTimeoutMs] = timeouts[linkAt >= 3 ? 3 : chance.integer(timeouts.length)] ?? [
    1000, 2000,
  ];
  const drifts = chance.oneIn(2) ? [0] : [0, 0, 100, -100, 500, -500, 20_000, -20_000];
  return {
    nodes,
    durationUs: chance.pick([8, 12, 20, 30]) * secondUs,
    raft: {
      electionTimeoutMs,
      electionBackoffMaxMs: electionTimeoutMs,
      fetchTimeoutMs,
      requestTimeoutMs: fetchTimeoutMs,
      retryBackoffMs: 20,
      // One batch for each round trip keeps up only where the way is short.
      fetchBytesMax: chance.pick(linkAt < 3 ? [1, 2000, 65_536] : [65_536, 1_048_576]),
      snapshotChunkBytesMax: chance.pick([64, 1024, 65_536]),
      pendingProposalsMax: chance.pick([4, 64, 1024]),
      pendingBytesMax: 1_048_576,
      highWatermarkLingerMs: chance.pick([0, 2, 20]),
      fetchLingerMs: chance.pick([0, 5, 20]),
    },
    link: link ?? { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true },
    segmentBytes: chance.pick([16_384, 32_768, 65_536]),
    recordsBetweenSnapshots: chance.pick([20, 50, 200, 1_000_000]),
    clients: chance.pick([1, 3, 8]),
    driftPpm: Array.from({ length: nodes }, () => chance.pick(drifts)),
  };
}

function generateFaults(chance: HashedChance, config: RunConfig): readonly Fault[] {
  const enabled = faultKinds.filter(() => chance.oneIn(2));
  const total = enabled.reduce((sum, kind) => sum + weights[kind], 0);
  if (total === 0) return [];
  const meanGapUs = chance.pick([150_000, 500_000, 1_000_000, 3_000_000]);
  const faults: Fault[] = [];
  for (let atUs = 0; ; ) {
    atUs += 1000 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) return faults;
    faults.push(generateFault(chance, config, pickKind(chance, enabled, total), atUs));
  }
}

function pickKind(chance: HashedChance, enabled: readonly FaultKind[], total: number): FaultKind {
  let left = chance.integer(total);
  for (const kind of enabled) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  return 'crash';
}

function generateFault(chance: HashedChance, config: RunConfig, kind: FaultKind, atUs: number): Fault {
  const target: FaultTarget = chance.oneIn(2) ? 'leader' : chance.integer(config.nodes);
  const other = chance.integer(config.nodes);
  const timeoutUs = config.raft.electionTimeoutMs * 1000;
  // From a moment to a few timeouts: what is over before anybody notices matters as much as what is not.
  const forUs = 1000 + chance.integer(chance.pick([20_000, timeoutUs, 3 * timeoutUs, 6 * timeoutUs]));
  const choice = chance.next();
  switch (kind) {
    case 'crash':
      return { kind, atUs, target, power: choice % 2 === 0, downUs: forUs };
    case 'crashAll':
      return { kind, atUs, power: choice % 2 === 0, downUs: forUs };
    case 'stop':
    case 'wipe':
      return { kind, atUs, target, downUs: forUs };
    case 'pause':
      return { kind, atUs, target, forUs };
    case 'isolate':
      return { kind, atUs, target, direction: (['both', 'in', 'out'] as const)[choice % 3] ?? 'both', forUs };
    case 'split':
      return { kind, atUs, side: choice % 2 ** config.nodes, forUs };
    case 'cutPair':
      return { kind, atUs, from: other, to: (other + 1) % config.nodes, isOneWay: choice % 2 === 0, forUs };
    case 'clog':
      return { kind, atUs, target, factor: chance.pick([5, 50, 500]), forUs };
    case 'slowDisk':
      return { kind, atUs, target, factor: chance.pick([10, 100, 1000]), forUs };
    case 'failDisk':
      return { kind, atUs, target, operation: choice % 2 === 0 ? 'pwrite' : 'fdatasync' };
    case 'fullDisk':
      return { kind, atUs, target, forUs };
    case 'rot':
      return { kind, atUs, target, choice, downUs: forUs };
    case 'wallJump':
      return { kind, atUs, target, byMs: chance.integer(7_200_000) - 3_600_000 };
  }
}

function generateOperations(chance: HashedChance, config: RunConfig): readonly PlannedOperation[] {
  const meanGapUs = chance.pick([4000, 20_000, 20_000, 60_000, 60_000, 200_000, 200_000, 200_000]);
  const keys = chance.pick([1, 4, 32]);
  const readsOfTen = chance.pick([0, 2, 5, 8]);
  const paddings = chance.oneIn(4) ? [0, 100, 500, 3000] : [0, 0, 8, 100];
  const operations: PlannedOperation[] = [];
  for (let atUs = 0; ; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) return operations;
    operations.push({
      atUs,
      client: chance.integer(config.clients),
      kind: chance.integer(10) < readsOfTen ? 'read' : 'write',
      key: chance.integer(keys),
      padding: chance.pick(paddings),
    });
  }
}
