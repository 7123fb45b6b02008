import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { LinkBehaviour } from '../../src/testing/world/network.ts';
import { type BudgetName, budgets } from './budget.ts';
import { hasDiskTrouble, withDiskTrouble } from './disk-trouble.ts';
import { generateFaults } from './generate-fault.ts';
import { withLateCopies } from './late-copies.ts';
import { withLongAbsences } from './long-absences.ts';
import { longPartitionsAlone, withLongPartitions } from './long-partitions.ts';
import { slowEchoesAlone, withSlowEchoes } from './slow-echoes.ts';
import { withSuspensions } from './suspensions.ts';
import { withMixedVersions } from './mixed-versions.ts';
import { withVoterChanges } from './voter-changes.ts';
import {
  brokerCalls,
  brokerSessionTimeoutMs,
  brokerSuspensions,
  directoryFailures,
  generateBrokers,
  hasBrokers,
  idleBrokers,
} from '../workload/brokers/broker-plan.ts';
import { type BrokerTrial, generateTrial, type Trial } from '../workload/brokers/broker-trials.ts';
import { inOrder } from './in-order.ts';
import { partitionsAlone } from './partitions.ts';
import {
  areCallsDense,
  generateCalls,
  withBareKeys,
  withConditions,
  withPast,
  withTransfers,
} from '../workload/operators/generate-calls.ts';
import { generateGroups } from '../workload/groups/group-plan.ts';
import { generateWatchers } from '../workload/watchers/watcher-plan.ts';
import type { PlannedOperation, RunConfig, Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

const secondUs = 1_000_000;

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

/** Bytes of what is written; the heavier ones fill whole batches and segments. */
const heavyPaddings: readonly (readonly number[])[] = [
  [0, 100, 500, 3000],
  [100, 8000, 20_000],
];

/** One seed in sixteen has one of these each; all others damage a minority at most. */
const rareBudgets: readonly BudgetName[] = ['fault free', 'short stalls', 'majority damaged'];

/**
 * `mixed`: what a seed happens to have. `brokers`, `operators`, `watchers`, `groups`, `voter changes`: the same, with
 * these in every run. `long partitions`: nothing fails but links, one partition after the other, each for many
 * timeouts. `late copies`: what a seed happens to have, and messages that are repeated timeouts later. `disk
 * trouble`: nothing fails but disks and those who use them, over and over. `slow echoes`: the leader hears its
 * followers so late that they elect another, and nothing else fails. `broker relays` and so on: model brokers in
 * every run, in one trial of theirs.
 */
export const workloadNames = [
  'mixed',
  'brokers',
  'operators',
  'watchers',
  'groups',
  'voter changes',
  'long partitions',
  'late copies',
  'disk trouble',
  'slow echoes',
  'broker relays',
  'broker flutter',
  'broker depositions',
] as const;
export type WorkloadName = (typeof workloadNames)[number];

const trialsOf: Readonly<Partial<Record<WorkloadName, Trial>>> = {
  'broker relays': 'relay',
  'broker flutter': 'flutter',
  'broker depositions': 'deposed',
};

/** Makes a run out of a seed. */
export function generateSchedule(seed: number, workload: WorkloadName = 'mixed'): Schedule {
  const drawn = generateConfig(chanceOf(seed, 'config'));
  const config = workload === 'mixed' && isBusy(seed) ? atMost(busySeconds, drawn) : drawn;
  const faults = generateFaults(chanceOf(seed, 'faults'), config, budgets[config.budget]);
  const swarm: Schedule = {
    seed,
    config,
    faults,
    operations: [],
    calls: [],
    brokers: null,
    groups: null,
    watchers: [],
  };
  const isTroubled = workload === 'disk trouble' || (workload === 'mixed' && hasDiskTrouble(swarm));
  const conditions = withSnapshotsInTime(isTroubled ? withDiskTrouble(swarm) : conditioned(swarm, workload));
  const traffic = isTroubled ? busyTraffic : (trafficOf[workload] ?? usualTraffic);
  const operations = generateOperations(chanceOf(seed, 'operations'), conditions.config, traffic);
  const schedule = isTroubled ? conditions : withSnapshotsInMeasure(conditions, operations.length);
  const planned = generateCalls(chanceOf(seed, 'calls'), schedule.config, workload === 'operators');
  // A wish of an operator is a reason for an election, where it is judged whether there is any.
  const { noFurtherElection } = budgets[schedule.config.budget].promises;
  const isElectionJudged = noFurtherElection || (partitionsAlone(schedule) ?? []).length > 0;
  const settled = withConditions(isElectionJudged ? planned : withTransfers(planned, seed), seed);
  const calls = withPast(withBareKeys(settled, seed), seed);
  const watchers = generateWatchers(chanceOf(seed, 'watchers'), schedule.config, workload === 'watchers');
  const groups = generateGroups(chanceOf(seed, 'groups'), schedule.config, workload === 'groups');
  return withBrokers(
    { ...schedule, operations, calls, groups, watchers },
    chanceOf(seed, 'brokers'),
    workload,
  );
}

/** What is dense shows in this time what is rare shows in thirty seconds; more of it takes the time of other seeds. */
const busySeconds = 12;

/** Whether a seed of no particular workload has much to do: dense traffic, many calls, or model brokers. */
function isBusy(seed: number): boolean {
  const gapUs = chanceOf(seed, 'operations').pick(usualTraffic.gapsUs);
  const hasManyCalls = areCallsDense(chanceOf(seed, 'calls'));
  return gapUs <= denseGapUs || hasManyCalls || hasBrokers(chanceOf(seed, 'brokers'));
}

function atMost(seconds: number, config: RunConfig): RunConfig {
  return { ...config, durationUs: Math.min(config.durationUs, seconds * secondUs) };
}

/** Under the conditions that the workload asks for. */
function conditioned(schedule: Schedule, workload: WorkloadName): Schedule {
  if (workload === 'long partitions') return longPartitionsAlone(schedule);
  if (workload === 'late copies') return withLateCopies(schedule);
  if (workload === 'slow echoes') return slowEchoesAlone(schedule);
  if (workload === 'voter changes') return withLongAbsences(withVoterChanges(schedule, true));
  const partitioned = withLongPartitions(schedule);
  // What is judged in long partitions is whether the quorum goes on, with nothing else happening.
  if (partitioned !== schedule) return withLongAbsences(partitioned);
  const slowed = withSlowEchoes(schedule);
  return slowed === schedule ? withLongAbsences(withCompany(schedule)) : slowed;
}

/** What comes in company, each in some of the seeds. */
function withCompany(schedule: Schedule): Schedule {
  return withMixedVersions(withSuspensions(withVoterChanges(schedule, false)));
}

function withBrokers(schedule: Schedule, chance: HashedChance, workload: WorkloadName): Schedule {
  const { config, calls, seed } = schedule;
  const wanted = trialsOf[workload] ?? null;
  const plan = generateBrokers(chance, config, workload === 'brokers' || wanted !== null);
  if (plan === null) return workload === 'operators' ? withIdleBrokers(schedule) : schedule;
  const trial = generateTrial(chanceOf(seed, 'brokerTrial'), config, plan, schedule.faults, wanted);
  if (trial !== null) return withTrial(schedule, trial);
  const asleep = brokerSuspensions(chanceOf(seed, 'brokerSuspensions'), config, plan.brokers);
  const failing = directoryFailures(chanceOf(seed, 'brokerDirectories'), config, plan.brokers);
  const brokers = { ...plan, faults: inOrder(inOrder(plan.faults, asleep), failing) };
  return {
    ...schedule,
    config: { ...config, brokerSessionTimeoutMs: brokerSessionTimeoutMs(chance, config) },
    calls: [...calls, ...brokerCalls(chance, brokers, config)],
    brokers,
  };
}

/** A session is long for heartbeats and then protects the operators' own brokers, which send none, as well. */
function withIdleBrokers(schedule: Schedule): Schedule {
  const { config, seed } = schedule;
  const chance = chanceOf(seed, 'idleBrokers');
  const brokers = idleBrokers(chance);
  if (brokers === null) return schedule;
  return {
    ...schedule,
    config: { ...config, brokerSessionTimeoutMs: brokerSessionTimeoutMs(chance, config) },
    brokers,
  };
}

/** A trial of brokers needs few requests of others beside it. */
function withTrial(schedule: Schedule, trial: BrokerTrial): Schedule {
  const { plan, faults, config, brokerSessionTimeoutMs, quietFromUs } = trial;
  const isInTime = ({ atUs }: { readonly atUs: number }): boolean => atUs < quietFromUs;
  const calls = [
    ...schedule.calls,
    ...brokerCalls(chanceOf(schedule.seed, 'brokerTrialCalls'), plan, config),
  ];
  return {
    ...schedule,
    config: { ...config, brokerSessionTimeoutMs },
    faults,
    operations: schedule.operations.filter((operation, at) => at % 10 === 0 && isInTime(operation)),
    calls: calls.filter(isInTime),
    brokers: plan,
  };
}

/** A large snapshot in the smallest chunks, one a round trip, would outlast the heal phase where the way is long. */
function withSnapshotsInTime(schedule: Schedule): Schedule {
  const { raft, link } = schedule.config;
  const travelUs = link.delayUs + link.jitterUs;
  const chunkBytesMin = travelUs >= 10_000 ? 1024 : travelUs >= 3000 ? 256 : 64;
  const snapshotChunkBytesMax = Math.max(chunkBytesMin, raft.snapshotChunkBytesMax);
  return { ...schedule, config: { ...schedule.config, raft: { ...raft, snapshotChunkBytesMax } } };
}

/** A checkpoint after every fifth record of dense traffic is most of what such a run does, and shows nothing new. */
function withSnapshotsInMeasure(schedule: Schedule, operationCount: number): Schedule {
  const { config } = schedule;
  const perSecond = operationCount / (config.durationUs / secondUs);
  const recordsBetweenSnapshots = Math.max(config.recordsBetweenSnapshots, Math.ceil(perSecond));
  return { ...schedule, config: { ...config, recordsBetweenSnapshots } };
}

function generateConfig(chance: HashedChance): RunConfig {
  const budget = rareBudgets[chance.integer(16)] ?? 'minority damaged';
  const nodes = chance.oneIn(5) ? 5 : 3;
  const linkAt = budgets[budget].badLinks ? chance.integer(links.length) : 0;
  const link = links[linkAt] ?? links[0];
  const [electionTimeoutMs, fetchTimeoutMs] = timeouts[linkAt >= 3 ? 3 : chance.integer(timeouts.length)] ?? [
    1000, 2000,
  ];
  const drifts = chance.oneIn(2) ? [0] : [0, 0, 100, -100, 500, -500, 20_000, -20_000];
  return {
    nodes,
    spares: 0,
    olderNodes: [],
    olderRelease: 'oldest',
    budget,
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
      pendingBytesMax: chance.pick([16_384, 1_048_576, 1_048_576]),
      highWatermarkLingerMs: chance.pick([0, 2, 20]),
      fetchLingerMs: chance.pick([0, 5, 20]),
    },
    link: link ?? { lossPerMille: 0, duplicatePerMille: 0, delayUs: 60, jitterUs: 60, isOrdered: true },
    diskSpread: budgets[budget].badLinks ? chance.pick([0, 0, 1, 8, 40]) : 0,
    segmentBytes: chance.pick([16_384, 32_768, 65_536]),
    recordsBetweenSnapshots: chance.pick([5, 20, 50, 200, 1_000_000]),
    clients: chance.pick([1, 3, 8]),
    brokerSessionTimeoutMs: 20,
    driftPpm: Array.from({ length: nodes }, () => chance.pick(drifts)),
  };
}

