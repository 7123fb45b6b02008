import type { LeaderEpochEntry } from './leader-epochs.ts';
import type { BatchProducer, ProducedBatch, SequenceError } from './producer-state.ts';

/** What the controller has decided about a partition, as far as this broker has read. */
export type PartitionView = {
  /** -1: nobody leads it. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The effective min ISR (`min.insync.replicas`, at most the replicas), of the state that `isr` is of. */
  readonly minIsr: number;
  /** Brokers that may enter an ISR, each with the epoch under which it is registered. */
  readonly eligible: ReadonlyMap<number, number>;
};

/** Protocols, rule 1; topic and partition are the shell's to name. */
export type FetchRequest = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly flushedOffset: number;
  /** Epoch of the last record below `fetchOffset`; -1 in an empty log. */
  readonly lastFetchedEpoch: number;
};

export type FetchError =
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'FENCED_LEADER_EPOCH'
  | 'UNKNOWN_LEADER_EPOCH'
  | 'STALE_BROKER_EPOCH'
  | 'REPLICA_NOT_AVAILABLE';

export type FetchAnswer =
  | {
      /** Records from `fetchOffset` to `endOffset`; the shell puts the bytes beside it. */
      readonly kind: 'records';
      readonly leaderEpoch: number;
      readonly fetchOffset: number;
      readonly endOffset: number;
      readonly epochs: readonly LeaderEpochEntry[];
      readonly highWatermark: number;
      /** Where the leader's log begins. */
      readonly logStartOffset: number;
    }
  | {
      /** The follower's log ends below where the leader's begins: it is of no use (Kafka's OFFSET_OUT_OF_RANGE). */
      readonly kind: 'outOfRange';
      readonly leaderEpoch: number;
      readonly logStartOffset: number;
      /** Of the last record below; -1 for none. */
      readonly epochBefore: number;
    }
  | {
      /** The follower's log is another one from here on: the leader's last records up to its epoch. */
      readonly kind: 'diverging';
      readonly leaderEpoch: number;
      readonly epoch: number;
      readonly endOffset: number;
    }
  | { readonly kind: 'refused'; readonly error: FetchError };

export type ProposedMember = { readonly brokerId: number; readonly brokerEpoch: number };

/** What came of one AlterPartition. */
export type ProposalAnswer =
  | {
      readonly kind: 'accepted';
      readonly partitionEpoch: number;
      readonly isr: readonly number[];
      /** The min ISR of the very state that this ISR is of. */
      readonly minIsr: number;
    }
  /** A definite refusal of this attempt; Kafka's code. */
  | { readonly kind: 'refused'; readonly code: string }
  /** No answer, or one that does not say whether it took effect. */
  | { readonly kind: 'unknown' };

/** Everything that happens to a replica. `nowMs` is the broker's monotonic clock. */
export type ReplicaInput = { readonly nowMs: number } & (
  | { readonly type: 'wake' }
  | { readonly type: 'partitionChanged'; readonly view: PartitionView }
  /** By the broker's own clock: while it holds no lease it must take itself for fenced (design 13). */
  | { readonly type: 'leaseChanged'; readonly holdsLease: boolean; readonly brokerEpoch: number }
  | {
      readonly type: 'produceRequested';
      readonly produceId: number;
      readonly recordCount: number;
      /** Null: without idempotence. */
      readonly producer: BatchProducer | null;
    }
  /** Everything below `endOffset` of the log's `generation` is on disk. */
  | { readonly type: 'flushed'; readonly endOffset: number; readonly generation: number }
  | { readonly type: 'fetchReceived'; readonly fetchId: number; readonly request: FetchRequest }
  | {
      readonly type: 'fetchAnswered';
      readonly fetchId: number;
      readonly answer: FetchAnswer;
      /** As the records' own bytes say: the batches among them that have a producer, in order. */
      readonly produced: readonly ProducedBatch[];
    }
  /** What a truncation has asked for: the batches with a producer that the log held below it. */
  | {
      readonly type: 'producersRebuilt';
      readonly produced: readonly ProducedBatch[];
      readonly generation: number;
    }
  /** By its age or size what lies below need not be kept any longer; the leader decides of it. */
  | { readonly type: 'retentionDue'; readonly logStartOffset: number }
  | { readonly type: 'proposalAnswered'; readonly proposalId: number; readonly answer: ProposalAnswer }
);

export type ProduceError =
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'NOT_ENOUGH_REPLICAS'
  | 'OUTCOME_UNKNOWN'
  /** It does not know yet which batches of the producer it holds. */
  | 'REPLICA_NOT_AVAILABLE'
  | SequenceError;

/** Everything a replica asks of its shell, in order. */
export type ReplicaEffect =
  /** Append the records that were produced (`produceId`) or fetched (null), then flush. */
  | {
      readonly type: 'append';
      readonly baseOffset: number;
      readonly endOffset: number;
      readonly epochs: readonly LeaderEpochEntry[];
      readonly produceId: number | null;
      readonly generation: number;
    }
  | {
      readonly type: 'truncate';
      readonly to: number;
      readonly generation: number;
      /** It went deeper than producers are remembered: `producersRebuilt` is wanted, from the bytes that are left. */
      readonly rebuildsProducers: boolean;
    }
  /** Remove what lies below `to`; `epochBefore` is the epoch of the last record of it, and stays known. */
  | { readonly type: 'advanceLogStart'; readonly to: number; readonly epochBefore: number }
  /** Remove everything; the log goes on at `to`, behind a record of `epochBefore` (-1: behind none). */
  | {
      readonly type: 'reset';
      readonly to: number;
      readonly epochBefore: number;
      readonly generation: number;
    }
  | {
      readonly type: 'sendFetch';
      readonly fetchId: number;
      readonly leader: number;
      readonly request: FetchRequest;
    }
  | { readonly type: 'answerFetch'; readonly fetchId: number; readonly answer: FetchAnswer }
  | {
      /** AlterPartition. The same `proposalId` may be sent again; it is the same proposal then. */
      readonly type: 'proposeIsr';
      readonly proposalId: number;
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
      readonly newIsr: readonly ProposedMember[];
    }
  | { readonly type: 'highWatermarkAdvanced'; readonly highWatermark: number }
  /** Also of a batch that stood in the log already: it is told the offset that it has there. */
  | { readonly type: 'completeProduce'; readonly produceId: number; readonly baseOffset: number }
  | { readonly type: 'failProduce'; readonly produceId: number; readonly error: ProduceError };

export type ReplicaStep = {
  readonly effects: readonly ReplicaEffect[];
  readonly nextWakeAtMs: number | null;
};

export type ReplicaConfig = {
  readonly brokerId: number;
  /** A follower that was not caught up for so long leaves the ISR (Kafka's replica.lag.time.max.ms). */
  readonly replicaLagTimeMaxMs: number;
  readonly fetchTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly fetchRecordsMax: number;
};

/** What a broker finds on its disk when it starts. */
export type RecoveredReplica = {
  readonly brokerEpoch: number;
  /** Also of the last record below `logStartOffset`, where there was one. */
  readonly epochs: readonly LeaderEpochEntry[];
  readonly logStartOffset: number;
  /** Everything that is there was flushed before this. */
  readonly logEndOffset: number;
  /** The batches that have a producer, in order; of each producer its last five are enough. */
  readonly produced: readonly ProducedBatch[];
};
