import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { PortCall } from './crash-point.ts';
import type { Fault, FaultTarget } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { RunConfig, Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

/** One run in so many has trouble with its disks. */
const oneRunIn = 16;

const secondUs = 1_000_000;
/** About how long it takes until a node that has ended itself is started again. */
const supervisorUs = 200_000;
/** Of these, one in so many is a run of `withLongTails`. */
const longTailsOneIn = 3;
/** And of the others, one in so many a run of `withFailingStarts`. */
const failingStartsOneIn = 4;
/** Before it a first leader has written something, as a rule. */
const beginsUs = 1_200_000;
/** Mean times between two troubles. */
const gapsUs: readonly number[] = [200_000, 400_000];

/** Of what a process asks of its ports: what makes something durable, and what stands between two such. */
const countedCalls: readonly PortCall[] = [
  'pwrite',
  'pwriteDurably',
  'pwriteDurably',
  'fdatasync',
  'rename',
  'remove',
  'remove',
  'syncDirectory',
  'store',
  'send',
];

/** True where `withDiskTrouble` takes the place of what the seed has otherwise. */
export function hasDiskTrouble({ seed, config }: Schedule): boolean {
  return config.budget === 'minority damaged' && chanceOf(seed, 'hasDiskTrouble').oneIn(oneRunIn);
}

/**
 * Nothing fails but disks and those who use them, over and over, under a busy log in small segments with many
 * checkpoints: one node's disk is damaged again and again, the others crash in the middle of what they write, and
 * what fails fails where it is rare. A swarm of faults seldom meets two of these in the order in which they matter.
 */
export function withDiskTrouble(schedule: Schedule): Schedule {
  const chance = chanceOf(schedule.seed, 'diskTrouble');
  if (chance.oneIn(longTailsOneIn)) return withLongTails(schedule, chance);
  const starts = chanceOf(schedule.seed, 'failingStarts');
  if (starts.oneIn(failingStartsOneIn)) return withFailingStarts(schedule, starts);
  const config = troubledConfig(schedule.config, chance);
  const trouble: Trouble = { chance, config, damaged: chance.integer(config.nodes) };
  const faults: Fault[] = [];
  const born = drawBirth(trouble);
  const meanGapUs = chance.pick(gapsUs);
  for (let atUs = beginsUs; ; ) {
    atUs += 1000 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) break;
    faults.push(...drawTrouble(trouble, atUs));
  }
  return { ...schedule, config, faults: inOrder(born, faults) };
}

/**
 * A leader that nobody hears fills segments that nobody else has, and cuts them off again when it hears of its
 * successor. Later a checkpoint lets these segments go, and the node crashes between the removals of two of them.
 */
function withLongTails(schedule: Schedule, chance: HashedChance): Schedule {
  const troubled = troubledConfig(schedule.config, chance);
  const config: RunConfig = {
    ...troubled,
    segmentBytes: 4096,
    recordsBetweenSnapshots: chance.pick([400, 2000]),
    raft: { ...troubled.raft, pendingProposalsMax: 1024, pendingBytesMax: 1_048_576 },
  };
  const fetchTimeoutUs = config.raft.fetchTimeoutMs * 1000;
  const faults: Fault[] = [];
  for (let atUs = beginsUs; atUs < config.durationUs; atUs += 2 * fetchTimeoutUs + chance.integer(secondUs)) {
    const forUs = Math.floor(fetchTimeoutUs * chance.pick([0.5, 1, 1.5]));
    const calls = 1 + chance.integer(chance.pick([4, 20, 60]));
    const downUs = 1000 + chance.integer(200_000);
    const power = !chance.oneIn(3);
    faults.push(
      { kind: 'isolate', atUs, target: 'leader', direction: 'both', forUs },
      // While it is alone it commits nothing, and so removes nothing.
      {
        kind: 'crashBetweenEffects',
        atUs: atUs + 1,
        target: 'leader',
        calls,
        counted: 'remove',
        power,
        downUs,
      },
    );
  }
  return { ...schedule, config, faults };
}