type Traffic = {
  /** Mean times between two requests. */
  readonly gapsUs: readonly number[];
  /** Whether what is dense comes in bursts. */
  readonly isInBursts: boolean;
  readonly keys: readonly number[];
  /** One run in so many has heavy writes. */
  readonly heavyOneIn: number;
};

/**
 * Dense traffic comes in bursts, as it does in the world: what can go wrong in them does so at their beginning or
 * their end as a rule, and more of the same takes the time of other seeds.
 */
const denseGapUs = 20_000;
const burstRequests = 60;
const meanPauseUs = 1_600_000;

const usualTraffic: Traffic = {
  isInBursts: true,
  gapsUs: [4000, 20_000, 20_000, 60_000, 60_000, 200_000, 200_000, 200_000],
  keys: [1, 4, 32],
  heavyOneIn: 4,
};
/** Through long partitions a quorum over a distance keeps up with few of them. */
const rareTraffic: Traffic = {
  isInBursts: false,
  gapsUs: [60_000, 200_000, 1_000_000],
  keys: [1, 4, 32],
  heavyOneIn: 4,
};
const closeTraffic: Traffic = {
  isInBursts: false,
  gapsUs: [2000, 4000, 10_000],
  keys: [1, 4, 32],
  heavyOneIn: 4,
};
/** So that segments fill, and frames have several sectors; a key that was written lately may refuse the next write. */
const busyTraffic: Traffic = { isInBursts: false, gapsUs: [8000, 16_000, 32_000], keys: [32], heavyOneIn: 1 };
const trafficOf: Readonly<Partial<Record<WorkloadName, Traffic>>> = {
  'long partitions': rareTraffic,
  'slow echoes': closeTraffic,
};

function generateOperations(
  chance: HashedChance,
  config: RunConfig,
  traffic: Traffic,
): readonly PlannedOperation[] {
  const meanGapUs = chance.pick(traffic.gapsUs);
  const isDense = meanGapUs <= denseGapUs;
  const keys = chance.pick(traffic.keys);
  const readsOfTen = chance.pick([0, 2, 5, 8]);
  const paddings = chance.oneIn(traffic.heavyOneIn)
    ? (heavyPaddings[chance.integer(heavyPaddings.length)] ?? [])
    : [0, 0, 8, 100];
  const operations: PlannedOperation[] = [];
  for (let atUs = 0; ; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (traffic.isInBursts && isDense && chance.oneIn(burstRequests)) atUs += chance.integer(2 * meanPauseUs);
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
