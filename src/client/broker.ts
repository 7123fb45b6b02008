import { randomBytes, randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { assertNever } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import { uuidFromBytes, zeroUuid } from '../base/uuid.ts';
import {
  BrokerCore,
  defaultBrokerCoreConfig,
  type BrokerCoreConfig,
  type BrokerEffect,
  type BrokerRefusal,
  type BrokerStateName,
  type BrokerStep,
} from './broker-core.ts';
import { createBrokerRequests, type BrokerRequests, type Registration } from './broker-requests.ts';
import type { ClientTls, TokenSource } from './exchange.ts';

export type BrokerOptions = {
  /** Origins of controllers, `http://127.0.0.1:9644`. */
  readonly controllers: readonly string[];
  /** The broker's id, a whole number that no other broker of the cluster has. */
  readonly id: number;
  /** Where the broker's own clients reach it. */
  readonly listeners: readonly BrokerListener[];
  readonly rack?: string;
  /** Ids of its log directories, 22 characters of base64url each. */
  readonly logDirs?: readonly string[];
  /** The cluster that it belongs to; when absent, the one that it meets first. */
  readonly clusterId?: string;
  /**
   * Up to which offset (exclusive) the broker has taken in the metadata log. A broker that keeps no image
   * of its own leaves this out: it then counts as having read what the controllers have told it of.
   */
  readonly metadataOffset?: () => number;
  readonly heartbeatIntervalMs?: number;
  readonly tls?: ClientTls;
  /** A token of the role broker for this broker's id, or what gives it anew for each request. */
  readonly token?: TokenSource;
};

export type BrokerListener = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Kafka's: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol?: number;
};

/** What happens to a broker; `reason` is a sentence for people. */
export type BrokerEvent =
  | { readonly type: 'registered'; readonly brokerEpoch: number }
  /** It may serve until `lease` aborts. */
  | { readonly type: 'unfenced'; readonly brokerEpoch: number; readonly lease: AbortSignal }
  | { readonly type: 'fenced'; readonly brokerEpoch: number; readonly reason: string }
  | { readonly type: 'registrationLost'; readonly reason: string }
  | {
      readonly type: 'retrying';
      readonly reason: string;
      readonly code: string | null;
      readonly afterMs: number;
    }
  | { readonly type: 'stopped'; readonly end: BrokerEnd };

export type BrokerEnd = {
  /** The controllers have moved everything that it led before it went. */
  readonly isControlled: boolean;
  /** The error that made it stop, when it was not asked to. */
  readonly failure: { readonly code: string; readonly message: string } | null;
};

export type Broker = {
  readonly id: number;
  /** New for each start of the process. */
  readonly incarnationId: string;
  readonly state: BrokerStateName;
  /** The fencing token: what this broker writes elsewhere should carry it. Null while unregistered. */
  readonly brokerEpoch: number | null;
  /**
   * Not aborted while the broker may believe itself unfenced, by its own clock and without asking anyone;
   * an aborted signal at all other times. A new signal after each fencing.
   */
  readonly lease: AbortSignal;
  /** Called with every event from now on; returns the function that ends it. */
  subscribe(listener: (event: BrokerEvent) => void): () => void;
  /** Resolves when the broker is unfenced; rejects when it stops first. */
  whenUnfenced(): Promise<{ readonly brokerEpoch: number; readonly lease: AbortSignal }>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<BrokerEnd>;
  /** Leaves in an orderly way: what it leads is moved first, for at most `timeoutMs`. */
  close(options?: { readonly timeoutMs?: number }): Promise<BrokerEnd>;
};

const closeTimeoutDefaultMs = 30_000;

/** Starts a broker's agent: it registers at once and keeps its session alive until it is closed. */
export function createBroker(options: BrokerOptions): Broker {
  return new BrokerShell(options);
}

