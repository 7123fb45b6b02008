import { incarnationId } from '../metadata/cluster.ts';
import type { Command } from './cluster-commands.ts';

/** What the model holds of a broker. */
export type ModelBroker = {
  brokerEpoch: number;
  incarnation: number;
  isFenced: boolean;
  isLeaving: boolean;
  /** An operator holds it. */
  isHeld: boolean;
};

export type ModelTopic = { topicId: string; partitions: number; readonly replicationFactor: number };

/** A partition as it was read before the command. */
export type SeenPartition = {
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
};

/** What an operation must be answered with: the code of its refusal, or null for a success. */
type Verdict = string | null;

type Response = Readonly<Record<string, unknown>>;

/**
 * What a cluster must hold after a history, told again from the rules in docs and none of the code: brokers
 * with their epochs and states, topics with their sizes, sessions. `judge` says what a command must be
 * answered with, `apply` does what it does.
 */
export class ClusterModel {
  readonly brokers = new Map<number, ModelBroker>();
  readonly live = new Set<number>();
  readonly topics = new Map<string, ModelTopic>();
  readonly sessions = new Map<number, { forgetBelow: number }>();
  readonly controllers = new Set<number>();
  /** By the number of its secret: whose it is. */
  readonly tokens = new Map<number, { readonly name: number; readonly isOfBroker: boolean }>();
  /** What is set, by the topic's name, or by '' of all brokers, and by the config's name. */
  readonly configs = new Map<string, Map<string, string>>();

  isActive(id: number): boolean {
    const broker = this.brokers.get(id);
    return broker !== undefined && !broker.isFenced && !broker.isLeaving;
  }

  judge(command: Command, seen: readonly SeenPartition[]): Verdict {
    switch (command.kind) {
      case 'registerBroker':
        return this.#judgeRegistration(command);
      case 'heartbeatBroker':
        if (!this.brokers.has(command.broker)) return 'BROKER_ID_NOT_REGISTERED';
        return command.isStale ? 'STALE_BROKER_EPOCH' : null;
      case 'fenceBroker':
      case 'unfenceBroker':
        return this.brokers.has(command.broker) ? null : 'BROKER_ID_NOT_REGISTERED';
      case 'unregisterBroker': {
        const broker = this.brokers.get(command.broker);
        if (broker === undefined) return 'BROKER_ID_NOT_REGISTERED';
        return broker.isFenced ? null : 'BROKER_STILL_ACTIVE';
      }
      case 'createTopic':
        return this.#judgeCreation(command);
      case 'addPartitions': {
        const topic = this.topics.get(command.name);
        if (topic === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION';
        if (command.count <= topic.partitions) return 'INVALID_PARTITIONS';
        return this.#judgePlacement(topic.replicationFactor);
      }
      case 'deleteTopic':
        return this.topics.has(command.name) ? null : 'UNKNOWN_TOPIC_OR_PARTITION';
      case 'alterPartition':
        return this.#judgeAlteration(command, seen);
      case 'alterConfig':
        if (command.topic !== null && !this.topics.has(command.topic)) return 'UNKNOWN_TOPIC_OR_PARTITION';
        return this.#altered(command) === undefined ? 'INVALID_CONFIG' : null;
      case 'openSession':
        return null;
      case 'closeSession':
        return this.sessionAt(command.session) === null ? 'UNKNOWN_SESSION_ID' : null;
      case 'updateFeature':
        if (command.name !== 'metadata.version' || command.featureLevel === 0)
          return 'INVALID_UPDATE_FEATURE';
        return command.featureLevel === 1 ? null : 'UNSUPPORTED_VERSION';
      case 'createToken':
        return this.#judgeToken(command);
      case 'revokeToken':
        return this.tokens.has(command.secret) ? null : 'UNKNOWN_TOKEN_ID';
      case 'registerController':
        return command.supports === 1 ? null : 'UNSUPPORTED_VERSION';
    }
  }

  /** A secret has one token, and a name one role. */
  #judgeToken({ secret, name, isOfBroker }: Extract<Command, { kind: 'createToken' }>): Verdict {
    const known = this.tokens.get(secret);
    if (known !== undefined && known.name !== name) return 'TOKEN_CONFLICT';
    const isOtherRole = [...this.tokens.values()].some(
      (token) => token.name === name && token.isOfBroker !== isOfBroker,
    );
    return isOtherRole ? 'TOKEN_CONFLICT' : null;
  }

