import { assertNever } from '../../../src/base/assert.ts';
import { hashIntegers } from '../../../src/base/random.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import { list } from '../../../src/metadata/resources/topic/partition-row.ts';
import { noLeader } from '../../../src/metadata/resources/topic/records.ts';
import {
  eligibleLeaderReplicasVersion,
  finalizedMetadataVersion,
} from '../../../src/metadata/resources/feature/supported.ts';
import { findPartition, topicByName } from '../../../src/metadata/resources/topic/state.ts';
import type { SimulatedCluster } from '../../cluster.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { World } from '../../world.ts';
import type { Exchanges } from '../operators/exchange.ts';
import { type BrokerFault, type BrokerPlan, dataTopic, firstModelBroker } from './broker-plan.ts';
import type { BrokerJudge } from './controller-calls.ts';
import { keyOf, ModelBroker } from './model-broker.ts';
import { ModelDirectories } from './model-directories.ts';
import { ModelDisk } from './model-disk.ts';
import { ModelProducer } from './model-producer.ts';
import type { BatchProducer } from '../../../src/replica/producer-state.ts';
import { ReplicaLedger } from './replica-ledger.ts';
import type { ProduceAnswer } from './replica-shell.ts';
import type { ProbeNetwork } from './probe-network.ts';
import { Usurper } from './usurper.ts';
import { seedSalts } from '../../faults/salts.ts';

export type BrokersOptions = {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly exchanges: Exchanges;
  readonly probes: ProbeNetwork;
};

/** One broker over all its lives. */
export type HostedBroker = {
  readonly brokerId: number;
  readonly process: SimulatedProcess;
  readonly disk: ModelDisk;
  readonly directories: ModelDirectories;
  life: ModelBroker | null;
};

/** The model brokers of one cluster, what is produced to them, and what goes wrong with them. */
export class Brokers {
  readonly ledger = new ReplicaLedger();
  readonly hosted: HostedBroker[] = [];
  readonly judges: BrokerJudge[] = [];
  readonly counts = {
    crash: 0,
    pause: 0,
    suspend: 0,
    stop: 0,
    cutFromControllers: 0,
    cutFromBrokers: 0,
    cutFromOtherControllers: 0,
    deafToControllers: 0,
    clogToControllers: 0,
    stallDisk: 0,
    usurp: 0,
    wipe: 0,
    failDirectory: 0,
  };
  readonly #options: BrokersOptions;
  #plan: BrokerPlan | null = null;
  #producer: SimulatedProcess | null = null;
  #usurper: Usurper | null = null;
  #nextValue = 1;
  #nextRecord = 1;
  /** Those of each partition that number what they send. */
  readonly #producers = new Map<number, readonly ModelProducer[]>();
  #isHealed = false;

  constructor(options: BrokersOptions) {
    this.#options = options;
  }

