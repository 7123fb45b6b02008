import { exponentialPerMille, type HashedChance } from '../../../src/testing/world/chance.ts';
import type { RunConfig } from '../../faults/schedule.ts';
import type { PlannedCall } from '../operators/planned-call.ts';

/** Something that goes wrong with a broker, as data. `broker` is its place among the brokers. */
export type BrokerFault = { readonly atUs: number; readonly broker: number; readonly forUs: number } & (
  | { readonly kind: 'crash'; readonly power: boolean }
  /** As a crash, after which its disk is empty. */
  | { readonly kind: 'wipe' }
  /** One of its log directories fails, if it has any, and so long after that the broker is started anew. */
  | { readonly kind: 'failDirectory' }
  | { readonly kind: 'pause' }
  /** As a pause in which its monotonic clock stands still. */
  | { readonly kind: 'suspend' }
  /** It leaves in an orderly way, and comes back so long after it has left. */
  | { readonly kind: 'stop' }
  /** It and the controllers do not hear each other; it goes on talking with the other brokers. */
  | { readonly kind: 'cutFromControllers' }
  | { readonly kind: 'cutFromBrokers' }
  /** No answer of a controller reaches it, and whatever it asks for is done. */
  | { readonly kind: 'deafToControllers' }
  /** It reaches no controller but the one that leads when this begins. */
  | { readonly kind: 'cutFromOtherControllers' }
  /** What it says to controllers takes so many times as long, each request for itself. */
  | { readonly kind: 'clogToControllers'; readonly factor: number }
  /** No flush ends before this does. */
  | { readonly kind: 'stallDisk' }
  /** As `cutFromControllers`, and meanwhile another process tries to register under its id. */
  | { readonly kind: 'usurp' }
);

/** The model brokers of one run and what they do. */
export type BrokerPlan = {
  readonly brokers: number;
  readonly minIsr: number;
  readonly replicaLagTimeMaxMs: number;
  /** The most records that one fetch brings. */
  readonly fetchRecordsMax: number;
  /** How many records of each log retention leaves; all where it is absent. */
  readonly recordsKept?: number;
  /** When each record is produced, and to which of the data topic's partitions. */
  readonly records: readonly { readonly atUs: number; readonly partition: number }[];
  readonly faults: readonly BrokerFault[];
};

export const firstModelBroker = 2000;
export const dataTopic = 'data';
const partitionsMax = 3;
/** Clients of their own, far from the numbers of the others. */
const creator = 90;

/** Nothing is removed where it is below 0, in every other run. */
const recordsKeptChoices: readonly number[] = [-1, -1, -1, 0, 5, 20];

/** With their heartbeats and fetches a run with model brokers takes five times as long as one without. */
const oneRunIn = 24;

/** Whether a seed of no particular workload has model brokers. */
export function hasBrokers(chance: HashedChance): boolean {
  return chance.oneIn(oneRunIn);
}

/** Null for most seeds, unless brokers are what is wanted. */
export function generateBrokers(
  chance: HashedChance,
  config: RunConfig,
  isWanted: boolean,
): BrokerPlan | null {
  if (!hasBrokers(chance) && !isWanted) return null;
  const brokers = chance.pick([3, 3, 4]);
  const partitions = 1 + chance.integer(partitionsMax);
  const meanGapUs = chance.pick([30_000, 100_000, 300_000]);
  const records: { readonly atUs: number; readonly partition: number }[] = [];
  for (let atUs = 1_500_000; ; ) {
    atUs += 1 + Math.floor((chance.pick(exponentialPerMille) * meanGapUs) / 1000);
    if (atUs >= config.durationUs) break;
    records.push({ atUs, partition: chance.integer(partitions) });
  }
  const plan = {
    brokers,
    minIsr: chance.pick([1, 2]),
    // Over a distance a follower's acknowledgement takes two round trips, and one that is in time stays in the ISR.
    replicaLagTimeMaxMs: config.link.delayUs > 10_000 ? 3000 : chance.pick([300, 1000, 3000]),
    fetchRecordsMax: 50,
    records,
    faults: generateFaults(chance, config, brokers),
  };
  const recordsKept = chance.pick(recordsKeptChoices);
  return recordsKept < 0 ? plan : { ...plan, recordsKept };
}

