import { hashIntegers, type Random, seededRandom } from '../../../src/base/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { eligibleBrokers, isSameView } from '../../../src/broker/broker-core.ts';
import { BrokerCore, type BrokerEffect, type BrokerStep } from '../../../src/client/broker-core.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import { brokerPartitions, partitionAt } from '../../../src/metadata/resources/topic/state.ts';
import type { BatchProducer } from '../../../src/replica/producer-state.ts';
import { effectiveMinIsr, topicPolicies } from '../../../src/metadata/resources/topic/topic-policy.ts';
import type { Uuid } from '../../../src/base/brands.ts';
import type { DirectoryAssignment } from '../../../src/metadata/resources/directory/assign.ts';
import { directoryOf } from '../../../src/metadata/resources/topic/directories.ts';
import { column, type PartitionRow } from '../../../src/metadata/resources/topic/partition-row.ts';
import type { PartitionView, ReplicaConfig } from '../../../src/replica/types.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import { newerFeatures } from '../../releases.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { Exchanges } from '../operators/exchange.ts';
import { probeListenerOf } from './probe-network.ts';
import { type BrokerJudge, ControllerCalls } from './controller-calls.ts';
import type { ModelDirectories } from './model-directories.ts';
import type { ModelDisk } from './model-disk.ts';
import { type CarriedAnswer, type ProduceAnswer, ReplicaShell } from './replica-shell.ts';
import type { FetchRequest } from '../../../src/replica/types.ts';

export type ModelBrokerOptions = {
  readonly brokerId: number;
  readonly process: SimulatedProcess;
  readonly disk: ModelDisk;
  readonly directories: ModelDirectories;
  /** For how long its disk completes nothing from now on. */
  readonly stalledMs: () => number;
  readonly seed: number;
  readonly exchanges: Exchanges;
  readonly judges: readonly BrokerJudge[];
  readonly replica: ReplicaConfig;
  /** How many records of each log retention leaves; null: all. */
  readonly recordsKept: number | null;
  readonly clusterId: () => string | null;
  /** Asks a controller for the committed state, as a watch will bring it. */
  readonly readImage: (take: (image: MetadataImage) => void) => void;
  readonly fetchFrom: (
    leader: number,
    key: string,
    request: FetchRequest,
    answered: (carried: CarriedAnswer) => void,
  ) => void;
  readonly acknowledged: (key: string, offset: number, value: number, broker: number) => void;
};

const pollMs = 200;
const shutdownMs = 3000;
const agent = {
  heartbeatIntervalMs: 2000,
  eagerHeartbeatIntervalMs: 200,
  requestTimeoutMs: 1000,
  backoff: { baseMs: 50, maxMs: 500 },
  duplicateBackoff: { baseMs: 100, maxMs: 500 },
} as const;

/**
 * One life of a broker process: the agent's core keeps it registered and knows its lease, and a replica for
 * each partition that it holds does what the controller says, as far as the broker has read.
 */
export class ModelBroker {
  readonly shells = new Map<string, ReplicaShell>();
  readonly #options: ModelBrokerOptions;
  readonly #clock: Clock;
  readonly #core: BrokerCore;
  readonly #calls: ControllerCalls;
  readonly #random: Random;
  readonly #incarnationId: string;
  #image: MetadataImage | null = null;
  #producerIds: 'wanted' | 'asked for' | 'there' = 'wanted';
  #isAssigning = false;
  #timer: { cancel(): void } | null = null;
  /** What happens once it has left; null while nobody has asked it to leave. */
  #ended: (() => void) | null = null;
  #isLeaseTold: { readonly holdsLease: boolean; readonly brokerEpoch: number } = noLease;

  constructor(options: ModelBrokerOptions) {
    const { process, seed, brokerId, exchanges, judges } = options;
    this.#options = options;
    this.#clock = process.clock();
    this.#random = seededRandom(hashIntegers(seed, brokerId, process.generation));
    this.#incarnationId = randomUuid(this.#random);
    this.#core = new BrokerCore(agent, this.#random.fork());
    this.#calls = new ControllerCalls(brokerId, process, exchanges, this.#random, judges);
  }

  get image(): MetadataImage | null {
    return this.#image;
  }

  get incarnationId(): string {
    return this.#incarnationId;
  }

  get isActive(): boolean {
    return this.#core.state === 'active';
  }

  /** It has been asked to leave. */
  get isLeaving(): boolean {
    return this.#ended !== null;
  }

  get brokerEpoch(): number | null {
    return this.#core.brokerEpoch;
  }

  holdsLease(): boolean {
    return this.#core.holdsLease(this.#nowMs());
  }

  start(): void {
    this.#options.disk.settle();
    this.#take(this.#core.start(this.#nowMs()));
    this.#poll();
  }

