import type { RaftConfig } from '../../src/raft/config.ts';
import type { OlderRelease } from '../releases.ts';
import type { LinkBehaviour } from '../../src/testing/world/network.ts';
import type { BudgetName } from './budget.ts';
import type { GroupPlan } from '../workload/groups/group-plan.ts';
import type { BrokerPlan } from '../workload/brokers/broker-plan.ts';
import type { PlannedCall } from '../workload/operators/planned-call.ts';
import type { PlannedWatcher } from '../workload/watchers/watcher-plan.ts';
import type { Fault } from './fault.ts';

/** One request of the workload. Its node is chosen when it is sent, by what the client knows. */
export type PlannedOperation = {
  readonly atUs: number;
  readonly client: number;
  readonly kind: 'write' | 'read';
  readonly key: number;
  readonly padding: number;
};

export type RunConfig = {
  /** Controllers that are voters from the beginning. */
  readonly nodes: number;
  /** Controllers beside them that observe, until somebody makes them voters. */
  readonly spares: number;
  /** Whose software is of an earlier release at first, by their places. */
  readonly olderNodes: readonly number[];
  readonly olderRelease: OlderRelease;
  /** Which faults may happen together, and what must hold then. */
  readonly budget: BudgetName;
  /** Faults and requests happen within this time; the heal phase follows it. */
  readonly durationUs: number;
  readonly raft: RaftConfig;
  readonly link: LinkBehaviour;
  /** How unevenly disks and stores take their time: see `DiskOptions.spread`. */
  readonly diskSpread: number;
  readonly segmentBytes: number;
  readonly recordsBetweenSnapshots: number;
  readonly clients: number;
  /** Short where no broker sends heartbeats: another incarnation may then soon take a broker's id. */
  readonly brokerSessionTimeoutMs: number;
  /** Clock drift of each node. */
  readonly driftPpm: readonly number[];
};

/** A whole run as data: the same schedule gives the same run, event for event. */
export type Schedule = {
  readonly seed: number;
  readonly config: RunConfig;
  readonly faults: readonly Fault[];
  readonly operations: readonly PlannedOperation[];
  /** Calls of operators and programs, through the cores of the SDK. */
  readonly calls: readonly PlannedCall[];
  /** Brokers that hold replicas; null where none do. */
  readonly brokers: BrokerPlan | null;
  /** Members of groups; null where there are none. */
  readonly groups: GroupPlan | null;
  /** Programs that watch. */
  readonly watchers: readonly PlannedWatcher[];
};
