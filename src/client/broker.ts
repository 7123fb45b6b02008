import { randomBytes, randomInt } from 'node:crypto';
import { assertNever } from '../base/assert.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { uuidFromBytes, zeroUuid } from '../base/uuid.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Broker, BrokerEnd, BrokerEvent, BrokerOptions } from './broker-api.ts';
import {
  BrokerCore,
  defaultBrokerCoreConfig,
  type BrokerCoreConfig,
  type BrokerEffect,
  type BrokerRefusal,
  type BrokerStateName,
  type BrokerStep,
} from './broker-core.ts';
import { limits } from '../metadata/limits.ts';
import { probeListenerName } from '../metadata/resources/broker/probe-listener.ts';
import { BrokerMetadata } from './broker-metadata.ts';
import { createBrokerRequests, type BrokerRequests, type Registration } from './broker-requests.ts';
import type { BrokerPartition, PartitionChanges } from './core/broker-partitions.ts';
import { createClient, type Client } from './create-client.ts';
import { iterateEvents } from './events.ts';
import { nodeClock } from './node-clock.ts';
import { openProbePort, type ProbePort } from './probe-port.ts';
import type { ClientOptions } from './operations-client.ts';

const closeTimeoutDefaultMs = 30_000;

/** Starts a broker's agent: it registers at once and keeps its session alive until it is closed. */
export function createBroker(options: BrokerOptions): Broker {
  const client = createClient(brokerClientOptions(options));
  const random = seededRandom(randomInt(2 ** 32));
  return createBrokerOver(options, {
    client,
    clock: nodeClock,
    random,
    incarnationId: newIncarnationId(),
    ...(options.probePort === false ? {} : { openProbePort }),
  });
}

/** The same over another client and another clock than the process's own. */
export function createBrokerOver(options: BrokerOptions, ports: BrokerPorts): Broker {
  return new BrokerShell(options, ports);
}

/** How a broker wants its own client. */
export function brokerClientOptions({ controllers, tls, token }: BrokerOptions): ClientOptions {
  return {
    endpoints: controllers,
    // A hung controller should cost half a heartbeat, not all of it.
    attemptTimeoutMs: 1_000,
    connectionsMax: 2,
    ...(tls === undefined ? {} : { tls }),
    ...(token === undefined ? {} : { token }),
  };
}

/** What a broker's agent needs of the world. The client is its own, and closed with it. */
export type BrokerPorts = {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly incarnationId: string;
  /** Absent where the session alone tells that it is gone. */
  readonly openProbePort?: () => Promise<ProbePort | null>;
};

class BrokerShell implements Broker {
  readonly id: number;
  readonly incarnationId: string;
  readonly stopped: Promise<BrokerEnd>;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #requests: BrokerRequests;
  readonly #core: BrokerCore;
  /** Null where the broker's own program keeps the metadata. */
  readonly #metadata: BrokerMetadata | null;
  readonly #metadataOffset: () => number;
  readonly #listeners = new Set<(event: BrokerEvent) => void>();
  #resolveStopped: (end: BrokerEnd) => void = () => {};
  #lease = new AbortController();
  #timer: Timer | null = null;
  #caughtUpEpoch: number | null = null;
  readonly #openProbePort: NonNullable<BrokerPorts['openProbePort']> | null;
  #probePort: ProbePort | null = null;
  /** Why it leaves without having been asked to. */
  #failure: BrokerEnd['failure'] = null;