/** Brokers to which nothing is produced and nothing happens, so that operators can create topics. */
export function idleBrokers(chance: HashedChance): BrokerPlan | null {
  if (chance.oneIn(2)) return null;
  return { brokers: 3, minIsr: 1, replicaLagTimeMaxMs: 3000, fetchRecordsMax: 50, records: [], faults: [] };
}

/** Long enough for a heartbeat over the run's distances. */
export function brokerSessionTimeoutMs(chance: HashedChance, config: RunConfig): number {
  return config.link.delayUs > 10_000 ? 3000 : chance.pick([600, 1500, 3000]);
}

function generateFaults(chance: HashedChance, config: RunConfig, brokers: number): readonly BrokerFault[] {
  const kinds = (['crash', 'pause', 'stop', 'cutFromControllers', 'cutFromBrokers', 'usurp'] as const).filter(
    () => !chance.oneIn(3),
  );
  const wipes = chance.oneIn(2);
  const meanGapUs = chance.pick([500_000, 1_500_000, 4_000_000]);
  const faults: BrokerFault[] = [];
  for (let atUs = 2_500_000; kinds.length > 0; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) break;
    const kind = kinds[chance.integer(kinds.length)] ?? 'pause';
    const forUs = 10_000 + chance.integer(chance.pick([200_000, 1_500_000, 5_000_000]));
    const fault = { atUs, broker: chance.integer(brokers), forUs };
    if (kind !== 'crash') faults.push({ ...fault, kind });
    else if (wipes && chance.oneIn(3)) faults.push({ ...fault, kind: 'wipe' });
    else faults.push({ ...fault, kind, power: chance.oneIn(2) });
  }
  return faults;
}

/** Brokers whose machines are suspended, in one seed of three. */
export function brokerSuspensions(
  chance: HashedChance,
  config: RunConfig,
  brokers: number,
): readonly BrokerFault[] {
  if (!chance.oneIn(3)) return [];
  return Array.from({ length: 1 + chance.integer(4) }, () => {
    const forUs = 10_000 + chance.integer(chance.pick([200_000, 2_000_000, 8_000_000]));
    const atUs = 2_500_000 + chance.integer(config.durationUs);
    return { atUs, broker: chance.integer(brokers), forUs, kind: 'suspend' as const };
  });
}

/** Brokers whose directories fail, in three seeds of four. */
export function directoryFailures(
  chance: HashedChance,
  config: RunConfig,
  brokers: number,
): readonly BrokerFault[] {
  if (chance.oneIn(4)) return [];
  return Array.from({ length: 2 + chance.integer(8) }, () => {
    const forUs = 100_000 + chance.integer(chance.pick([1_000_000, 4_000_000, 8_000_000]));
    const atUs = 2_500_000 + chance.integer(config.durationUs - 2_500_000);
    return { atUs, broker: chance.integer(brokers), forUs, kind: 'failDirectory' as const };
  });
}

/** One that is held comes back only when somebody lets go of it, which is therefore drawn more often. */
function brokerCall(chance: HashedChance): string {
  const drawn = chance.integer(6);
  if (drawn < 3) return 'unregisterBroker';
  return drawn === 3 ? 'fenceBroker' : 'unfenceBroker';
}

type Content = Pick<PlannedCall, 'operationId' | 'params' | 'body'>;

/**
 * What is asked of the data topic now and then: another min ISR, up to as many as there are replicas, so that its ELRs
 * are cleared; an election; unclean ones by themselves, for a while. Null for most.
 */
