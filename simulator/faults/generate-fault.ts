import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { Budget } from './budget.ts';
import type { Fault, FaultKind, FaultTarget } from './fault.ts';
import type { RunConfig } from './schedule.ts';

/** Kinds that are drawn here; the others come in company (`voter-changes.ts`, `suspensions.ts` and so on). */
type DrawnKind = Exclude<FaultKind, 'addVoter' | 'removeVoter' | 'upgrade' | 'finalize' | 'suspend'>;

/** How often each kind is drawn, where a seed has it turned on. */
const weights: Readonly<Record<DrawnKind, number>> = {
  crash: 10,
  crashAll: 2,
  crashBetweenEffects: 8,
  stop: 3,
  rollingRestart: 1,
  pause: 4,
  stall: 4,
  isolate: 6,
  split: 4,
  bridge: 3,
  cutPair: 4,
  flap: 2,
  reset: 4,
  clog: 3,
  storm: 2,
  slowDisk: 3,
  stallDisk: 3,
  failDisk: 2,
  fullDisk: 1,
  lowDisk: 1,
  rot: 1,
  misdirect: 1,
  wipe: 1,
  wallJump: 1,
  drift: 1,
};

type Draw = {
  readonly chance: HashedChance;
  readonly config: RunConfig;
  readonly atUs: number;
  readonly target: FaultTarget;
  readonly forUs: number;
  readonly choice: number;
};

/** A node looks at the room on its disk every few seconds; what is over before that, only writes notice. */
const roomIsGoneUs: readonly number[] = [0, 6_000_000, 12_000_000];

const directions = ['both', 'in', 'out'] as const;
const failingOperations = ['pwrite', 'fdatasync', 'pread', 'store'] as const;

/**
 * Faults of a budget over the time of a run. A random subset of the kinds is turned on, with a random
 * intensity (swarm testing: Groce and others 2012), because faults that always come together hide each other.
 */
export function generateFaults(chance: HashedChance, config: RunConfig, budget: Budget): readonly Fault[] {
  const enabled = [...budget.kinds].filter(isDrawn).filter(() => chance.oneIn(2));
  const total = enabled.reduce((sum, kind) => sum + weights[kind], 0);
  if (total === 0) return [];
  const meanGapUs = chance.pick([150_000, 500_000, 1_000_000, 3_000_000]);
  const faults: Fault[] = [];
  for (let atUs = 0; ; ) {
    atUs += 1000 + chance.integer(2 * meanGapUs);
    if (budget.promises.noFurtherElection) atUs += config.raft.fetchTimeoutMs * 1000;
    if (atUs >= config.durationUs) return faults;
    const kind = pickKind(chance, enabled, total);
    faults.push(drawFault(kind, beginDraw(chance, config, budget, atUs)));
  }
}

function isDrawn(kind: FaultKind): kind is DrawnKind {
  return kind in weights;
}

function pickKind(chance: HashedChance, enabled: readonly DrawnKind[], total: number): DrawnKind {
  let left = chance.integer(total);
  for (const kind of enabled) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  return 'crash';
}

function beginDraw(chance: HashedChance, config: RunConfig, budget: Budget, atUs: number): Draw {
  const timeoutUs = config.raft.electionTimeoutMs * 1000;
  // From a moment to a few timeouts: what is over before anybody notices matters as much as what is not.
  const longestUs = budget.promises.noFurtherElection
    ? Math.floor(timeoutUs / 4)
    : chance.pick([20_000, timeoutUs, 3 * timeoutUs, 6 * timeoutUs]);
  return {
    chance,
    config,
    atUs,
    target: chance.oneIn(2) ? 'leader' : chance.integer(config.nodes),
    forUs: 1000 + chance.integer(longestUs),
    choice: chance.next(),
  };
}

function drawFault(kind: DrawnKind, draw: Draw): Fault {
  const { atUs, target, forUs, choice, chance } = draw;
  const isEven = choice % 2 === 0;
  switch (kind) {
    case 'crash':
      return { kind, atUs, target, power: isEven, downUs: forUs };
    case 'crashAll':
      return { kind, atUs, power: isEven, downUs: forUs };
    case 'crashBetweenEffects':
      return { kind, atUs, target, calls: 1 + chance.integer(12), power: isEven, downUs: forUs };
    case 'rollingRestart':
      return { kind, atUs, downUs: forUs, gapUs: chance.pick([1000, 300_000, 3_000_000]) };
    case 'stop':
    case 'wipe':
      return { kind, atUs, target, downUs: forUs };
    case 'pause':
    case 'stall':
      return { kind, atUs, target, forUs };
    case 'wallJump':
      return { kind, atUs, target, byMs: chance.integer(7_200_000) - 3_600_000 };
    case 'drift':
      return { kind, atUs, target, ppm: chance.pick([0, 100, -100, 500, -500, 20_000, -20_000]) };
    default:
      return drawElsewhere(kind, draw);
  }
}

type ElsewhereKind = Extract<
  FaultKind,
  | 'isolate'
  | 'split'
  | 'bridge'
  | 'cutPair'
  | 'flap'
  | 'reset'
  | 'clog'
  | 'storm'
  | 'slowDisk'
  | 'stallDisk'
  | 'failDisk'
  | 'fullDisk'
  | 'lowDisk'
  | 'rot'
  | 'misdirect'
>;

/** Faults of links and disks. */
function drawElsewhere(kind: ElsewhereKind, { atUs, target, forUs, choice, chance, config }: Draw): Fault {
  const direction = directions[choice % 3] ?? 'both';
  const from = chance.integer(config.nodes);
  const side = choice % 2 ** config.nodes;
  switch (kind) {
    case 'isolate':
      return { kind, atUs, target, direction, forUs };
    case 'split':
      return { kind, atUs, side, forUs };
    case 'bridge':
      return { kind, atUs, target, side, forUs };
    case 'cutPair':
      return { kind, atUs, from, to: (from + 1) % config.nodes, isOneWay: choice % 2 === 0, forUs };
    case 'flap':
      return { kind, atUs, target, periodUs: chance.pick([20_000, 100_000, 400_000]), forUs };
    case 'reset':
      return { kind, atUs, target };
    case 'clog':
      return { kind, atUs, target, direction, factor: chance.pick([5, 50, 500]), forUs };
    case 'storm': {
      const duplicatePerMille = chance.pick([0, 200, 500]);
      return { kind, atUs, lossPerMille: chance.pick([50, 200, 300]), duplicatePerMille, forUs };
    }
    case 'slowDisk':
      return { kind, atUs, target, factor: chance.pick([10, 100, 1000]), forUs };
    case 'stallDisk':
      return { kind, atUs, target, forUs };
    case 'fullDisk':
    case 'lowDisk':
      return { kind, atUs, target, forUs: forUs + chance.pick(roomIsGoneUs) };
    case 'failDisk':
      return { kind, atUs, target, operation: failingOperations[choice % 4] ?? 'pwrite' };
    case 'rot':
      return { kind, atUs, target, choice, downUs: forUs };
    case 'misdirect':
      return { kind, atUs, target, choice };
  }
}