  constructor(options: BrokerOptions, ports: BrokerPorts) {
    const { client, clock, random, incarnationId } = ports;
    this.id = options.id;
    this.#openProbePort = ports.openProbePort ?? null;
    this.incarnationId = incarnationId;
    this.#client = client;
    this.#clock = clock;
    const metadata = options.metadataOffset === undefined ? this.#createMetadata(random.fork()) : null;
    this.#metadata = metadata;
    this.#metadataOffset = options.metadataOffset ?? (() => metadata?.offset ?? 0);
    this.#requests = createBrokerRequests(() => registrationOf(options, incarnationId, this.#probePort), {
      client,
      clock,
      metadataOffset: this.#metadataOffset,
      offlineLogDirs: options.offlineLogDirs,
    });
    this.#core = new BrokerCore(configOf(options), random);
    this.#lease.abort(new Error('the broker is not unfenced yet'));
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    // In a later turn, so that who creates a broker can subscribe before anything happens.
    clock.afterPendingEvents(() => void this.#start());
  }

  get state(): BrokerStateName {
    return this.#core.state;
  }

  get brokerEpoch(): number | null {
    return this.#core.brokerEpoch;
  }

  get lease(): AbortSignal {
    // Asked before a late timer could say so: the clock decides, not the event loop.
    if (!this.#lease.signal.aborted && !this.#core.holdsLease(this.#clock.monotonicMs())) this.#wake();
    return this.#lease.signal;
  }

  get leaseRemainingMs(): number {
    return this.#core.leaseRemainingMs(this.#clock.monotonicMs());
  }

  get partitions(): readonly BrokerPartition[] {
    return this.#metadata?.partitions ?? [];
  }

  get metadataOffset(): number {
    return this.#metadataOffset();
  }

  subscribe(listener: (event: BrokerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  events(): AsyncIterableIterator<BrokerEvent> {
    return iterateEvents<BrokerEvent>({
      subscribe: (listener) => this.subscribe(listener),
      isOver: this.#core.state === 'stopped',
      isLast: ({ type }) => type === 'stopped',
    });
  }

  whenUnfenced(): Promise<{ readonly brokerEpoch: number; readonly lease: AbortSignal }> {
    const { lease, brokerEpoch } = this;
    if (!lease.aborted && brokerEpoch !== null) return Promise.resolve({ brokerEpoch, lease });
    return new Promise((resolve, reject) => {
      const end = this.subscribe((event) => {
        if (event.type === 'unfenced') {
          end();
          resolve({ brokerEpoch: event.brokerEpoch, lease: event.lease });
        } else if (event.type === 'stopped') {
          end();
          reject(
            new Error(event.end.failure?.message ?? `Broker ${this.id} was closed before it was unfenced.`),
          );
        }
      });
      if (this.#core.state === 'stopped') reject(new Error(`Broker ${this.id} has stopped.`));
    });
  }

  async close(options: { readonly timeoutMs?: number } = {}): Promise<BrokerEnd> {
    this.#shutDown(options.timeoutMs ?? closeTimeoutDefaultMs);
    return await this.stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    if (this.#openProbePort !== null) this.#probePort = await this.#openProbePort();
    if (this.#core.state === 'stopped') {
      this.#probePort?.close();
      return;
    }
    this.#metadata?.start();
    this.#carryOut(this.#core.start(this.#clock.monotonicMs()));
  }

  #shutDown(withinMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#carryOut(this.#core.shutdownRequested(nowMs + withinMs, nowMs));
  }

  #createMetadata(random: Random): BrokerMetadata {
    return new BrokerMetadata({
      brokerId: this.id,
      client: this.#client,
      clock: this.#clock,
      random,
      onTaken: (changes, offset) => this.#taken(changes, offset),
      onRetrying: (failure) => this.#emit({ type: 'retrying', ...failure }),
      onUnreadable: (message) => {
        // What it leads is moved while it can still be believed.
        this.#failure = { code: 'UNSUPPORTED_VERSION', message };
        this.#shutDown(closeTimeoutDefaultMs);
      },
    });
  }

  #taken({ assigned, unassigned, leadership, replication }: PartitionChanges, offset: number): void {
    if (assigned.length + unassigned.length > 0)
      this.#emit({ type: 'assignments', offset, assigned, unassigned });
    if (leadership.length > 0) this.#emit({ type: 'leadership', offset, partitions: leadership });
    if (replication.length > 0) this.#emit({ type: 'replication', offset, partitions: replication });
    const { brokerEpoch } = this.#core;
    if (brokerEpoch === null || offset <= brokerEpoch || this.#caughtUpEpoch === brokerEpoch) return;
    this.#caughtUpEpoch = brokerEpoch;
    this.#carryOut(this.#core.caughtUp(this.#clock.monotonicMs()));
  }

  #wake(): void {
    this.#carryOut(this.#core.wake(this.#clock.monotonicMs()));
  }

  #carryOut(step: BrokerStep): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (step.nextWakeAtMs !== null) {
      const delayMs = Math.max(0, step.nextWakeAtMs - this.#clock.monotonicMs());
      this.#timer = this.#clock.setTimer(delayMs, () => this.#wake());
    }
    for (const effect of step.effects) this.#apply(effect);
  }

  #apply(effect: BrokerEffect): void {
    switch (effect.type) {
      case 'register':
        void this.#requests.register(effect.timeoutMs).then((result) => {
          this.#carryOut(
            this.#core.registrationCompleted(effect.requestId, result, this.#clock.monotonicMs()),
          );
        });
        return;
      case 'heartbeat':
        void this.#requests.heartbeat(effect).then((result) => {
          this.#carryOut(this.#core.heartbeatCompleted(effect.requestId, result, this.#clock.monotonicMs()));
        });
        return;
      case 'leaseGranted':
        this.#lease = new AbortController();
        this.#emit({ type: 'unfenced', brokerEpoch: effect.brokerEpoch, lease: this.#lease.signal });
        return;
      case 'leaseLost':
        this.#lease.abort(new Error(effect.reason));
        this.#emit({ type: 'fenced', brokerEpoch: effect.brokerEpoch, reason: effect.reason });
        return;
      case 'stateChanged':
        this.#changed(effect.from, effect.to, effect.reason);
        return;
      case 'retrying':
        this.#emit(effect);
        return;
      case 'stopped':
        this.#stop({
          isControlled: effect.isControlled,
          failure: effect.failure === null ? this.#failure : failureOf(effect.failure),
        });
        return;
      default:
        assertNever(effect);
    }
  }

  #changed(from: BrokerStateName, to: BrokerStateName, reason: string): void {
    const { brokerEpoch } = this.#core;
    if (to === 'registering') this.#emit({ type: 'registrationLost', reason });
    if (from === 'registering' && brokerEpoch !== null) this.#emit({ type: 'registered', brokerEpoch });
  }

  #stop(end: BrokerEnd): void {
    this.#metadata?.close();
    this.#probePort?.close();
    void this.#client.close();
    this.#emit({ type: 'stopped', end });
    this.#resolveStopped(end);
  }

  /** A listener that throws is a mistake of its own program; it keeps neither others nor the lease from going on. */
  #emit(event: BrokerEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function failureOf({ code, message }: BrokerRefusal): BrokerEnd['failure'] {
  return { code, message };
}

