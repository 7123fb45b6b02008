import type { NodeId } from '../../base/brands.ts';
import type { NodeStatus } from '../controller-api.ts';
import type { ClusterCounts } from './cluster-counts.ts';
import type { HistogramSnapshot } from './histogram.ts';

/** What a node has measured and counted: plain values at one moment. Counters begin with the process. */
export type NodeMetrics = {
  readonly status: NodeStatus;
  /** Of the committed state; null until this node has one. */
  readonly cluster: ClusterCounts | null;
  /** For whom this node has voted in its epoch. */
  readonly votedId: NodeId | null;
  /** From a proposal to its commit, on the leader, in ms over the last 30 s; null when there was none. */
  readonly commitLatencyMs: number | null;
  /** Records appended to this node's log, and those of them that were fetched from a leader, over the last 30 s. */
  readonly appendedPerSecond: number;
  readonly fetchedPerSecond: number;
  /** How old the last applied record is; 0 on the active leader. */
  readonly appliedLagMs: number;
  readonly metadataErrors: number;
  /** Leaders that this node, as the active controller, has had elected from outside of ISR and ELR. */
  readonly uncleanElections: number;
  readonly brokersTimedOut: number;
  /** Of the broker that was not heard for longest, on the leader; null without one. */
  readonly heartbeatAgeMs: number | null;
  readonly snapshotAgeMs: number | null;
  /** Watches that are open on this node. */
  readonly watchStreams: number;
  /** By how many records the slowest of them is behind. */
  readonly watchLagRecords: number;
  readonly flushSeconds: HistogramSnapshot;
  /** From when no leader was known to when one was. */
  readonly electionSeconds: HistogramSnapshot;
  /** From the last word of the leader before to when this node served in its place. */
  readonly failoverSeconds: HistogramSnapshot;
};
