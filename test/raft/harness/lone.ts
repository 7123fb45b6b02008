import { assert } from '../../../src/base/assert.ts';
import { type Epoch, epoch, nodeId, type Offset, offset } from '../../../src/base/brands.ts';
import type { DataBatch, LogBatch } from '../../../src/raft/batch.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { RaftCore } from '../../../src/raft/core.ts';
import type { Effect, EffectType } from '../../../src/raft/effects.ts';
import type {
  FetchedRecords,
  FetchOutcome,
  FetchRequest,
  FetchResponse,
  Message,
  MessageType,
  SpaceStatus,
} from '../../../src/raft/messages.ts';
import type { ReplicaKey } from '../../../src/raft/replica-key.ts';
import { Cluster, type TimelessInput } from './cluster.ts';
import { clusterId, type Disk, type Host, keyOf } from './host.ts';

/** A log as a list of epochs: `[1, 1, 2]` is two records of epoch 1 and one of epoch 2. */
export type Epochs = readonly number[];

export type LoneOptions = {
  readonly epoch?: number;
  readonly leaderId?: number | null;
  readonly voted?: ReplicaKey | null;
  readonly recovering?: boolean;
  readonly log?: Epochs;
  readonly voters?: readonly number[];
  readonly olderVoters?: readonly number[];
  readonly config?: RaftConfig;
  /** Its own disk, where 'a' is the one that the voter set knows. */
  readonly disk?: string;
};

/**
 * Node 1 alone, with peers that are played by the test: messages go in by hand and come out as a list. Its
 * disk completes at once unless `holdsIo`.
 */
export class Lone {
  readonly cluster: Cluster;
  effects: Effect[] = [];

  constructor(options: LoneOptions = {}) {
    const voters = options.voters ?? [1, 2, 3];
    this.cluster = new Cluster({
      voters,
      ...(voters.includes(1) ? {} : { observers: [1] }),
      ...(options.config === undefined ? {} : { config: options.config }),
      ...(options.olderVoters === undefined ? {} : { olderVoters: options.olderVoters }),
      onEffect: (_node, effect) => this.effects.push(effect),
    });
    if (options.disk !== undefined) this.cluster.setDirectory(1, options.disk);
    this.cluster.start(1, (disk) => fill(disk, options));
  }

  get core(): RaftCore {
    return this.host.core;
  }

  get host(): Host {
    return this.cluster.host(1);
  }

  get nowMs(): number {
    return this.cluster.nowMs;
  }

  input(input: TimelessInput): void {
    this.cluster.input(1, input);
  }

  /** Plays the peer `from`; answers are in `sent`. */
  receive(from: number, message: Message): void {
    this.cluster.queue = [];
    this.effects = [];
    this.input({ type: 'messageReceived', from: nodeId(from), message });
  }

  /** Time passes and the core is woken, as often as it asks. */
  tick(elapsedMs: number): void {
    this.cluster.queue = [];
    this.effects = [];
    this.cluster.tick(elapsedMs, [1]);
  }

  /** Passes the time at which the core next wants to be woken. */
  tickToNext(): void {
    this.tick(Math.max(0, this.host.nextWakeAtMs - this.nowMs));
  }

  /** The messages of the last input, to one peer or to all. */
  sent<Type extends MessageType>(type: Type, to?: number): readonly Extract<Message, { type: Type }>[] {
    return this.cluster.queue.flatMap((envelope) =>
      isOf(envelope.message, type) && (to === undefined || envelope.to === to) ? [envelope.message] : [],
    );
  }

  seen<Type extends EffectType>(type: Type): readonly Extract<Effect, { type: Type }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type);
  }

  restart(change: (disk: Disk) => void = () => {}): void {
    this.cluster.crash(1);
    this.effects = [];
    this.cluster.queue = [];
    this.cluster.start(1, change);
  }

  /** Waits until it asks for pre-votes. */
  becomeProspective(): void {
    for (let turn = 0; turn < 100 && this.core.role !== 'prospective'; turn++) this.tickToNext();
    assert(this.core.role === 'prospective', 'it does not campaign');
  }

  becomeCandidate(): void {
    this.becomeProspective();
    this.receive(2, voteResponse(this, 2, { preVote: true }));
    assert(this.core.role === 'candidate', 'one pre-vote more than its own is a majority of three');
  }

  becomeLeader(): void {
    this.becomeCandidate();
    this.receive(2, voteResponse(this, 2, {}));
    assert(this.core.role === 'leader', 'one vote more than its own is a majority of three');
  }

  /** Leads, and node 2 has taken and flushed everything: a record of its epoch is committed. */
  becomeCommittedLeader(): void {
    this.becomeLeader();
    this.receive(2, fetchOf(this, 2));
  }

  propose(...texts: readonly string[]): number {
    this.effects = [];
    this.cluster.queue = [];
    const proposalId = this.#nextProposalId++;
    this.cluster.propose(1, proposalId, texts);
    return proposalId;
  }
  #nextProposalId = 1;
}

function isOf<Type extends MessageType>(
  message: Message,
  type: Type,
): message is Extract<Message, { type: Type }> {
  return message.type === type;
}

function fill(disk: Disk, options: LoneOptions): void {
  const log = options.log ?? [];
  disk.quorumState = {
    epoch: epoch(options.epoch ?? log[log.length - 1] ?? 0),
    leaderId: options.leaderId === undefined || options.leaderId === null ? null : nodeId(options.leaderId),
    voted: options.voted ?? null,
    recovering: options.recovering ?? false,
  };
  disk.log.append(batchesOf(log, 0));
}