/**
 * A node loses power in the midst of a write, cannot flush what it repairs when it starts, and starts once more on a
 * cache that shows the repair; when it has written on for a while it loses power again.
 */
function withFailingStarts(schedule: Schedule, chance: HashedChance): Schedule {
  const config = troubledConfig(schedule.config, chance);
  const faults: Fault[] = [];
  for (let atUs = beginsUs; atUs < config.durationUs; atUs += chance.pick([200_000, 600_000])) {
    const target = chance.integer(config.nodes);
    const downUs = 10_000 + chance.integer(20_000);
    const write = { calls: 1, counted: 'pwriteDurably', power: true, downUs } as const;
    const againUs = atUs + downUs + supervisorUs + chance.integer(600_000);
    const spared = chance.integer(5);
    faults.push(
      { kind: 'crashBetweenEffects', atUs, target, ...write },
      // By then it has written something, as a rule, and is down.
      { kind: 'failDisk', atUs: atUs + 9_000, target, operation: 'fdatasync', spared },
      { kind: 'crash', atUs: againUs, target, power: true, downUs },
    );
  }
  return { ...schedule, config, faults: inOrder([], faults) };
}

function troubledConfig(config: RunConfig, chance: HashedChance): RunConfig {
  const [electionTimeoutMs, fetchTimeoutMs] = [300, 600];
  const raft = { ...config.raft, electionTimeoutMs, electionBackoffMaxMs: electionTimeoutMs, fetchTimeoutMs };
  return {
    ...config,
    budget: 'minority damaged',
    durationUs: chance.pick([5, 6, 8]) * secondUs,
    raft: {
      ...raft,
      requestTimeoutMs: fetchTimeoutMs,
      fetchBytesMax: chance.pick([2000, 65_536]),
      snapshotChunkBytesMax: chance.pick([1024, 65_536]),
    },
    link: { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true },
    diskSpread: chance.pick([0, 1, 8]),
    segmentBytes: chance.pick([4096, 8192, 16_384]),
    recordsBetweenSnapshots: chance.pick([10, 50, 400]),
    clients: 8,
  };
}

type Trouble = {
  readonly chance: HashedChance;
  readonly config: RunConfig;
  /** Whose disk is damaged; a minority's, as the budget has it. */
  readonly damaged: number;
};

/** Some nodes lose power while the cluster is born. */
function drawBirth({ chance, config }: Trouble): readonly Fault[] {
  if (!chance.oneIn(2)) return [];
  return [0, 1, 2].map((): Fault => {
    const counted = chance.oneIn(3) ? 'rename' : 'send';
    const downUs = 1000 + chance.integer(100_000);
    const target = chance.integer(config.nodes);
    const atUs = 100 + chance.integer(chance.pick([1, 20_000]));
    return {
      kind: 'crashBetweenEffects',
      atUs,
      target,
      calls: 1 + chance.integer(8),
      counted,
      power: true,
      downUs,
    };
  });
}

/** When and where the next trouble begins; a node that goes down is away for `downUs`. */
type Place = {
  readonly atUs: number;
  readonly target: FaultTarget;
  readonly node: number;
  readonly downUs: number;
};

type Draw = (trouble: Trouble, place: Place) => readonly Fault[];

/** Each as likely as another; what has several entries is so much likelier. */
const draws: readonly Draw[] = [
  crashWithin,
  crashWithin,
  crashWithin,
  crashWithin,
  fullForAWhile,
  (_, { atUs, target, downUs }) => [{ kind: 'crash', atUs, target, power: true, downUs }],
  rot,
  rot,
  rot,
  misdirectedWrite,
  fullForAWhile,
  failedFlushInAnElection,
  failedFlushInAnElection,
  failedReadAtStart,
  crashOnASlowDisk,
  failureAtWork,
];

function drawTrouble(trouble: Trouble, atUs: number): readonly Fault[] {
  const { chance, config } = trouble;
  const target: FaultTarget = chance.oneIn(3) ? 'leader' : chance.integer(config.nodes);
  const node = chance.integer(config.nodes);
  const downUs = 1000 + chance.integer(chance.pick([20_000, 200_000]));
  return draws[chance.integer(draws.length)]?.(trouble, { atUs, target, node, downUs }) ?? [];
}

