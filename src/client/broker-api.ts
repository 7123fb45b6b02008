import type { BrokerStateName } from './broker-core.ts';
import type { BrokerPartition } from './core/broker-partitions.ts';
import type { ClientTls, TokenSource } from './exchange.ts';

export type BrokerOptions = {
  /** Origins of controllers, `http://127.0.0.1:9644`. */
  readonly controllers: readonly string[];
  /** The broker's id, a whole number that no other broker of the cluster has. */
  readonly id: number;
  /** Where the broker's own clients reach it. */
  readonly listeners: readonly BrokerListener[];
  readonly rack?: string;
  /**
   * Ids of its log directories that are online when it starts, 22 characters of base64url each. What the controllers
   * have assigned to another one is lost. Without them nothing is known of directories.
   */
  readonly logDirs?: readonly string[];
  /**
   * Those of `logDirs` that have failed since. Asked with each heartbeat: the broker has stopped to lead and to follow
   * what is there before it names one, and names it as long as it runs.
   */
  readonly offlineLogDirs?: () => readonly string[];
  /**
   * The broker epoch of the incarnation before, if this one holds all that it held: after a clean stop; or where
   * nothing is acknowledged that is not flushed, and recovery found no damage. Without it the broker leaves every ISR
   * and ELR before it is unfenced.
   */
  readonly previousBrokerEpoch?: number;
  /**
   * The `incarnationId` of the process before, where it is known to have ended: this one holds the exclusive lock of
   * each of its directories, on the same machine and the same boot of it. Then it need not wait for that one's session.
   */
  readonly previousIncarnationId?: string;
  /** The cluster that it belongs to; when absent, the one that it meets first. */
  readonly clusterId?: string;
  /**
   * Up to which offset (exclusive) the broker has taken in the metadata log. Only for a broker that watches the
   * cluster by itself: this one then watches nothing, and tells of no assignments.
   */
  readonly metadataOffset?: () => number;
  readonly heartbeatIntervalMs?: number;
  /**
   * Whether a port that only this process listens on stands among its listeners, as `PROBE` at the host of the first:
   * controllers that find it closed fence the broker at once, without waiting for its session. True when absent.
   */
  readonly probePort?: boolean;
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
  /** `offset` (exclusive) is how far the metadata was taken in; the lists are in no order. */
  | {
      readonly type: 'assignments';
      readonly offset: number;
      readonly assigned: readonly BrokerPartition[];
      /** As they were last known. */
      readonly unassigned: readonly BrokerPartition[];
    }
  /** Partitions with another leader or leader epoch; those that were assigned now are among them. */
  | { readonly type: 'leadership'; readonly offset: number; readonly partitions: readonly BrokerPartition[] }
  /** Partitions with other replicas or another in-sync set, under the same leader epoch. */
  | { readonly type: 'replication'; readonly offset: number; readonly partitions: readonly BrokerPartition[] }
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
   * an aborted signal at all other times. A new signal after each fencing. Reading it looks at the clock, so that
   * after long work it says more than a signal that was kept.
   */
  readonly lease: AbortSignal;
  /** How long the lease holds if the controllers acknowledge nothing more; 0 without one. */
  readonly leaseRemainingMs: number;
  /** The partitions that have a replica here, as far as the metadata was taken in. */
  readonly partitions: readonly BrokerPartition[];
  /** How far (exclusive) the metadata was taken in. */
  readonly metadataOffset: number;
  /** Called with every event from now on; returns the function that ends it. */
  subscribe(listener: (event: BrokerEvent) => void): () => void;
  /**
   * Every event from this call on, up to `stopped`. A reader that falls further behind than a broker can wait for is
   * told so by an error, and never misses an event in silence.
   */
  events(): AsyncIterableIterator<BrokerEvent>;
  /** Resolves when the broker is unfenced; rejects when it stops first. */
  whenUnfenced(): Promise<{ readonly brokerEpoch: number; readonly lease: AbortSignal }>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<BrokerEnd>;
  /** Leaves in an orderly way: what it leads is moved first, for at most `timeoutMs`. */
  close(options?: { readonly timeoutMs?: number }): Promise<BrokerEnd>;
  /** As `close`: `await using broker = createBroker(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
};
