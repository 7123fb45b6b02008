import type { Offset, Uuid } from '../../src/base/brands.ts';
import type { CheckpointStores } from '../../src/ports/checkpoint-store.ts';
import type { Prober } from '../../src/ports/prober.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Files } from '../../src/ports/files.ts';
import type { Transport, TransportEvents } from '../../src/ports/transport.ts';
import type { RaftConfig } from '../../src/raft/config.ts';
import type { RaftCore } from '../../src/raft/core.ts';
import type { VoterChangeError } from '../../src/raft/effects.ts';
import type { ReplicaKey, Voter } from '../../src/raft/replica-key.ts';
import type { ControllerAnswer, ControllerRequest } from '../../src/runtime/controller-api.ts';
import type { WatchHandle, WatchListener, WatchRequest } from '../../src/runtime/watch/watch-api.ts';
import type { SupportedVersions } from '../../src/runtime/node-options.ts';
import type { BatchNode } from '../batch-history.ts';
import type { SimulatedStores } from '../../src/testing/world/checkpoint-store.ts';
import type { NodeView } from '../observation.ts';

/** What the workload asks of a node: one register a key. Each attempt has a number of its own. */
export type ClientRequest =
  | { readonly kind: 'write'; readonly attempt: number; readonly key: number; readonly padding: number }
  | { readonly kind: 'read'; readonly attempt: number; readonly key: number };

export type ClientOutcome =
  /** Committed, at `offset` (exclusive end). */
  | { readonly kind: 'written'; readonly offset: number }
  /** The attempt number of the write that was read, or 0, as of `offset`. */
  | { readonly kind: 'read'; readonly value: number; readonly offset: number }
  /** It had no effect and never will have one. `isFinal`: the answer would be the same elsewhere. */
  | { readonly kind: 'refused'; readonly reason: string; readonly isFinal: boolean }
  | { readonly kind: 'unknown' };

/** Everything a node is given for one life. */
export type HostContext = {
  readonly name: string;
  /** A seed of this life alone. */
  readonly seed: number;
  readonly clock: Clock;
  readonly files: Files;
  readonly stores: CheckpointStores;
  readonly clusterId: Uuid;
  /** Who it is, unless it finds that it must be another. */
  readonly key: ReplicaKey;
  readonly voters: readonly Voter[];
  readonly supported: SupportedVersions;
  readonly raft: RaftConfig;
  readonly segmentBytes: number;
  /** A checkpoint is made after so many applied records, and the log before it is cleaned. */
  readonly recordsBetweenSnapshots: number;
  readonly brokerSessionTimeoutMs: number;
  /** 0: the session alone tells that a broker is gone. */
  readonly fastFencingGraceMs: number;
  /** 0: leaders are given back to preferred replicas by hand alone. */
  readonly leaderImbalanceCheckIntervalMs: number;
  readonly prober: Prober;
  /** Puts the observer around the core. */
  wrapCore(core: RaftCore): RaftCore;
  /** A new directory id: its old one may have cast a vote that is forgotten (design 19). */
  renewKey(): ReplicaKey;
  connect(key: ReplicaKey, events: TransportEvents): Transport;
  /** The node has recovered, and from now on answers. */
  onReady(view: NodeView): void;
  /** The node ends itself: its disk or its program failed. */
  onStopped(reason: string): void;
  say(line: () => string): void;
};

/** `null`: the set is in force and committed. */
export type ChangeVoters = (
  voters: readonly Voter[],
  complete: (error: VoterChangeError | null) => void,
) => void;

/** `true`: the protocol is in force with these voters, and committed. */
export type ChangeProtocol = (
  kraftVersion: number,
  voters: readonly Voter[],
  complete: (isDone: boolean) => void,
) => void;

/** One life of a node. It ends without a word when its process does. */
export type Host = {
  /** Each request is answered once, never from within the call. */
  submit(request: ClientRequest, complete: (outcome: ClientOutcome) => void): void;
  /** Any operation of the controller, answered like `submit`; null where no controller runs. */
  readonly call: ((request: ControllerRequest, complete: (answer: ControllerAnswer) => void) => void) | null;
  /** Begins a stream; null where nothing is watched. */
  readonly watch: ((request: WatchRequest, listener: WatchListener) => WatchHandle) | null;
  /** Asks the leader for another set of voters; null where nobody runs. */
  readonly changeVoters: ChangeVoters | null;
  /** Asks the leader's core for another protocol; null where an operation of the controller does. */
  readonly changeProtocol: ChangeProtocol | null;
  /** A graceful stop: leadership is handed over first. */
  stop(complete: () => void): void;
};

/** A write as it stands in the log; `endOffset` is the offset after its record. */
export type CommittedWrite = { readonly attempt: number; readonly key: number; readonly endOffset: number };

/** A batch as far as its writes are concerned. */
export type WrittenBatch = Pick<BatchNode, 'baseOffset' | 'endOffset' | 'payload'>;

/** What can be hosted: the bare core, or the whole node. */
export type HostKind = {
  start(context: HostContext): Host;
  /** The end of the checkpoint that a power failure would leave; 0 for none. */
  durableSnapshotEnd(stores: SimulatedStores): Offset;
  /** Its log is one of metadata records. */
  readonly holdsMetadata: boolean;
  /** The workload's writes that a batch holds. */
  decodeWrites(batch: WrittenBatch): readonly CommittedWrite[];
};

/** Folder of a node's files, on every simulated disk. */
export const dataDirectory = '/data';
