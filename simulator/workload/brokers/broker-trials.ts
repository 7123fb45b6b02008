import type { HashedChance } from '../../../src/testing/world/chance.ts';
import type { Fault } from '../../faults/fault.ts';
import { inOrder } from '../../faults/in-order.ts';
import type { RunConfig } from '../../faults/schedule.ts';
import type { BrokerFault, BrokerPlan } from './broker-plan.ts';

/**
 * Faults in company, in an order that chance alone seldom draws. `relay`: each leader of a partition fails soon
 * after it was elected, while another replica cannot follow it. `flutter`: followers leave their ISRs and come
 * back all the time, and what brokers ask of the controllers arrives late and out of order. `deposed`: the
 * controllers' leader is cut off together with brokers that take it for the leader still.
 */
export type Trial = 'relay' | 'flutter' | 'deposed';

/** What a trial does with the rest of a run. */
export type BrokerTrial = {
  readonly plan: BrokerPlan;
  readonly brokerSessionTimeoutMs: number;
  /** What fails among the controllers. */
  readonly faults: readonly Fault[];
  readonly config: RunConfig;
  /**
   * From then on nobody asks for anything but the brokers themselves: what a leader that is cut off has appended
   * holds back whatever it would answer.
   */
  readonly quietFromUs: number;
};

/** All that a trial is made of. */
type Draw = {
  readonly chance: HashedChance;
  readonly config: RunConfig;
  readonly plan: BrokerPlan;
  readonly sessionUs: number;
};

const trials: readonly Trial[] = ['relay', 'relay', 'flutter', 'flutter', 'deposed'];
const sessionsMs: Readonly<Record<Trial, readonly number[]>> = {
  relay: [600, 1500],
  flutter: [1500, 3000],
  deposed: [1500, 1500, 3000],
};
/** Where brokers hold replicas, so many runs in ten are trials. */
const trialsOfTen = 6;
/** Nothing fails before the brokers are registered and the topic is there. */
const beginsUs = 2_500_000;
const farUs = 10_000;

/** Null for those seeds in which brokers and controllers fail by chance; `wanted` settles which trial it is. */
export function generateTrial(
  chance: HashedChance,
  given: RunConfig,
  plan: BrokerPlan,
  faults: readonly Fault[],
  wanted: Trial | null,
): BrokerTrial | null {
  if (chance.integer(10) >= trialsOfTen && wanted === null) return null;
  const drawn = trials[chance.integer(trials.length)] ?? 'relay';
  const trial = wanted ?? drawn;
  const isFar = given.link.delayUs > farUs;
  const config = trial === 'deposed' ? { ...given, raft: { ...given.raft, ...quickElections } } : given;
  const brokerSessionTimeoutMs = isFar ? 3000 : chance.pick(sessionsMs[trial]);
  const harder: BrokerPlan = {
    ...plan,
    minIsr: chance.pick([1, 2, 2]),
    replicaLagTimeMaxMs: isFar ? 3000 : chance.pick(trial === 'flutter' ? [300, 300, 1000] : [1000, 3000]),
    // Over a distance one that was away for long and is given one record a fetch would not be back in time.
    fetchRecordsMax: isFar ? 50 : chance.pick([1, 5, 50]),
    records: moreRecords(chance, config, plan),
  };
  const draw = { chance, config, plan: harder, sessionUs: brokerSessionTimeoutMs * 1000 };
  const own = draws[trial](draw);
  // Mostly the controllers themselves are well: a quorum without a leader elects nobody and fences nobody.
  const others = chance.oneIn(4) ? faults : [];
  const link = trial === 'flutter' ? { ...config.link, isOrdered: false } : config.link;
  return {
    plan: { ...harder, faults: inOrder(own.brokers, []) },
    brokerSessionTimeoutMs,
    faults: inOrder(others, own.controllers),
    config: { ...config, link },
    quietFromUs: trial === 'deposed' ? beginsUs : config.durationUs,
  };
}

type Faults = { readonly brokers: readonly BrokerFault[]; readonly controllers: readonly Fault[] };

const draws: Readonly<Record<Trial, (draw: Draw) => Faults>> = {
  relay: (draw) => ({ brokers: drawRelays(draw), controllers: [] }),
  flutter: (draw) => ({ brokers: drawFlutter(draw), controllers: [] }),
  deposed: drawDepositions,
};

/** So many that a follower which was away lacks more than one fetch brings, whatever it had missed. */
function moreRecords(chance: HashedChance, config: RunConfig, plan: BrokerPlan): BrokerPlan['records'] {
  const partitions = 1 + Math.max(0, ...plan.records.map(({ partition }) => partition));
  const gapUs = chance.pick([10_000, 20_000, 40_000]);
  const records: { readonly atUs: number; readonly partition: number }[] = [];
  for (let atUs = 1_500_000; ; ) {
    atUs += 1 + chance.integer(2 * gapUs);
    if (atUs >= config.durationUs) return records;
    records.push({ atUs, partition: chance.integer(partitions) });
  }
}