function topicCall(chance: HashedChance, partitions: number): Content | null {
  switch (chance.integer(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return configChange('min.insync.replicas', String(chance.pick([1, 2, 2, 3])));
    case 4:
      return configChange('unclean.leader.election.enable', chance.oneIn(3) ? 'true' : 'false');
    case 5:
      return electionCall('unclean', chance.integer(partitions));
    case 6:
    case 7:
      return electionCall('preferred', chance.integer(partitions));
    default:
      return null;
  }
}

function configChange(name: string, value: string): Content {
  const params = { resourceType: 'topic', resourceName: dataTopic };
  return { operationId: 'alterConfig', params, body: { changes: [{ name, operation: 'set', value }] } };
}

function electionCall(electionType: string, partition: number): Content {
  const partitions = [{ topic: dataTopic, partition }];
  return { operationId: 'electLeaders', params: {}, body: { electionType, partitions } };
}

/**
 * What operators want of the brokers. The data topic is asked for again and again, because the first time its
 * brokers may not be there yet; and now and then a broker is to be forgotten, which is refused unless it is fenced,
 * or to be held, or let go of; and its partitions move from broker to broker.
 */
export function brokerCalls(
  chance: HashedChance,
  plan: BrokerPlan,
  config: RunConfig,
): readonly PlannedCall[] {
  const calls: PlannedCall[] = [];
  const common = {
    client: creator,
    isWrite: true,
    keyed: true,
    consistency: 'linearizable',
    isAfterOwn: false,
  } as const;
  const partitions = 1 + Math.max(0, ...plan.records.map(({ partition }) => partition));
  const assignments = Array.from({ length: partitions }, (_, partition) =>
    [0, 1, 2].map((at) => firstModelBroker + ((partition + at) % plan.brokers)),
  );
  const configs = [{ name: 'min.insync.replicas', value: String(plan.minIsr) }];
  for (let atUs = 1_000_000; atUs < config.durationUs; atUs += 1_000_000) {
    calls.push({
      ...common,
      atUs,
      operationId: 'createTopic',
      params: {},
      body: { name: dataTopic, assignments, configs },
    });
  }
  const meanGapUs = chance.pick([1_000_000, 3_000_000, config.durationUs]);
  for (let atUs = 2_500_000; ; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) break;
    const ofTopic = topicCall(chance, partitions);
    if (ofTopic !== null) {
      calls.push({ ...common, atUs, ...ofTopic });
      continue;
    }
    const params = { brokerId: firstModelBroker + chance.integer(plan.brokers) };
    calls.push({ ...common, atUs, operationId: brokerCall(chance), params, body: {} });
  }
  const moves = moveCalls(chance, plan, config, partitions);
  return [...calls, ...moves.map((move) => ({ ...common, ...move }))];
}

/** Now and then close enough to each other that one finds the one before under way, or half of it done. */
const moveGapsUs = [200_000, 600_000, 2_000_000];

/** Where a broker is cordoned before the data topic is there, it is refused again and again. */
const emptyingFromUs = 4_500_000;

/** Somebody drains a broker, which cordons it, or lets it have replicas again. */
function emptyingCall(
  chance: HashedChance,
  plan: BrokerPlan,
): Pick<PlannedCall, 'operationId' | 'params' | 'body'> {
  const params = { brokerId: firstModelBroker + chance.integer(plan.brokers) };
  const operationId = (['drainBroker', 'cordonBroker', 'uncordonBroker', 'uncordonBroker'] as const)[
    chance.integer(4)
  ];
  return { operationId: operationId ?? 'uncordonBroker', params, body: {} };
}

/** Three runs of four reassign partitions of the data topic, to two or three brokers, or go back on it. */
function moveCalls(
  chance: HashedChance,
  plan: BrokerPlan,
  config: RunConfig,
  partitions: number,
): readonly Pick<PlannedCall, 'atUs' | 'operationId' | 'params' | 'body'>[] {
  const moves: Pick<PlannedCall, 'atUs' | 'operationId' | 'params' | 'body'>[] = [];
  if (chance.oneIn(4)) return moves;
  const meanGapUs = chance.pick(moveGapsUs);
  for (let atUs = 2_000_000; ; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) return moves;
    const first = chance.integer(plan.brokers);
    const places = [0, 1, 2].slice(chance.integer(2));
    const target = places.map((at) => firstModelBroker + ((first + at) % plan.brokers));
    if (chance.oneIn(6) && atUs > emptyingFromUs) {
      moves.push({ atUs, ...emptyingCall(chance, plan) });
      continue;
    }
    const partition = chance.integer(partitions);
    const replicas = chance.oneIn(4) ? null : target;
    const body = { partitions: [{ topic: dataTopic, partition, replicas }] };
    moves.push({ atUs, operationId: 'alterPartitionReassignments', params: {}, body });
  }
}
