import { Counter, Gauge, Registry } from 'prom-client';
import type { NodeMetrics } from '../../runtime/measurements/node-metrics.ts';
import { SnapshotHistogram } from './snapshot-histogram.ts';

const roleNames = ['unattached', 'follower', 'prospective', 'candidate', 'leader', 'resigned'] as const;
const controller = 'kafka_controller_kafkacontroller_';
const raft = 'kafka_server_raftmetrics_';

/**
 * What the node has measured, under Kafka's names where Kafka has them, so that dashboards made for Kafka
 * show it, and under ours where it has not. A value that is not known has no line: it is not zero.
 */
export function registryOf(metrics: NodeMetrics): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number | null): void => {
    if (value !== null) new Gauge({ name, help, registers: [registry] }).set(value);
  };
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers: [registry] }).inc(value);
  addController(metrics, gauge);
  // Kafka: ControllerStats.
  counter(
    'kafka_controller_controllerstats_uncleanleaderelections_total',
    'Leaders that this controller has had elected uncleanly, at the price of lost records.',
    metrics.uncleanElections,
  );
  addRaft(metrics, registry, gauge);
  addDurations(metrics, registry, gauge);
  counter(
    'ottla_snapshot_chunks_received_total',
    'Snapshot chunks received.',
    metrics.status.snapshotChunksReceived,
  );
  return registry;
}

type AddGauge = (name: string, help: string, value: number | null) => void;

/** Kafka: ControllerMetadataMetrics and QuorumControllerMetrics. */
function addController(metrics: NodeMetrics, gauge: AddGauge): void {
  const { cluster, status } = metrics;
  gauge(`${controller}activecontrollercount`, '1 on the active controller, else 0.', status.active ? 1 : 0);
  gauge(`${controller}activebrokercount`, 'Brokers that are not fenced.', cluster?.activeBrokers ?? null);
  gauge(`${controller}fencedbrokercount`, 'Brokers that are fenced.', cluster?.fencedBrokers ?? null);
  gauge(`${controller}globaltopiccount`, 'Topics.', cluster?.topics ?? null);
  gauge(`${controller}globalpartitioncount`, 'Partitions.', cluster?.partitions ?? null);
  gauge(
    `${controller}offlinepartitionscount`,
    'Partitions that nobody leads.',
    cluster?.offlinePartitions ?? null,
  );
  gauge(
    `${controller}preferredreplicaimbalancecount`,
    'Partitions that another than their first replica leads.',
    cluster?.imbalancedPartitions ?? null,
  );
  gauge(
    `${controller}metadataerrorcount`,
    'Operations that threw since the process started.',
    metrics.metadataErrors,
  );
  gauge(
    `${controller}lastappliedrecordlagms`,
    'Age of the last applied record in ms; 0 on the active controller.',
    metrics.appliedLagMs,
  );
  gauge(
    `${controller}timedoutbrokerheartbeatcount`,
    'Broker sessions that have run out since the process started.',
    metrics.brokersTimedOut,
  );
}

/** Kafka: KafkaRaftMetrics. */
function addRaft(metrics: NodeMetrics, registry: Registry, gauge: AddGauge): void {
  const { status } = metrics;
  const state = new Gauge({
    name: `${raft}current_state`,
    help: '1 for the state that the node is in.',
    labelNames: ['state'],
    registers: [registry],
  });
  for (const name of roleNames) state.set({ state: name }, status.role === name ? 1 : 0);
  gauge(`${raft}current_leader`, 'The leader’s id; -1 when none is known.', status.leaderId ?? -1);
  gauge(`${raft}current_vote`, 'For whom the node has voted; -1 for nobody.', metrics.votedId ?? -1);
  gauge(`${raft}current_epoch`, 'The epoch.', status.epoch);
  gauge(`${raft}high_watermark`, 'Everything below is committed.', status.highWatermark);
  gauge(`${raft}log_end_offset`, 'Where the log ends.', status.logEndOffset);
  gauge(
    `${raft}commit_latency_avg`,
    'From a proposal to its commit in ms, on average over 30 s, on the leader.',
    metrics.commitLatencyMs,
  );
  gauge(`${raft}append_records_rate`, 'Records appended a second, over 30 s.', metrics.appendedPerSecond);
  gauge(`${raft}fetch_records_rate`, 'Records fetched a second, over 30 s.', metrics.fetchedPerSecond);
  if (status.replicas.length === 0) return;
  const lag = new Gauge({
    name: 'ottla_raft_follower_lag_records',
    help: 'Records that a replica is behind the leader, on the leader.',
    labelNames: ['voter'],
    registers: [registry],
  });
  for (const replica of status.replicas) {
    if (replica.id === status.nodeId || !replica.isVoter) continue;
    // What has not fetched in this epoch may be anywhere.
    if (replica.lastFetchMs === null) continue;
    lag.set({ voter: replica.id }, Math.max(0, status.logEndOffset - replica.logEndOffset));
  }
}

function addDurations(metrics: NodeMetrics, registry: Registry, gauge: AddGauge): void {
  const histogram = (name: string, help: string, snapshot: NodeMetrics['flushSeconds']): void =>
    void new SnapshotHistogram(registry, name, help, snapshot);
  histogram('ottla_raft_fsync_duration_seconds', 'How long a flush to disk takes.', metrics.flushSeconds);
  histogram(
    'ottla_raft_election_duration_seconds',
    'From when no leader was known to when one was.',
    metrics.electionSeconds,
  );
  histogram(
    'ottla_leader_failover_duration_seconds',
    'From the last word of the leader before to when this node served.',
    metrics.failoverSeconds,
  );
  gauge('ottla_watch_streams', 'Watches that are open on this node.', metrics.watchStreams);
  gauge(
    'ottla_watch_lag_records',
    'Records that the slowest watch is behind this node’s committed state; 0 without one.',
    metrics.watchLagRecords,
  );
  gauge('ottla_sessions', 'Open sessions.', metrics.cluster?.sessions ?? null);
  gauge(
    'ottla_broker_heartbeat_age_seconds',
    'Since the last heartbeat of the broker that was not heard for longest, on the leader.',
    seconds(metrics.heartbeatAgeMs),
  );
  gauge(
    'ottla_snapshot_age_seconds',
    'How old what the newest checkpoint holds is.',
    seconds(metrics.snapshotAgeMs),
  );
  gauge(
    'ottla_disk_write_pending_seconds',
    'For how long the oldest write to disk is under way.',
    seconds(metrics.status.oldestWriteMs ?? 0),
  );
  gauge('ottla_storage_low', '1 while the disk is nearly full.', metrics.status.lowOnSpace ? 1 : 0);
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