/** One relay after another, with time for everybody to catch up between them. */
function drawRelays(draw: Draw): readonly BrokerFault[] {
  const { chance, config, plan, sessionUs } = draw;
  const faults: BrokerFault[] = [];
  for (let atUs = beginsUs; atUs < config.durationUs; ) {
    const first = chance.integer(plan.brokers);
    const order = [0, 1, 2].map((step) => (first + step) % plan.brokers);
    atUs = drawRelay(draw, order, atUs, faults) + 2 * sessionUs + chance.integer(1_500_000);
  }
  return faults;
}

/**
 * The first fails while the second lags; the second, once it was elected, fails before the third has followed
 * it; and now and then the third fails as well. They come back one by one, or all at about the same time. Gives
 * the time of the last return.
 */
function drawRelay(
  draw: Draw,
  [first = 0, second = 0, third = 0]: readonly number[],
  atUs: number,
  faults: BrokerFault[],
): number {
  const { chance, plan, sessionUs } = draw;
  const lagUs = plan.replicaLagTimeMaxMs * 1000;
  const fails = (broker: number, whenUs: number, forUs: number): void => {
    const at = { broker, atUs: whenUs, forUs };
    faults.push(chance.oneIn(8) ? { ...at, kind: 'wipe' } : { ...at, kind: 'crash', power: chance.oneIn(2) });
  };
  const firstUs = atUs + 100_000 + chance.integer(300_000);
  const electedUs = firstUs + sessionUs;
  // Soon after its election, or when it alone has taken in much since.
  const secondUs = electedUs + 200_000 + chance.integer(chance.oneIn(2) ? lagUs : 3 * lagUs);
  faults.push(...hindrances(draw, { second, third, atUs, firstUs, electedUs, secondUs }));
  const thirdUs = secondUs + chance.integer(chance.pick([200_000, 2 * sessionUs]));
  const allUs = thirdUs + sessionUs + chance.integer(1_000_000);
  const isTogether = chance.oneIn(2);
  const backUs = (fromUs: number): number =>
    isTogether ? allUs - fromUs + chance.integer(300_000) : 10_000 + chance.integer(2_000_000);
  fails(first, firstUs, backUs(firstUs));
  if (!chance.oneIn(4)) fails(second, secondUs, backUs(secondUs));
  if (chance.oneIn(2)) fails(third, thirdUs, backUs(thirdUs));
  return allUs + 300_000;
}

type Relay = {
  readonly second: number;
  readonly third: number;
  readonly atUs: number;
  readonly firstUs: number;
  readonly electedUs: number;
  readonly secondUs: number;
};

/**
 * The second does not hear the last of what the first says, so that the third is ahead of it; and the third
 * does not follow the second, or still flushes what it has from the first when it has to cut that off.
 */
function hindrances({ chance, plan }: Draw, relay: Relay): readonly BrokerFault[] {
  const { second, third, atUs, firstUs, electedUs, secondUs } = relay;
  const lagUs = plan.replicaLagTimeMaxMs * 1000;
  const faults: BrokerFault[] = [];
  const hinder = (
    kind: 'cutFromBrokers' | 'stallDisk',
    broker: number,
    fromUs: number,
    toUs: number,
  ): void => {
    faults.push({ kind, broker, atUs: fromUs, forUs: toUs - fromUs });
  };
  if (!chance.oneIn(3)) hinder('cutFromBrokers', second, atUs, firstUs + chance.integer(100_000));
  const how = chance.integer(3);
  if (how === 0) hinder('cutFromBrokers', third, firstUs + 50_000, secondUs + chance.integer(lagUs));
  if (how === 1)
    hinder('stallDisk', third, firstUs - 50_000, electedUs + 200_000 + chance.integer(1_500_000));
  return faults;
}

/** Between two flutters. */
const flutterGapsUs = [150_000, 400_000, 800_000];

/** Those who are late by chance, or one after the other who is another by the time its leader has spoken for it. */
function drawFlutter(draw: Draw): readonly BrokerFault[] {
  const { chance, config, plan, sessionUs } = draw;
  if (chance.oneIn(2)) return drawReturns(draw);
  const gapUs = chance.pick(flutterGapsUs);
  const faults: BrokerFault[] = [...drawLateness(draw)];
  for (let atUs = beginsUs; ; ) {
    atUs += 1 + chance.integer(2 * gapUs);
    if (atUs >= config.durationUs) return faults;
    faults.push(drawFlutterFault(chance, { atUs, broker: chance.integer(plan.brokers) }, sessionUs));
  }
}

/** Brokers whose every word to the controllers is late. */
function drawLateness({ chance, config, plan }: Draw): readonly BrokerFault[] {
  const factor = factorOf(config, chance.pick([100_000, 300_000, 800_000]));
  const forUs = config.durationUs - beginsUs;
  const late = Array.from({ length: plan.brokers }, (_, broker) => broker).filter(() => chance.oneIn(2));
  if (forUs <= 0) return [];
  return late.map((broker) => ({ kind: 'clogToControllers', broker, atUs: beginsUs, forUs, factor }));
}