function configOf(options: BrokerOptions): BrokerCoreConfig {
  const { heartbeatIntervalMs, eagerHeartbeatIntervalMs } = defaultBrokerCoreConfig;
  const intervalMs = options.heartbeatIntervalMs ?? heartbeatIntervalMs;
  return {
    ...defaultBrokerCoreConfig,
    heartbeatIntervalMs: intervalMs,
    eagerHeartbeatIntervalMs: Math.min(eagerHeartbeatIntervalMs, intervalMs),
  };
}

function registrationOf(
  options: BrokerOptions,
  incarnationId: string,
  probePort: ProbePort | null,
): Registration {
  const listeners = options.listeners.map((listener) => ({ ...listener }));
  // Controllers reach it where the broker's own clients do.
  const host = listeners[0]?.host ?? null;
  const isRoom = listeners.length < limits.listenersPerBrokerMax;
  const isShown = probePort !== null && host !== null && isRoom;
  const probe = isShown ? [{ name: probeListenerName, host, port: probePort.port }] : [];
  return {
    brokerId: options.id,
    incarnationId,
    listeners: [...listeners, ...probe],
    rack: options.rack ?? null,
    logDirs: options.logDirs ?? [],
    previousBrokerEpoch: options.previousBrokerEpoch ?? null,
    previousIncarnationId: options.previousIncarnationId ?? null,
    clusterId: options.clusterId ?? null,
  };
}

function newIncarnationId(): string {
  for (;;) {
    const value = uuidFromBytes(randomBytes(16));
    if (value !== zeroUuid) return value;
  }
}