  /** Asks it to leave in an orderly way; `ended` is called once it has, one way or the other. */
  shutDown(ended: () => void): void {
    if (this.#ended !== null) return;
    this.#ended = ended;
    const nowMs = this.#nowMs();
    this.#take(this.#core.shutdownRequested(nowMs + shutdownMs, nowMs));
  }

  /** What was in a directory that has failed is served no more, from this moment on. */
  directoryFailed(): void {
    for (const key of this.shells.keys()) {
      const place = this.#options.directories.knownPlaceOf(key);
      if (place !== null && this.#options.directories.offline.includes(place)) this.shells.delete(key);
    }
  }

  produce(key: string, value: number, producer: BatchProducer | null, answered: ProduceAnswer): void {
    this.#lookAtLease();
    this.shells.get(key)?.produce(value, producer, answered);
  }

  fetchReceived(key: string, request: FetchRequest, reply: (carried: CarriedAnswer) => void): void {
    this.#lookAtLease();
    const shell = this.shells.get(key);
    if (shell === undefined) {
      reply({ answer: { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' }, records: [] });
    } else {
      shell.fetchReceived(request, reply);
    }
  }

  #poll(): void {
    this.#options.readImage((image) => this.#read(image));
    this.#takeProducerIds();
    this.#retain();
    this.#assignDirectories();
    this.#later(pollMs + this.#random.integer(pollMs), () => this.#poll());
  }

  #retain(): void {
    const { recordsKept } = this.#options;
    if (recordsKept === null) return;
    this.#lookAtLease();
    for (const shell of this.shells.values()) shell.retain(recordsKept);
  }

  /** A block for each of its lives. */
  #takeProducerIds(): void {
    const { brokerEpoch } = this.#core;
    if (brokerEpoch === null || this.#producerIds !== 'wanted') return;
    this.#producerIds = 'asked for';
    this.#calls.allocateProducerIds(brokerEpoch, (isGiven) => {
      this.#producerIds = isGiven ? 'there' : 'wanted';
    });
  }

  /** Tells where its logs stand, of those of which the controllers do not know it, as far as it has read. */
  #assignDirectories(): void {
    const { brokerEpoch } = this.#core;
    const { brokerId, directories } = this.#options;
    if (this.#image === null || brokerEpoch === null || this.#isAssigning) return;
    const assignments = new Map<Uuid, DirectoryAssignment['partitions'][number][]>();
    const { topic } = this.#image;
    for (const slot of brokerPartitions(topic, brokerId).replicas.valuesFrom(0)) {
      const row = partitionAt(topic, slot);
      const place = directories.knownPlaceOf(keyOf(row.topicId, row.partitionId));
      if (place === null || place === directoryOf(row, brokerId)) continue;
      const known = assignments.get(place) ?? [];
      assignments.set(place, [...known, { topicId: row.topicId, partition: row.partitionId }]);
    }
    if (assignments.size === 0) return;
    this.#isAssigning = true;
    const placed = [...assignments].map(([directoryId, partitions]) => ({ directoryId, partitions }));
    this.#calls.assignReplicas(brokerEpoch, placed, () => {
      this.#isAssigning = false;
    });
  }

  /** An answer that is older than what is known already is dropped. */
  #read(image: MetadataImage): void {
    const before = this.#image;
    if (before !== null && image.endOffset < before.endOffset) return;
    this.#image = image;
    this.#lookAtLease();
    const isSame = before?.topic === image.topic && before.broker === image.broker;
    if (isSame && before.config === image.config) return;
    const eligible = eligibleBrokers(image);
    const policies = topicPolicies(image);
    const held = new Set<string>();
    for (const slot of brokerPartitions(image.topic, this.#options.brokerId).replicas.valuesFrom(0)) {
      const row = partitionAt(image.topic, slot);
      const { leader, leaderEpoch, partitionEpoch, replicas, isr } = row;
      const key = keyOf(row.topicId, row.partitionId);
      held.add(key);
      if (this.#isLost(key, row)) {
        this.shells.delete(key);
        continue;
      }
      const policy = policies.ofSlot(image.topic.partitions.column(slot, column.topicSlot));
      this.#changed(key, row.topicId, row.partitionId, {
        leader,
        leaderEpoch,
        partitionEpoch,
        replicas,
        isr,
        minIsr: effectiveMinIsr(policy, replicas.length),
        eligible,
      });
    }
    // A topic that is gone takes its logs with it.
    for (const key of this.shells.keys()) if (!held.has(key)) this.shells.delete(key);
  }

  #isLost(key: string, row: PartitionRow): boolean {
    const { directories, brokerId } = this.#options;
    if (directories.named.length === 0) return false;
    return directories.placeOf(key, directoryOf(row, brokerId)) === null;
  }

  #changed(key: string, topicId: string, partition: number, view: PartitionView): void {
    const known = this.shells.get(key);
    const before = known?.view ?? null;
    if (known !== undefined && before !== null && isSameView(before, view)) return;
    const shell = known ?? this.#open(key, topicId, partition);
    shell.changed(view);
  }

  #open(key: string, topicId: string, partition: number): ReplicaShell {
    const { disk, replica, fetchFrom, acknowledged, brokerId } = this.#options;
    const shell = new ReplicaShell(
      {
        key,
        topicId,
        partition,
        config: replica,
        disk,
        random: this.#random,
        nowMs: () => this.#nowMs(),
        stalledMs: this.#options.stalledMs,
        later: (delayMs, run) =>
          this.#later(delayMs, () => {
            // A flush that is reported, or an answer that was waited for, may be what lets a record be acknowledged.
            this.#lookAtLease();
            this.#ifLive(shell, key, run);
          }),
        sendFetch: (leader, request, answered) =>
          fetchFrom(leader, key, request, (carried) => {
            this.#lookAtLease();
            this.#ifLive(shell, key, () => answered(carried));
          }),
        proposeIsr: (effect, answered) =>
          this.#calls.alterPartition(this.#core.brokerEpoch ?? -1, topicId, partition, effect, (answer) =>
            this.#ifLive(shell, key, () => answered(answer)),
          ),
        acknowledged: (offset, value) => acknowledged(key, offset, value, brokerId),
      },
      this.#core.brokerEpoch ?? -1,
    );
    this.shells.set(key, shell);
    shell.step({ type: 'leaseChanged', ...this.#isLeaseTold });
    return shell;
  }

  #ifLive(shell: ReplicaShell, key: string, run: () => void): void {
    if (this.shells.get(key) === shell) run();
  }

  /** Before anything is done in the name of a leader: the clock may have passed the lease unnoticed. */
  #lookAtLease(): void {
    const holdsLease = this.holdsLease();
    const brokerEpoch = this.#core.brokerEpoch ?? -1;
    const told = this.#isLeaseTold;
    if (told.holdsLease === holdsLease && told.brokerEpoch === brokerEpoch) return;
    this.#isLeaseTold = { holdsLease, brokerEpoch };
    for (const shell of this.shells.values()) shell.step({ type: 'leaseChanged', holdsLease, brokerEpoch });
  }

  #take({ effects, nextWakeAtMs }: BrokerStep): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (nextWakeAtMs !== null) {
      const delayMs = Math.max(0, nextWakeAtMs - this.#nowMs());
      this.#timer = this.#later(delayMs, () => this.#take(this.#core.wake(this.#nowMs())));
    }
    this.#lookAtLease();
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: BrokerEffect): void {
    const { brokerId } = this.#options;
    const clusterId = this.#options.clusterId();
    if (effect.type === 'register' && clusterId === null) {
      const failed = {
        type: 'failed',
        reason: 'the quorum has no leader to say which cluster it is',
      } as const;
      this.#later(1, () =>
        this.#take(this.#core.registrationCompleted(effect.requestId, failed, this.#nowMs())),
      );
    } else if (effect.type === 'register') {
      const listeners = [
        { name: 'PLAINTEXT', host: `broker-${brokerId}`, port: 9092 },
        probeListenerOf(this.#options.process),
      ];
      const incarnationId = this.#incarnationId;
      const { disk } = this.#options;
      const vouching = disk.brokerEpoch === null ? {} : { previousBrokerEpoch: disk.brokerEpoch };
      const logDirs = this.#options.directories.named;
      const named = { brokerId, clusterId, incarnationId, listeners, features: newerFeatures, logDirs };
      const previous = disk.incarnationId;
      const ended = previous === null ? {} : { previousIncarnationId: previous };
      const body = { ...named, ...vouching, ...ended };
      this.#calls.register(body, effect.timeoutMs, (result) => {
        if (result.type === 'registered') disk.registered(result.brokerEpoch, incarnationId);
        this.#take(this.#core.registrationCompleted(effect.requestId, result, this.#nowMs()));
      });
    } else if (effect.type === 'heartbeat') {
      const metadataOffset = this.#image?.endOffset ?? 0;
      const { brokerEpoch, wantShutDown } = effect;
      const { offline } = this.#options.directories;
      const offlineLogDirs = offline.length === 0 ? {} : { offlineLogDirs: offline };
      const body = { brokerEpoch, metadataOffset, wantShutDown, ...offlineLogDirs };
      this.#calls.heartbeat(body, effect.timeoutMs, (result) =>
        this.#take(this.#core.heartbeatCompleted(effect.requestId, result, this.#nowMs())),
      );
    } else if (effect.type === 'stopped' && this.#ended !== null) {
      // Not from within its own call.
      this.#later(0, this.#ended);
    }
  }

  #later(delayMs: number, run: () => void): { cancel(): void } {
    return this.#options.process.schedule(Math.ceil(delayMs * 1000), eventKinds.timer, run);
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}

const noLease = { holdsLease: false, brokerEpoch: -1 } as const;

export function keyOf(topicId: string, partition: number): string {
  return `${topicId} ${partition}`;
}