/** How many times as long a way takes that is to take so long in the mean. */
function factorOf({ link }: RunConfig, meanDelayUs: number): number {
  return Math.max(1, Math.floor(meanDelayUs / (link.delayUs + link.jitterUs)));
}

/** Until whoever has returned is in its ISRs again. */
const returnGapUs = 2_000_000;

/** One return after another. */
function drawReturns(draw: Draw): readonly BrokerFault[] {
  const { chance, config, plan } = draw;
  const faults: BrokerFault[] = [];
  for (let atUs = beginsUs; atUs < config.durationUs; ) {
    const drawn = drawReturn(draw, { atUs, broker: chance.integer(plan.brokers) });
    faults.push(...drawn);
    atUs = Math.max(...drawn.map((fault) => fault.atUs + fault.forUs)) + returnGapUs;
  }
  return faults;
}

/**
 * A follower that is out of its ISR has caught up all at once, and is another incarnation, unfenced, before what its
 * leader asks for on its behalf has arrived; it does not follow again at once.
 */
function drawReturn(
  { chance, config, plan }: Draw,
  { atUs, broker }: { readonly atUs: number; readonly broker: number },
): readonly BrokerFault[] {
  const forUs = plan.replicaLagTimeMaxMs * 1000 + 300_000 + chance.integer(500_000);
  const backUs = atUs + forUs;
  const factor = factorOf(config, chance.pick([800_000, 1_600_000]));
  const others = Array.from({ length: plan.brokers }, (_, each) => each).filter((each) => each !== broker);
  const stopUs = backUs + 10_000 + chance.integer(chance.pick([50_000, 300_000]));
  return [
    { kind: 'stallDisk', broker, atUs, forUs },
    ...others.map((each) => {
      return { kind: 'clogToControllers', broker: each, atUs: backUs - 1000, forUs: 50_000, factor } as const;
    }),
    { kind: 'cutFromBrokers', broker, atUs: stopUs, forUs: 1_000_000 + chance.integer(1_000_000) },
    { kind: 'stop', broker, atUs: stopUs + 1, forUs: 10_000 + chance.integer(50_000) },
  ];
}

/** Mostly a follower that is late; now and then a broker that is fenced, or starts again, and is back at once. */
function drawFlutterFault(
  chance: HashedChance,
  at: { readonly atUs: number; readonly broker: number },
  sessionUs: number,
): BrokerFault {
  const shortUs = 50_000 + chance.integer(600_000);
  const fencedUs = sessionUs + chance.integer(1_000_000);
  switch (chance.integer(10)) {
    case 0:
      return { ...at, kind: 'pause', forUs: fencedUs };
    case 1:
      return { ...at, kind: 'cutFromControllers', forUs: fencedUs };
    case 2:
      return { ...at, kind: 'stop', forUs: 10_000 + chance.integer(200_000) };
    case 3:
      return { ...at, kind: 'crash', forUs: 10_000 + chance.integer(200_000), power: chance.oneIn(2) };
    case 4:
      return { ...at, kind: 'deafToControllers', forUs: shortUs };
    case 5:
      return { ...at, kind: 'stallDisk', forUs: shortUs };
    default:
      return { ...at, kind: 'cutFromBrokers', forUs: shortUs };
  }
}

/** A broker that its controller no longer answers has tried all others within this time. */
const movedWithinUs = 3_000_000;

/**
 * Brokers that reach one controller alone, the leader, and then it is cut off from the others: for long enough
 * that those elect another, and that fences whom it has never heard.
 */
function drawDepositions({ chance, config, plan, sessionUs }: Draw): Faults {
  const brokers: BrokerFault[] = [];
  const controllers: Fault[] = [];
  const electedUs = 2 * config.raft.fetchTimeoutMs * 1000;
  for (let beginUs = beginsUs; beginUs < config.durationUs; ) {
    const atUs = beginUs + movedWithinUs;
    const forUs = electedUs + sessionUs + chance.integer(1_000_000);
    const direction = (['both', 'both', 'in', 'out'] as const)[chance.integer(4)] ?? 'both';
    controllers.push({ kind: 'isolate', atUs, target: 'leader', direction, forUs });
    for (let broker = 0; broker < plan.brokers; broker++) {
      const cut = {
        kind: 'cutFromOtherControllers',
        broker,
        atUs: beginUs,
        forUs: movedWithinUs + forUs,
      } as const;
      if (!chance.oneIn(3)) brokers.push(cut);
    }
    beginUs = atUs + forUs + 1_000_000 + chance.integer(1_000_000);
  }
  return { brokers, controllers };
}

/** A leader that is cut off notices before it fences anybody, and would have to commit that first. */
const quickElections = { electionTimeoutMs: 500, fetchTimeoutMs: 1000, requestTimeoutMs: 1000 };