function rot({ chance, damaged }: Trouble, { atUs, downUs }: Place): readonly Fault[] {
  return [{ kind: 'rot', atUs, target: damaged, choice: chance.next(), downUs }];
}

function misdirectedWrite({ chance, damaged }: Trouble, { atUs, downUs }: Place): readonly Fault[] {
  return [
    { kind: 'misdirect', atUs, target: damaged, choice: chance.next() },
    { kind: 'crash', atUs: atUs + chance.integer(200_000), target: damaged, power: true, downUs },
  ];
}

/** What is being written is torn. */
function crashOnASlowDisk({ chance }: Trouble, { atUs, node, downUs }: Place): readonly Fault[] {
  return [
    { kind: 'slowDisk', atUs, target: node, factor: chance.pick([10, 100]), forUs: 300_000 },
    { kind: 'crash', atUs: atUs + chance.integer(300_000), target: node, power: true, downUs },
  ];
}

function failureAtWork({ chance }: Trouble, { atUs, target }: Place): readonly Fault[] {
  const operation = chance.oneIn(2) ? 'pwrite' : 'fdatasync';
  return [{ kind: 'failDisk', atUs, target, operation, spared: chance.integer(20) }];
}

function crashWithin({ chance }: Trouble, { atUs, target, downUs }: Place): readonly Fault[] {
  const counted = countedCalls[chance.integer(countedCalls.length)] ?? 'rename';
  const calls = 1 + chance.integer(chance.pick([1, 4, 12]));
  return [{ kind: 'crashBetweenEffects', atUs, target, calls, counted, power: !chance.oneIn(3), downUs }];
}

/**
 * For as long as it takes to fill a segment there is no room for the next one. A node that starts meanwhile sees that,
 * and one that runs on does not. It starts again when there is room and more was written.
 */
function fullForAWhile({ chance }: Trouble, { atUs, node: target }: Place): readonly Fault[] {
  const forUs = 50_000 + chance.integer(chance.pick([200_000, 1_000_000]));
  const restartsUs = atUs + forUs + 20_000 + chance.integer(500_000);
  const restart: Fault = { kind: 'crash', atUs: restartsUs, target, power: true, downUs: 1000 };
  const full: Fault = { kind: 'fullDisk', atUs, target, forUs };
  if (!chance.oneIn(3)) return [full, restart];
  return [
    full,
    { kind: 'crash', atUs: atUs + Math.floor(forUs / 2), target, power: false, downUs: 1000 },
    restart,
  ];
}

/** With the leader gone nothing is written to the log, so that what fails is the flush of a vote, whoever gives it. */
function failedFlushInAnElection({ chance, config }: Trouble, { atUs }: Place): readonly Fault[] {
  const forUs = chance.integer(3 * config.raft.fetchTimeoutMs * 1000);
  const gone: Fault = chance.oneIn(2)
    ? { kind: 'isolate', atUs, target: 'leader', direction: 'both', forUs }
    : { kind: 'crash', atUs, target: 'leader', power: false, downUs: forUs };
  const failsUs = atUs + 50_000 + chance.integer(100_000);
  const spared = chance.pick([0, 0, 2]);
  const times = chance.pick([1, 2, 4]);
  const failing = Array.from(
    { length: config.nodes },
    (_, target): Fault => ({
      kind: 'failDisk',
      atUs: failsUs,
      target,
      operation: 'fdatasync',
      spared,
      times,
    }),
  );
  return [gone, ...failing];
}

function failedReadAtStart({ chance }: Trouble, { atUs, node: target, downUs }: Place): readonly Fault[] {
  const failsUs = atUs + downUs - 1;
  return [
    { kind: 'crash', atUs, target, power: false, downUs },
    { kind: 'failDisk', atUs: failsUs, target, operation: 'pread', spared: chance.integer(24) },
  ];
}