  plan(plan: BrokerPlan): void {
    const { world, cluster, exchanges } = this.#options;
    this.#plan = plan;
    this.#usurper = new Usurper(world, exchanges, () => cluster.leader()?.view?.clusterId ?? null);
    this.#producer = world.addProcess('producer', { driftPpm: 0, wallOffsetMs: 0 });
    this.#producer.begin();
    this.ledger.judges.push({ lost: ({ partition }) => this.#lost(partition) });
    for (let at = 0; at < plan.brokers; at++) {
      const brokerId = firstModelBroker + at;
      const process = world.addProcess(`broker${brokerId}`, { driftPpm: 0, wallOffsetMs: 0 });
      const disk = new ModelDisk();
      const seed = hashIntegers(world.seed, seedSalts.brokerDirectories, brokerId);
      const count = directoryCounts[seed % directoryCounts.length] ?? 0;
      const directories = new ModelDirectories(disk, count, seed);
      const broker: HostedBroker = { brokerId, process, disk, directories, life: null };
      this.hosted.push(broker);
      this.ledger.addDisk(brokerId, broker.disk);
      world.schedule(300_000 + at * 10_000, eventKinds.boot, () => this.#boot(broker));
    }
    for (const partition of new Set(plan.records.map((record) => record.partition))) {
      this.#producers.set(partition, this.#addProducers(partition, this.#producer));
    }
    for (const { atUs, partition } of plan.records) {
      world.schedule(atUs, eventKinds.client, () => this.#produce(partition));
    }
    for (const fault of plan.faults) world.schedule(fault.atUs, eventKinds.fault, () => this.#inject(fault));
  }

  heal(): void {
    this.#isHealed = true;
    this.#usurper?.end();
    for (const producer of [...this.#producers.values()].flat()) producer.finish();
    for (const broker of this.hosted) {
      broker.process.resume();
      broker.disk.stalledUntilUs = 0;
      // Somebody sees to what has failed, and nothing is made anew without a start.
      if (broker.directories.offline.length > 0) this.#end(broker, 10_000, true);
      else if (broker.life === null) this.#boot(broker);
    }
  }

  /** What a healed cluster of brokers still lacks; null when nothing. */
  whatIsMissing(): string | null {
    if (this.#plan === null) return null;
    const image = this.#options.cluster.leader()?.view?.image ?? null;
    for (const { brokerId, process, life } of this.hosted) {
      // One that an operator holds is fenced, and rightly so.
      const isHeld = image !== null && image.broker.holds.get(brokerId) !== null;
      if (life?.isActive !== true && !isHeld) return `${process.name} is not active`;
    }
    if (image === null) return null;
    for (const slot of image.topic.leaderless.valuesFrom(0)) {
      const row = image.topic.partitions.array(slot, list.isr);
      const isActive = (id: number): boolean => image.broker.brokers.get(id)?.fenced === false;
      const eligible = image.topic.partitions.array(slot, list.eligibleLeaderReplicas);
      if ([...row, ...eligible].some(isActive))
        return `the partition in slot ${slot} has an active replica that is eligible, and no leader`;
    }
    return this.#whoLags(image) ?? this.#whoWaits(image);
  }

  /**
   * Every record of an idempotent producer is acknowledged once nothing fails any more and nobody is held, but where
   * nobody can lead without loss, and nobody has allowed for it.
   */
  #whoWaits({ topic, broker }: MetadataImage): string | null {
    const isAnyHeld = this.hosted.some(({ brokerId }) => broker.holds.get(brokerId) !== null);
    const data = topicByName(topic, dataTopic);
    if (isAnyHeld || data === null) return null;
    for (const [partition, producers] of this.#producers) {
      if (findPartition(topic, data.topicId, partition)?.leader === noLeader) continue;
      const pending = producers.reduce((total, producer) => total + producer.pending, 0);
      if (pending > 0) return `${pending} records of partition ${partition} are not acknowledged`;
    }
    return null;
  }

  /**
   * Every broker is up and hears the others: each replica has caught up and is in the ISR again. Not the one that an
   * operator holds; and nobody enters where such a one was the last in sync, so that nobody leads. And a reassignment
   * has ended, but for one that waits for a broker that is held: that one can be cancelled where an original is in
   * sync.
   */
  #whoLags({ topic, broker }: MetadataImage): string | null {
    const data = topicByName(topic, dataTopic);
    if (data === null) return null;
    for (let partition = 0; ; partition++) {
      const row = findPartition(topic, data.topicId, partition);
      if (row === null) return null;
      if (row.leader === noLeader) continue;
      const lagging = row.replicas.find(
        (replica) => !row.isr.includes(replica) && broker.holds.get(replica) === null,
      );
      if (lagging !== undefined) return `broker ${lagging} is not in the ISR of partition ${partition} again`;
      const isAwaited = row.replicas.every((replica) => broker.holds.get(replica) === null);
      const isMoving = row.addingReplicas.length > 0 || row.removingReplicas.length > 0;
      if (isMoving && isAwaited) return `partition ${partition} is still being reassigned`;
    }
  }

  #boot(broker: HostedBroker): void {
    const { process, brokerId, disk } = broker;
    if (process.isUp) return;
    const { world, cluster, exchanges } = this.#options;
    process.begin();
    broker.directories.startAnew(hashIntegers(this.#options.world.seed, process.index, process.generation));
    this.#options.probes.started(process);
    world.say(() => `${process.name} starts, life ${process.generation}`);
    const life = new ModelBroker({
      brokerId,
      process,
      disk,
      directories: broker.directories,
      stalledMs: () => Math.max(0, disk.stalledUntilUs - world.nowUs) / 1000,
      seed: world.seed,
      exchanges,
      judges: this.judges,
      replica: {
        brokerId,
        replicaLagTimeMaxMs: this.#plan?.replicaLagTimeMaxMs ?? 1000,
        fetchTimeoutMs: 1000,
        retryBackoffMs: 50,
        fetchRecordsMax: this.#plan?.fetchRecordsMax ?? 50,
      },
      recordsKept: this.#plan?.recordsKept ?? null,
      clusterId: () => cluster.leader()?.view?.clusterId ?? null,
      readImage: (take) => this.#readImage(process, take),
      fetchFrom: (leader, key, request, answered) => {
        this.ledger.fetching(key, brokerId, request);
        const peer = this.hosted[leader - firstModelBroker];
        const { generation } = process;
        if (peer === undefined) return;
        world.network.carry(process, peer.process, () => {
          peer.life?.fetchReceived(key, request, (carried) =>
            world.network.carry(peer.process, process, () => {
              if (process.generation === generation) answered(carried);
            }),
          );
        });
      },
      acknowledged: (key, offset, value, by) => this.ledger.acknowledged(key, offset, value, by),
    });
    broker.life = life;
    process.schedule(0, eventKinds.boot, () => life.start());
  }

  /** From any node that runs, as a stale read; the image is one that was committed there. */
  #readImage(process: SimulatedProcess, take: (image: NonNullable<ModelBroker['image']>) => void): void {
    const { world, cluster } = this.#options;
    const { nodes } = cluster;
    const node = nodes[hashIntegers(world.seed, process.index, world.nowUs) % nodes.length];
    const { generation } = process;
    if (node === undefined) return;
    world.network.carry(process, node.process, () => {
      const image = node.view?.image ?? null;
      if (image === null) return;
      world.network.carry(node.process, process, () => {
        if (process.generation === generation) take(image);
      });
    });
  }

  #addProducers(partition: number, process: SimulatedProcess): readonly ModelProducer[] {
    return Array.from(
      { length: idempotentProducers },
      (_, at) =>
        new ModelProducer({
          producerId: 1000 + 10 * partition + at,
          later: (delayUs, run) => process.schedule(delayUs, eventKinds.timer, run),
          send: (producer, answered) => this.#send(partition, producer, answered),
        }),
    );
  }

  /**
   * What an unclean election has lost leaves a gap in the numbers of its producer, which can go on in another epoch
   * alone (KIP-360: UNKNOWN_PRODUCER_ID and OUT_OF_ORDER_SEQUENCE_NUMBER).
   */
  #lost(partition: number): void {
    for (const producer of this.#producers.get(partition) ?? []) producer.restart();
  }

  /** By one of the producers that number their records, or by one that sends each once and asks for no answer. */
  #produce(partition: number): void {
    const chance = hashIntegers(this.#options.world.seed, this.#nextRecord++, seedSalts.producers);
    const producer = this.#producers.get(partition)?.[chance % (idempotentProducers + 1)];
    if (producer === undefined) {
      this.#send(partition, null, () => undefined);
      return;
    }
    if ((chance >>> 8) % recordsPerRestart === 0) producer.restart();
    producer.produce();
  }

  /** A producer believes whichever broker it has asked last. Each sending has a value of its own. */
  #send(partition: number, numbers: BatchProducer | null, answered: ProduceAnswer): void {
    const { world } = this.#options;
    const producer = this.#producer;
    const value = this.#nextValue++;
    const asked = this.hosted[hashIntegers(world.seed, value) % this.hosted.length];
    const image = asked?.life?.image ?? null;
    const topic = image === null ? null : topicByName(image.topic, dataTopic);
    if (image === null || topic === null || producer === null) return;
    const leader = findPartition(image.topic, topic.topicId, partition)?.leader ?? noLeader;
    const target = this.hosted[leader - firstModelBroker];
    if (target === undefined) return;
    const key = keyOf(topic.topicId, partition);
    world.network.carry(producer, target.process, () => {
      target.life?.produce(key, value, numbers, (error) =>
        world.network.carry(target.process, producer, () => answered(error)),
      );
      this.#consume(target, key);
    });
  }

  #consume({ life, disk, brokerId }: HostedBroker, key: string): void {
    const replica = life?.shells.get(key)?.replica ?? null;
    const end = replica?.visibleEndOffset ?? null;
    if (replica === null || end === null) return;
    const by = { broker: brokerId, leaderEpoch: replica.leaderEpoch };
    this.ledger.visible(key, by, end, disk.log(key));
  }

  #inject(fault: BrokerFault): void {
    const broker = this.hosted[fault.broker];
    if (this.#isHealed || broker === undefined || !broker.process.isUp) return;
    const { world } = this.#options;
    world.say(() => `fault ${JSON.stringify(fault)} at ${broker.process.name}`);
    this.counts[fault.kind]++;
    switch (fault.kind) {
      case 'pause':
        return broker.process.pause(fault.forUs);
      case 'suspend':
        return broker.process.suspend(fault.forUs);
      case 'stop': {
        const { life } = broker;
        return life?.shutDown(() => {
          if (broker.life === life) this.#end(broker, fault.forUs, true);
        });
      }
      case 'crash':
        this.#end(broker, fault.forUs, !fault.power);
        if (fault.power)
          broker.disk.losePower(world.chance(seedSalts.brokerPowerFailure, broker.brokerId, world.nowUs));
        return;
      case 'wipe':
        this.#end(broker, fault.forUs, true);
        if (this.#areLossesKnown()) {
          broker.disk.wipe();
          broker.directories.wipe();
        }
        return;
      case 'failDirectory':
        return this.#failDirectory(broker, fault.forUs);
      case 'stallDisk':
        broker.disk.stalledUntilUs = Math.max(broker.disk.stalledUntilUs, world.nowUs + fault.forUs);
        return;
      default:
        return this.#injectBetween(broker, fault);
    }
  }

  /** It goes on with what it has elsewhere, until somebody sees to it, and starts the broker anew. */
  #failDirectory(broker: HostedBroker, forUs: number): void {
    const { world } = this.#options;
    const { life } = broker;
    const chance = hashIntegers(world.seed, seedSalts.brokerDirectories, broker.brokerId, world.nowUs);
    if (life === null || !this.#areLossesKnown() || !broker.directories.fail(chance)) return;
    life.directoryFailed();
    this.#after(forUs, () => {
      if (broker.life === life) this.#end(broker, 10_000, true);
    });
  }

  /**
   * Below this level a broker that has lost what it held is elected as if it had not, where it was the last in sync;
   * as in Kafka, nobody may take a disk from it there.
   */
  #areLossesKnown(): boolean {
    const image = this.#options.cluster.leader()?.view?.image ?? null;
    return image !== null && finalizedMetadataVersion(image) >= eligibleLeaderReplicasVersion;
  }