class BrokerShell implements Broker {
  readonly id: number;
  readonly incarnationId = newIncarnationId();
  readonly stopped: Promise<BrokerEnd>;
  readonly #requests: BrokerRequests;
  readonly #core: BrokerCore;
  readonly #listeners = new Set<(event: BrokerEvent) => void>();
  #resolveStopped: (end: BrokerEnd) => void = () => {};
  #lease = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: BrokerOptions) {
    this.id = options.id;
    const intervalMs = options.heartbeatIntervalMs ?? defaultBrokerCoreConfig.heartbeatIntervalMs;
    const config: BrokerCoreConfig = {
      ...defaultBrokerCoreConfig,
      heartbeatIntervalMs: intervalMs,
      eagerHeartbeatIntervalMs: Math.min(defaultBrokerCoreConfig.eagerHeartbeatIntervalMs, intervalMs),
    };
    this.#requests = createBrokerRequests(registrationOf(options, this.incarnationId), {
      controllers: options.controllers,
      tls: options.tls ?? null,
      token: options.token ?? null,
      metadataOffset: options.metadataOffset ?? null,
    });
    this.#core = new BrokerCore(config, seededRandom(randomInt(2 ** 32)));
    this.#lease.abort(new Error('the broker is not unfenced yet'));
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    // In a later turn, so that who creates a broker can subscribe before anything happens.
    setImmediate(() => this.#carryOut(this.#core.start(performance.now())));
  }

  get state(): BrokerStateName {
    return this.#core.state;
  }

  get brokerEpoch(): number | null {
    return this.#core.brokerEpoch;
  }

  get lease(): AbortSignal {
    // Asked before a late timer could say so: the clock decides, not the event loop.
    if (!this.#lease.signal.aborted && !this.#core.holdsLease(performance.now())) this.#wake();
    return this.#lease.signal;
  }

  subscribe(listener: (event: BrokerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    const nowMs = performance.now();
    const deadlineMs = nowMs + (options.timeoutMs ?? closeTimeoutDefaultMs);
    this.#carryOut(this.#core.shutdownRequested(deadlineMs, nowMs));
    return await this.stopped;
  }

  #wake(): void {
    this.#carryOut(this.#core.wake(performance.now()));
  }

  #carryOut(step: BrokerStep): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (step.nextWakeAtMs !== null) {
      // A timer may come a fraction of a ms early; one ms later costs nothing.
      const delayMs = Math.max(0, Math.ceil(step.nextWakeAtMs - performance.now()));
      this.#timer = setTimeout(() => this.#wake(), delayMs);
    }
    for (const effect of step.effects) this.#apply(effect);
  }

  #apply(effect: BrokerEffect): void {
    switch (effect.type) {
      case 'register':
        void this.#requests.register(effect.timeoutMs).then((result) => {
          this.#carryOut(this.#core.registrationCompleted(effect.requestId, result, performance.now()));
        });
        return;
      case 'heartbeat':
        void this.#requests.heartbeat(effect).then((result) => {
          this.#carryOut(this.#core.heartbeatCompleted(effect.requestId, result, performance.now()));
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
        this.#stop(effect.isControlled, effect.failure);
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

  #stop(isControlled: boolean, failure: BrokerRefusal | null): void {
    const end: BrokerEnd = {
      isControlled,
      failure: failure === null ? null : { code: failure.code, message: failure.message },
    };
    void this.#requests.close();
    this.#emit({ type: 'stopped', end });
    this.#resolveStopped(end);
  }

  #emit(event: BrokerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function registrationOf(options: BrokerOptions, incarnationId: string): Registration {
  return {
    brokerId: options.id,
    incarnationId,
    listeners: options.listeners.map((listener) => ({ ...listener })),
    rack: options.rack ?? null,
    logDirs: options.logDirs ?? [],
    clusterId: options.clusterId ?? null,
  };
}

function newIncarnationId(): string {
  for (;;) {
    const value = uuidFromBytes(randomBytes(16));
    if (value !== zeroUuid) return value;
  }
}