  #judgeRegistration(command: Extract<Command, { kind: 'registerBroker' }>): Verdict {
    if (command.isOfAnotherCluster) return 'INCONSISTENT_CLUSTER_ID';
    if (command.supports !== 1) return 'UNSUPPORTED_VERSION';
    const broker = this.brokers.get(command.broker);
    const isOther = broker !== undefined && broker.incarnation !== command.incarnation;
    const isTaken = isOther && !broker.isLeaving && this.live.has(command.broker);
    return isTaken ? 'DUPLICATE_BROKER_REGISTRATION' : null;
  }

  #judgeCreation(command: Extract<Command, { kind: 'createTopic' }>): Verdict {
    if (command.name === '..' || command.name.includes(' ')) return 'INVALID_TOPIC_EXCEPTION';
    if (this.topics.has(command.name)) return 'TOPIC_ALREADY_EXISTS';
    const { assignments } = command;
    if (assignments === null) return this.#judgePlacement(command.replicationFactor);
    const isLegal = assignments.every(
      (replicas) =>
        replicas.length > 0 &&
        replicas.length === assignments[0]?.length &&
        new Set(replicas).size === replicas.length &&
        replicas.every((id) => this.brokers.has(id)) &&
        replicas.some((id) => this.isActive(id)),
    );
    return isLegal ? null : 'INVALID_REPLICA_ASSIGNMENT';
  }

  #judgePlacement(replicationFactor: number): Verdict {
    const candidates = [...this.brokers.values()].filter((broker) => !broker.isLeaving);
    const isPossible =
      candidates.length >= replicationFactor && candidates.some((broker) => !broker.isFenced);
    return isPossible ? null : 'INVALID_REPLICATION_FACTOR';
  }

  #judgeAlteration(
    command: Extract<Command, { kind: 'alterPartition' }>,
    seen: readonly SeenPartition[],
  ): Verdict {
    const broker = this.brokers.get(leaderOf(command, seen));
    if (broker === undefined) return 'BROKER_ID_NOT_REGISTERED';
    return command.brokerEpochOff === 0 ? null : 'STALE_BROKER_EPOCH';
  }

  /** The epochs come before anything else that could be wrong; a proposed ISR has only active members. */
  judgePartition(
    command: Extract<Command, { kind: 'alterPartition' }>,
    seen: readonly SeenPartition[],
  ): Verdict {
    const partition = partitionOf(command, seen);
    if (partition === null) return 'UNKNOWN_TOPIC_ID';
    if (command.leaderEpochOff > 0 || command.partitionEpochOff > 0) return 'NOT_CONTROLLER';
    // An epoch below zero is none, so that the sender states zero instead.
    if (command.leaderEpochOff < 0 && partition.leaderEpoch > 0) return 'FENCED_LEADER_EPOCH';
    if (partition.leader === -1) return 'INVALID_REQUEST';
    if (command.partitionEpochOff < 0 && partition.partitionEpoch > 0) return 'INVALID_UPDATE_VERSION';
    return newIsr(command, partition).every((id) => this.isActive(id)) ? null : 'INELIGIBLE_REPLICA';
  }

  /** The session that a number stands for, the newest last; null when there is none. */
  sessionAt(choice: number): number | null {
    const ids = [...this.sessions.keys()];
    return ids[choice % ids.length] ?? null;
  }

  /** `offset` is the first that the command has written, `leads` whether a broker led anything before it. */
  apply(command: Command, response: Response, offset: number, leads: (id: number) => boolean): void {
    switch (command.kind) {
      case 'registerBroker':
        return this.#applyRegistration(command.broker, command.incarnation, offset);
      case 'heartbeatBroker':
        return this.#applyHeartbeat(command, response, leads(command.broker));
      case 'unregisterBroker':
        this.brokers.delete(command.broker);
        this.live.delete(command.broker);
        return;
      case 'fenceBroker':
      case 'unfenceBroker': {
        const broker = this.brokers.get(command.broker);
        if (broker !== undefined) broker.isHeld = command.kind === 'fenceBroker';
        return;
      }
      case 'createTopic': {
        const { assignments } = command;
        this.topics.set(command.name, {
          topicId: String(response['topicId']),
          partitions: assignments?.length ?? command.partitions,
          replicationFactor: assignments?.[0]?.length ?? command.replicationFactor,
        });
        return;
      }
      case 'addPartitions': {
        const topic = this.topics.get(command.name);
        if (topic !== undefined) topic.partitions = command.count;
        return;
      }
      case 'deleteTopic':
        this.topics.delete(command.name);
        this.configs.delete(command.name);
        return;
      case 'alterConfig':
        this.#applyConfig(command);
        return;
      case 'openSession':
        this.sessions.set(offset, { forgetBelow: 0 });
        return;
      case 'closeSession':
        this.sessions.delete(this.sessionAt(command.session) ?? -1);
        return;
      case 'createToken':
        this.tokens.set(command.secret, { name: command.name, isOfBroker: command.isOfBroker });
        return;
      case 'revokeToken':
        this.tokens.delete(command.secret);
        return;
      case 'registerController':
        this.controllers.add(command.controllerId);
        return;
      case 'alterPartition':
      case 'updateFeature':
        return;
    }
  }

  #applyRegistration(id: number, incarnation: number, offset: number): void {
    this.live.add(id);
    const before = this.brokers.get(id);
    if (before?.incarnation === incarnation) return;
    const isHeld = before?.isHeld ?? false;
    this.brokers.set(id, { brokerEpoch: offset, incarnation, isFenced: true, isLeaving: false, isHeld });
  }

  #applyHeartbeat(
    command: Extract<Command, { kind: 'heartbeatBroker' }>,
    response: Response,
    leads: boolean,
  ): void {
    const broker = this.brokers.get(command.broker);
    if (broker === undefined) return;
    const { wantFence, wantShutDown, isCaughtUp } = command;
    // It gets no further lease: its session is left to end.
    if (broker.isHeld && !broker.isFenced && !broker.isLeaving && !wantFence && !wantShutDown) return;
    this.live.add(command.broker);
    const stays = broker.isLeaving || broker.isHeld || !isCaughtUp;
    if (broker.isFenced) broker.isFenced = wantFence || wantShutDown || stays;
    else if (wantFence) broker.isFenced = true;
    // When it may go depends on what the others have read; it never goes while it leads.
    else if (broker.isLeaving) broker.isFenced = response['isFenced'] === true && !leads;
    else if (wantShutDown && leads) broker.isLeaving = true;
    else if (wantShutDown) broker.isFenced = true;
  }

  /** What the config will be: null for not set, undefined where it cannot be so. */
  #altered({ topic, name, operation, value }: ConfigCommand): string | null | undefined {
    const legal = { 'user.own': /./, ...(topic === null ? brokerValues : topicValues) }[name];
    if (legal === undefined) return undefined;
    if (operation === 'delete') return null;
    if (operation === 'set') return legal.test(value) ? value : undefined;
    if (name !== 'cleanup.policy') return undefined;
    const before = this.configs.get(topic ?? '')?.get(name) ?? 'delete';
    const members = new Set(before === '' ? [] : before.split(','));
    if (operation === 'append') members.add(value);
    else members.delete(value);
    return [...members].every((member) => legal.test(member)) ? [...members].join() : undefined;
  }

  #applyConfig(command: ConfigCommand): void {
    const place = command.topic ?? '';
    const set = this.configs.get(place) ?? new Map<string, string>();
    const value = this.#altered(command) ?? null;
    if (value === null) set.delete(command.name);
    else set.set(command.name, value);
    if (set.size === 0) this.configs.delete(place);
    else this.configs.set(place, set);
  }

  /** Sessions of these brokers are over. */
  expire(id: number): void {
    this.live.delete(id);
    const broker = this.brokers.get(id);
    if (broker !== undefined) broker.isFenced = true;
  }

  /** The same as `listBrokers`, `listTopics` and `listSessions` must say. */
  view(): unknown {
    const byKey = <Value>(
      left: readonly [string | number, Value],
      right: readonly [string | number, Value],
    ) => (left[0] < right[0] ? -1 : 1);
    return {
      brokers: [...this.brokers].sort(byKey).map(([brokerId, broker]) => ({
        brokerId,
        brokerEpoch: broker.brokerEpoch,
        incarnationId: incarnationId(brokerId * 10 + broker.incarnation),
        isFenced: broker.isFenced,
        inControlledShutdown: broker.isLeaving,
        isHeld: broker.isHeld,
      })),
      topics: [...this.topics].sort(byKey).map(([name, { topicId, partitions, replicationFactor }]) => ({
        name,
        topicId,
        partitionCount: partitions,
        replicationFactor,
      })),
      sessions: [...this.sessions]
        .sort(byKey)
        .map(([sessionId, { forgetBelow }]) => ({ sessionId, forgetBelow })),
      tokens: [...this.tokens]
        .sort(byKey)
        .map(([secret, { name, isOfBroker }]) => ({ secret, name: `name-${name}`, isOfBroker })),
      controllers: [...this.controllers].sort((left, right) => left - right),
      configs: [...this.configs].sort(byKey).map(([place, set]) => [place, [...set].sort(byKey)]),
    };
  }
}

type ConfigCommand = Extract<Command, { kind: 'alterConfig' }>;

const topicValues: Readonly<Record<string, RegExp>> = {
  'cleanup.policy': /^(compact|delete)$/,
  'retention.ms': /^(5|-1)$/,
};
const brokerValues: Readonly<Record<string, RegExp>> = { 'log.retention.ms': /^(5|-1)$/ };

type Alteration = Extract<Command, { kind: 'alterPartition' }>;

export function partitionOf(command: Alteration, seen: readonly SeenPartition[]): SeenPartition | null {
  return seen[command.partition % seen.length] ?? null;
}

/** Who proposes: the leader, or for want of one the first broker of all. */
export function leaderOf(command: Alteration, seen: readonly SeenPartition[]): number {
  const leader = partitionOf(command, seen)?.leader ?? -1;
  return leader === -1 ? 1 : leader;
}

/** The leader and those replicas that `keep` has a bit for. */
export function newIsr(command: Alteration, partition: SeenPartition): readonly number[] {
  return partition.replicas.filter((id, at) => id === partition.leader || ((command.keep >> at) & 1) === 1);
}