  /** What happens between a broker and others. */
  #injectBetween(broker: HostedBroker, fault: FaultBetween): void {
    const { world, cluster } = this.#options;
    const { process } = broker;
    const { nodes } = cluster;
    switch (fault.kind) {
      case 'clogToControllers':
        for (const node of nodes) world.network.clog(process, node.process, fault.factor);
        return this.#after(fault.forUs, () => {
          for (const node of nodes) world.network.clog(process, node.process, 1);
        });
      case 'deafToControllers':
        for (const node of nodes) this.#cutFor([[node.process, process]], fault.forUs);
        return;
      case 'cutFromOtherControllers': {
        const leader = cluster.leader();
        return this.#cutFromEach(
          broker,
          leader === null ? [] : nodes.filter((node) => node !== leader),
          fault,
        );
      }
      case 'cutFromBrokers':
        return this.#cutFromEach(
          broker,
          this.hosted.filter((peer) => peer !== broker),
          fault,
        );
      case 'usurp':
        this.#usurper?.begin(broker.brokerId, fault.forUs);
        return this.#cutFromEach(broker, nodes, fault);
      case 'cutFromControllers':
        return this.#cutFromEach(broker, nodes, fault);
      default:
        assertNever(fault);
    }
  }

  #end(broker: HostedBroker, downUs: number, hasPower: boolean): void {
    broker.process.end();
    broker.life = null;
    this.#options.probes.ended(broker.process, hasPower);
    this.#options.world.schedule(downUs, eventKinds.boot, () => this.#boot(broker));
  }

  /** Both ways. */
  #cutFromEach(
    { process }: HostedBroker,
    peers: readonly { readonly process: SimulatedProcess }[],
    { forUs }: BrokerFault,
  ): void {
    for (const peer of peers) {
      this.#cutFor(
        [
          [process, peer.process],
          [peer.process, process],
        ],
        forUs,
      );
    }
  }

  #cutFor(ways: readonly (readonly [SimulatedProcess, SimulatedProcess])[], forUs: number): void {
    const { network } = this.#options.world;
    for (const [from, to] of ways) network.cut(from, to);
    this.#after(forUs, () => {
      for (const [from, to] of ways) network.mend(from, to);
    });
  }

  /** After the heal nothing is left to be taken back. */
  #after(delayUs: number, run: () => void): void {
    this.#options.world.schedule(delayUs, eventKinds.fault, () => {
      if (!this.#isHealed) run();
    });
  }
}

/** How many directories a broker has; none where it names none. */
const directoryCounts: readonly number[] = [0, 1, 2, 2];

/** Of each partition; the rest of its records have no producer. */
const idempotentProducers = 2;
const recordsPerRestart = 40;

type FaultBetween = Exclude<
  BrokerFault,
  { readonly kind: 'pause' | 'suspend' | 'stop' | 'crash' | 'wipe' | 'failDirectory' | 'stallDisk' }
>;