/** Batches of one record each, as a peer's log or an answer would hold them. */
export function batchesOf(log: Epochs, from: number): readonly LogBatch[] {
  return log.slice(from).map((of, index): DataBatch => {
    const bytes = new TextEncoder().encode(`r${from + index}e${of}`);
    return {
      kind: 'data',
      baseOffset: offset(from + index),
      epoch: epoch(of),
      recordCount: 1,
      appendTimestampMs: 1_700_000_000_000,
      sizeInBytes: bytes.length,
      body: { form: 'encoded', bytes },
    };
  });
}

/** What the peer `from` answers to the vote request that is under way. */
export function voteResponse(
  lone: Lone,
  from: number,
  change: {
    voteGranted?: boolean;
    preVote?: boolean;
    requestEpoch?: number;
    epoch?: number;
    voter?: ReplicaKey;
  },
): Message {
  return {
    type: 'voteResponse',
    clusterId,
    epoch: epoch(change.epoch ?? lone.core.epoch),
    leaderId: null,
    voter: change.voter ?? keyOf(from),
    voteGranted: change.voteGranted ?? true,
    preVote: change.preVote ?? false,
    requestEpoch: epoch(change.requestEpoch ?? lone.core.epoch),
  };
}

export function voteRequest(
  from: number,
  change: {
    epoch: number;
    lastEpoch?: number;
    logEndOffset?: number;
    preVote?: boolean;
    candidate?: ReplicaKey;
    voter?: ReplicaKey;
  },
): Message {
  return {
    type: 'voteRequest',
    clusterId,
    epoch: epoch(change.epoch),
    candidate: change.candidate ?? keyOf(from),
    voter: change.voter ?? keyOf(1),
    lastEpoch: epoch(change.lastEpoch ?? 0),
    logEndOffset: offset(change.logEndOffset ?? 0),
    preVote: change.preVote ?? false,
  };
}

export function beginQuorumEpoch(from: number, ofEpoch: number, voter: ReplicaKey = keyOf(1)): Message {
  return {
    type: 'beginQuorumEpochRequest',
    clusterId,
    epoch: epoch(ofEpoch),
    leader: keyOf(from),
    voter,
  };
}

let fetchIds = 1;

/** A fetch of a peer that holds and has flushed everything, but for what `change` says. */
export function fetchOf(
  lone: Lone,
  from: number,
  change: Partial<{
    epoch: number;
    fetchOffset: number;
    lastFetchedEpoch: number;
    flushedOffset: number;
    highWatermark: number;
    round: number;
    fetchId: number;
    replica: ReplicaKey;
    space: SpaceStatus;
  }> = {},
): FetchRequest {
  const { core } = lone;
  const fetchOffset = change.fetchOffset ?? core.logEndOffset;
  return {
    type: 'fetchRequest',
    clusterId,
    epoch: epoch(change.epoch ?? core.epoch),
    replica: change.replica ?? keyOf(from),
    fetchOffset: offset(fetchOffset),
    lastFetchedEpoch: epoch(change.lastFetchedEpoch ?? lone.host.log.epochBefore(offset(fetchOffset)) ?? 0),
    flushedOffset: offset(change.flushedOffset ?? fetchOffset),
    highWatermark: offset(change.highWatermark ?? core.highWatermark),
    round: change.round ?? 0,
    fetchId: change.fetchId ?? fetchIds++,
    space: change.space ?? 'enough',
  };
}

/** What the leader `from` answers to the fetch that is under way. */
export function answer(lone: Lone, from: number, fetchId: number, outcome: FetchOutcome): FetchResponse {
  return {
    type: 'fetchResponse',
    clusterId,
    epoch: lone.core.epoch,
    leaderId: outcome.kind === 'refused' ? null : nodeId(from),
    fetchId,
    outcome,
  };
}

/** Records from `from` on of a leader whose whole log is `log`. */
export function recordsOf(
  log: Epochs,
  from: number,
  change: Partial<{ highWatermark: number; round: number; to: number; epochStartOffset: number }> = {},
): FetchedRecords {
  const to = change.to ?? log.length;
  return {
    kind: 'records',
    fetchOffset: offset(from),
    highWatermark: offset(change.highWatermark ?? 0),
    logStartOffset: offset(0),
    logEndOffset: offset(log.length),
    epochStartOffset: offset(change.epochStartOffset ?? log.indexOf(log[log.length - 1] ?? 0)),
    round: change.round ?? 1,
    batches: batchesOf(log.slice(0, to), from),
  };
}

/** Follows node 2 in `ofEpoch`; returns the number of its first fetch. */
export function follow(lone: Lone, ofEpoch: number, leader = 2): number {
  lone.receive(leader, beginQuorumEpoch(leader, ofEpoch));
  return lastFetch(lone).fetchId;
}

/** The newest fetch that was sent by the last input. */
export function lastFetch(lone: Lone): FetchRequest {
  const fetches = lone.sent('fetchRequest');
  const last = fetches[fetches.length - 1];
  assert(last !== undefined, 'nothing was fetched');
  return last;
}

export const at = (value: number): Offset => offset(value);
export const epochOf = (value: number): Epoch => epoch(value);

/** The round that the last answer to a fetch has carried. */
export function lastRound(lone: Lone): number | null {
  const outcome = lone.sent('fetchResponse')[0]?.outcome;
  return outcome?.kind === 'records' ? outcome.round : null;
}
