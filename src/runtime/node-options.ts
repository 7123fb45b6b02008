import type { NodeId } from '../base/brands.ts';
import type { Random } from '../base/random.ts';
import type { Result } from '../base/result.ts';
import type { Uuid } from '../base/brands.ts';
import type { Policies } from '../metadata/policy.ts';
import type { Registry } from '../metadata/registry.ts';
import type { SupportedFeature } from '../metadata/resources/broker/records.ts';
import { supportedFeatures } from '../metadata/resources/feature/supported.ts';
import type { CheckpointStores } from '../ports/checkpoint-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { NodeInspector } from './node-inspector.ts';
import type { Files } from '../ports/files.ts';
import type { Logger } from '../ports/logger.ts';
import type { Prober } from '../ports/prober.ts';
import type { Transport, TransportEvents } from '../ports/transport.ts';
import type { RaftConfig } from '../raft/config.ts';
import type { Endpoint, ReplicaKey, VersionRange } from '../raft/replica-key.ts';

/** What a controller node needs of the world, and how it is set up. */
export type ControllerNodeOptions = {
  readonly nodeId: NodeId;
  /** The folder of the node's own files; it is locked by the caller. */
  readonly directory: string;
  /** Every voter that the quorum begins with; a node that is not among them joins as an observer. */
  readonly configuredVoters: readonly { readonly id: NodeId; readonly endpoint: Endpoint }[];
  /** Where peers reach this node. */
  readonly advertised: Endpoint;
  readonly settings: ControllerSettings;
  readonly ports: ControllerPorts;
  /** The kinds of metadata that it knows; those of this software alone when absent. */
  readonly registry?: Registry;
  /** What the operator forbids; nothing when absent. */
  readonly policies?: Policies;
  /** For tests and the simulator, where a controller of another release takes part; absent in production. */
  readonly supported?: SupportedVersions;
  /** For tests and the simulator, where few records are many already; absent in production. */
  readonly recordsPerStepMax?: number;
  /** For the simulator; absent in production. */
  readonly inspector?: NodeInspector;
  /** The node has stopped by itself and says why: a failed disk, a damaged record, a bug. */
  readonly onFatal: (reason: string) => void;
};

export type ControllerSettings = {
  readonly raft: RaftConfig;
  readonly segmentBytes: number;
  /** A checkpoint is written after so many bytes of log (Kafka: metadata.log.max.record.bytes.between.snapshots). */
  readonly checkpointBytes: number;
  /** … or after so many ms, when there is anything new (Kafka: metadata.log.max.snapshot.interval.ms). */
  readonly checkpointIntervalMs: number;
  /** Log kept behind the newest checkpoint, so that a replica which was away briefly catches up by log. */
  readonly logRetentionBytes: number;
  /**
   * How long a leader waits for a broker's heartbeat before it fences the broker. Each leader goes by its own
   * value and tells it with every heartbeat that it acknowledges, so a broker's lease follows it.
   * Controllers should agree on it: where one leader's is longer than the next one's, the next may fence a
   * broker that it never heard, while the lease that the first gave still runs, for at most the difference.
   */
  readonly brokerSessionTimeoutMs: number;
  /**
   * For how long connections to the probe port of a broker must be refused, after the one that stood was closed,
   * until it is fenced without waiting for its session (protocols 5); 0 leaves it to the session alone.
   */
  readonly fastFencingGraceMs: number;
  /**
   * How often leadership is given back to preferred replicas that are in sync and have been left alone since the time
   * before (Kafka: leader.imbalance.check.interval.seconds); 0 for never (Kafka: auto.leader.rebalance.enable).
   */
  readonly leaderImbalanceCheckIntervalMs: number;
  /** Below so much free space client writes are refused, however small log and state are. */
  readonly diskReserveBytesMin: number;
};

/** The versions that one controller can work with; what the log finalizes beyond them it refuses by name. */
export type SupportedVersions = {
  readonly kraftVersions: VersionRange;
  readonly features: readonly SupportedFeature[];
};

/** What this software supports. */
export const supportedVersions: SupportedVersions = {
  kraftVersions: { min: 0, max: 1 },
  features: supportedFeatures,
};

/** Kafka's defaults, where Kafka has them; elections are quicker, as design 8 asks. */
export const defaultSettings: ControllerSettings = {
  raft: {
    electionTimeoutMs: 1000,
    electionBackoffMaxMs: 1000,
    fetchTimeoutMs: 2000,
    requestTimeoutMs: 2000,
    retryBackoffMs: 20,
    fetchBytesMax: 4 * 1024 * 1024,
    snapshotChunkBytesMax: 1024 * 1024,
    pendingProposalsMax: 1024,
    pendingBytesMax: 64 * 1024 * 1024,
    highWatermarkLingerMs: 2,
    fetchLingerMs: 5,
  },
  segmentBytes: 16 * 1024 * 1024,
  checkpointBytes: 20 * 1024 * 1024,
  checkpointIntervalMs: 60 * 60 * 1000,
  logRetentionBytes: 16 * 1024 * 1024,
  brokerSessionTimeoutMs: 9000,
  fastFencingGraceMs: 300,
  leaderImbalanceCheckIntervalMs: 300_000,
  diskReserveBytesMin: 64 * 1024 * 1024,
};

export type ControllerPorts = {
  readonly files: Files;
  readonly checkpointStores: CheckpointStores;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent where brokers cannot be probed: the session timeout alone tells that one is gone. */
  readonly prober?: Prober;
  readonly createTransport: (local: TransportIdentity, events: TransportEvents) => NodeTransport;
};

export type TransportIdentity = ReplicaKey & { readonly clusterId: Uuid | null };

/** A transport that a node starts itself, once it knows who it is. */
export type NodeTransport = Transport & {
  start(
    complete: (result: Result<Endpoint, { readonly code: string; readonly message: string }>) => void,
  ): void;
  /** Learnt at the bootstrap; it never changes once it is known. */
  setClusterId(clusterId: Uuid): void;
};
