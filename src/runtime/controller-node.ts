import { assert } from '../base/assert.ts';
import type { Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import { epoch, offset } from '../base/brands.ts';
import type { Result } from '../base/result.ts';
import { zeroUuid } from '../base/uuid.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { builtInRegistry } from '../metadata/registry.ts';
import type { TokenRow } from '../metadata/resources/token/resource.ts';
import type { ControllerNodeOptions, NodeTransport } from './node-options.ts';
import type { PeerMessage } from '../ports/transport.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import type {
  ControllerAnswer,
  ControllerApi,
  ControllerRequest,
  NodeStatus,
  SnapshotView,
} from './controller-api.ts';
import { NodeMeter } from './measurements/node-meter.ts';
import { QuorumMember } from './quorum-member.ts';
import { runSequence, type Sequence, wait } from './sequence.ts';
import { joinCluster, type JoinedCluster } from './start/join-cluster.ts';
import {
  becomeStranger,
  establishIdentity,
  hasForgottenVotes,
  type Identity,
  type IdentityOptions,
} from './start/identity.ts';
import { openStorage, type OpenedStorage } from './start/open-storage.ts';
import { StorageEvents } from './start/storage-events.ts';
import { faultOfFeatures, faultOfKRaftVersion, supportedBy } from './supported-versions.ts';
import { openWatchLater } from './watch/open-watch.ts';

/**
 * One controller: it starts from its directory, joins or founds its cluster, and takes part in the quorum
 * until it is stopped or its disk fails.
 *
 * Phases: `starting` (identity, disk) → `joining` (until a bootstrap descriptor is started) → `running` →
 * `stopped`. Nothing is sent to a peer before what it rests on was read back from disk.
 */
export type ControllerNode = ControllerApi & {
  /** Answers once: the node is reachable for its peers, or why it cannot start. */
  start(complete: (result: Result<null, StartError>) => void): void;
  /** Hands leadership over, answers what is pending, flushes and closes. */
  stop(complete: () => void): void;
  /** The committed state; null until it was loaded. */
  image(): MetadataImage | null;
};

export type StartError = {
  /** `STORAGE`, or the transport's own code. */
  readonly code: string;
  readonly message: string;
};

type Phase = 'new' | 'starting' | 'joining' | 'running' | 'stopped';

export function createControllerNode(options: ControllerNodeOptions): ControllerNode {
  return new Node(options);
}

class Node implements ControllerNode {
  readonly #options: ControllerNodeOptions;
  readonly #storageEvents = new StorageEvents();
  readonly #meter: NodeMeter;
  #phase: Phase = 'new';
  #identity: Identity | null = null;
  #transport: NodeTransport | null = null;
  #joining: JoinedCluster | null = null;
  #storage: OpenedStorage | null = null;
  #member: QuorumMember | null = null;
  #whenStarted: ((result: Result<null, StartError>) => void) | null = null;
  #whenClosed: (() => void)[] = [];
  #isClosed = false;

  constructor(options: ControllerNodeOptions) {
    const { ports } = options;
    this.#meter = new NodeMeter(ports.files, ports.clock);
    this.#options = { ...options, ports: { ...ports, files: this.#meter.files } };
    this.#storageEvents.onFailed = (error) => this.#fail(`${error.file}: ${error.message}`);
  }

  start(complete: (result: Result<null, StartError>) => void): void {
    assert(this.#phase === 'new', 'a node is started once');
    this.#phase = 'starting';
    this.#whenStarted = complete;
    runSequence(this.#startSteps(), (result) => this.#settleStart(result));
  }

  submit(requests: readonly ControllerRequest[], complete: (answer: ControllerAnswer) => void): void {
    const member = this.#member;
    this.#options.ports.clock.afterPendingEvents(() => {
      for (const request of requests) {
        if (member === null || this.#phase !== 'running') complete(this.#notServing(request));
        else member.submit(request, complete);
      }
    });
  }

  readLog: NonNullable<ControllerApi['readLog']> = (request, complete) => {
    const member = this.#member;
    this.#options.ports.clock.afterPendingEvents(() => {
      if (member !== null && this.#phase === 'running') {
        member.readLog(request, complete);
        return;
      }
      const message = 'The node has not joined its cluster yet.';
      complete({ ok: false, error: { code: 'NOT_CONTROLLER', message, logStartOffset: offset(0) } });
    });
  };

  openWatch: NonNullable<ControllerApi['openWatch']> = (request, listener) =>
    openWatchLater(this.#options.ports.clock, () => {
      const member = this.#member;
      if (member !== null && this.#phase === 'running') return member.openWatch(request, listener);
      const message = 'The node has not joined its cluster yet.';
      listener.ended({ code: 'NOT_CONTROLLER', message, position: request.since, logStartOffset: null });
      return null;
    });

  snapshots(): readonly SnapshotView[] {
    return this.#member?.snapshots() ?? [];
  }

  takeSnapshot: NonNullable<ControllerApi['takeSnapshot']> = (complete) => {
    const member = this.#member;
    this.#options.ports.clock.afterPendingEvents(() => {
      if (member !== null && this.#phase === 'running') {
        member.takeSnapshot(complete);
        return;
      }
      const message = 'The node has not joined its cluster yet, or stops.';
      complete({ ok: false, error: { code: 'NOT_CONTROLLER', message } });
    });
  };

  get acceptsBareIdempotencyKeys(): boolean {
    return true;
  }

  status(): NodeStatus {
    return this.#member?.status(this.#phase === 'stopped') ?? this.#statusBeforeJoining();
  }

  metrics: NonNullable<ControllerApi['metrics']> = (complete) => {
    const member = this.#member;
    if (member !== null && this.#phase === 'running') {
      member.metrics(complete);
      return;
    }
    complete({
      ...this.#meter.read(),
      status: this.status(),
      cluster: null,
      appliedLagMs: 0,
      brokersTimedOut: 0,
      heartbeatAgeMs: null,
      snapshotAgeMs: null,
      watchStreams: 0,
      watchLagRecords: 0,
    });
  };

  image(): MetadataImage | null {
    return this.#member?.image() ?? null;
  }

  findToken(tokenId: Uuid): TokenRow | null {
    return this.image()?.token.tokens.get(tokenId) ?? null;
  }

  stop(complete: () => void): void {
    const member = this.#member;
    if (this.#phase === 'running' && member !== null) member.handOver(() => this.#close(complete));
    else this.#close(complete);
  }

  #settleStart(result: Result<null, StartError>): void {
    const complete = this.#whenStarted;
    this.#whenStarted = null;
    complete?.(result);
  }

  *#startSteps(): Sequence<Result<null, StartError>> {
    const { nodeId, directory, ports } = this.#options;
    const made = yield* wait<Result<unknown, { readonly message: string }>>((done) =>
      ports.files.submit({ kind: 'makeDirectory', path: directory }, done),
    );
    if (!made.ok) return storageError(made.error.message);
    const established = yield* establishIdentity(this.#identityOptions());
    if (!established.ok) return storageError(established.error);
    if (this.#phase !== 'starting') {
      yield* wait<void>((done) => established.value.quorumStateStore.close(done));
      return stoppedMeanwhile;
    }
    this.#identity = established.value;
    // The disk is judged before a peer can reach this node, and before it has a name to be reached by.
    if (established.value.descriptor?.started === true) {
      const judged = yield* this.#openAsMember(established.value);
      if (!judged.ok) return judged;
    }
    const identity = this.#identity;
    const { directoryId, clusterId } = identity;
    const local = { id: nodeId, directoryId, clusterId };
    this.#transport = ports.createTransport(local, {
      onMessage: (from, message) => this.#received(from, message),
      onConnectionOpened: (peer) => this.#member?.connectionOpened(peer),
      onConnectionClosed: (peer, refused) => this.#member?.connectionClosed(peer, refused),
      onForwardDropped: (_to, message) => this.#member?.forwardDropped(message),
    });
    const transport = this.#transport;
    const listening = yield* wait<Result<unknown, StartError>>((done) => transport.start(done));
    if (!listening.ok) return listening;
    if (this.#phase !== 'starting') return stoppedMeanwhile;
    transport.setEndpoints(this.#configuredEndpoints());
    this.#phase = 'joining';
    this.#join(identity, transport);
    return { ok: true, value: null };
  }

  *#open(identity: Identity): Sequence<Result<null, StartError>> {
    const { directory, settings, ports } = this.#options;
    const opened = yield* openStorage({
      directory,
      settings,
      ports,
      registry: this.#options.registry ?? builtInRegistry,
      identity,
      logEvents: this.#storageEvents.log,
      persistRecovering: (state, done) =>
        this.#storageEvents.persistAtStart(identity.quorumStateStore, state, done),
      resetLog: (log, at, chainCrc, done) => this.#storageEvents.resetAtStart(log, at, chainCrc, done),
    });
    if (!opened.ok) return storageError(opened.error);
    if (this.#phase === 'stopped') {
      yield* wait<void>((done) => opened.value.log.close(done));
      return stoppedMeanwhile;
    }
    this.#storage = opened.value;
    const { kraftVersions, features } = supportedBy(this.#options);
    const { kraftVersion, image } = opened.value;
    const fault = faultOfKRaftVersion(kraftVersion, kraftVersions) ?? faultOfFeatures(image, features);
    return fault === null ? { ok: true, value: null } : storageError(`its own disk has ${fault}`);
  }

  /** A node that has acted before: what its log says of its votes may contradict its quorum state. */
  *#openAsMember(identity: Identity): Sequence<Result<null, StartError>> {
    const opened = yield* this.#open(identity);
    const storage = this.#storage;
    if (!opened.ok || storage === null) return opened;
    if (!hasForgottenVotes(identity, this.#options.nodeId, storage)) return opened;
    const { lastEpoch, recovering } = storage;
    const stranger = yield* becomeStranger(this.#identityOptions(), identity, lastEpoch, recovering);
    if (!stranger.ok) return storageError(stranger.error);
    if (this.#phase !== 'starting') return stoppedMeanwhile;
    this.#identity = stranger.value;
    return { ok: true, value: null };
  }

  #identityOptions(): IdentityOptions {
    const { nodeId, directory, ports } = this.#options;
    return {
      nodeId,
      directory,
      ports,
      quorumStateEvents: this.#storageEvents.quorumState,
      persistQuorumState: (store, state, done) => this.#storageEvents.persistAtStart(store, state, done),
    };
  }

  #join(identity: Identity, transport: NodeTransport): void {
    this.#joining = joinCluster({
      node: this.#options,
      identity,
      transport,
      onJoined: (joined) => this.#joined(joined, transport),
      onFailed: (reason) => this.#fail(reason),
    });
  }

  /** The cluster's descriptor is started and durable: the quorum begins, or goes on. */
  #joined(identity: Identity, transport: NodeTransport): void {
    if (this.#phase !== 'joining') return;
    this.#identity = identity;
    runSequence(this.#openUnlessOpen(identity), (opened) => {
      if (this.#phase !== 'joining') return;
      if (!opened.ok) {
        this.#fail(opened.error.message);
        return;
      }
      const storage = this.#storage;
      assert(storage !== null, 'storage was opened');
      assert(identity.clusterId !== null, 'a node that has joined knows its cluster');
      transport.setClusterId(identity.clusterId);
      this.#phase = 'running';
      this.#member = new QuorumMember({
        node: this.#options,
        clusterId: identity.clusterId,
        directoryId: identity.directoryId,
        foundingLevels: identity.descriptor?.descriptor.featureLevels ?? [],
        quorumStateStore: identity.quorumStateStore,
        quorumState: { ...identity.quorumState, recovering: storage.recovering },
        storage,
        storageEvents: this.#storageEvents,
        transport,
        meter: this.#meter,
        onFatal: (reason) => this.#fail(reason),
      });
      this.#member.start();
    });
  }

  *#openUnlessOpen(identity: Identity): Sequence<Result<null, StartError>> {
    if (this.#storage !== null) return { ok: true, value: null };
    return yield* this.#open(identity);
  }

  #received(from: ReplicaKey, message: PeerMessage): void {
    if (message.channel === 'bootstrap') this.#joining?.received(from, message.message);
    else this.#member?.received(from, message);
  }

  #configuredEndpoints(): ReadonlyMap<NodeId, { readonly host: string; readonly port: number }> {
    const { configuredVoters, nodeId } = this.#options;
    return new Map(
      configuredVoters.filter(({ id }) => id !== nodeId).map(({ id, endpoint }) => [id, endpoint]),
    );
  }

  #fail(reason: string): void {
    if (this.#phase === 'stopped') return;
    this.#options.ports.logger.error('node-failed', { reason });
    const isStarting = this.#whenStarted !== null;
    this.#close(() => {
      if (isStarting) this.#settleStart(storageError(reason));
      else this.#options.onFatal(reason);
    });
  }

  /** `complete` runs when everything is closed, whoever asked for it first. */
  #close(complete: () => void): void {
    if (this.#isClosed) {
      complete();
      return;
    }
    this.#whenClosed.push(complete);
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#member?.close();
    this.#joining?.close();
    runSequence(this.#closeSteps(), () => {
      this.#isClosed = true;
      for (const closed of this.#whenClosed.splice(0)) closed();
      this.#settleStart(stoppedMeanwhile);
    });
  }

  *#closeSteps(): Sequence<void> {
    const transport = this.#transport;
    if (transport !== null) yield* wait<void>((done) => transport.close(done));
    const storage = this.#storage;
    if (storage !== null) yield* wait<void>((done) => storage.log.close(done));
    const identity = this.#identity;
    if (identity !== null) yield* wait<void>((done) => identity.quorumStateStore.close(done));
    yield* wait<void>((done) => this.#options.ports.checkpointStores.close(done));
  }

  #notServing(request: ControllerRequest): ControllerAnswer {
    const message = 'This node has not joined its cluster yet, or stops; nothing was changed.';
    return {
      requestId: request.requestId,
      offset: offset(0),
      epoch: epoch(0),
      leaderId: null,
      forwarded: false,
      result: { ok: false, code: 'NOT_CONTROLLER', message, details: null, retryAfterMs: 500 },
    };
  }

  #statusBeforeJoining(): NodeStatus {
    const { nodeId, settings } = this.#options;
    const none = { epoch: 0 as Epoch, offset: 0 as Offset };
    return {
      nodeId,
      directoryId: this.#identity?.directoryId ?? zeroUuid,
      clusterId: this.#identity?.clusterId ?? null,
      role: this.#phase === 'stopped' ? 'stopped' : 'starting',
      isObserver: false,
      recovering: false,
      epoch: none.epoch,
      leaderId: null,
      active: false,
      highWatermark: none.offset,
      leaderHighWatermark: null,
      logStartOffset: none.offset,
      logEndOffset: none.offset,
      flushedOffset: none.offset,
      appliedOffset: none.offset,
      latestSnapshotOffset: null,
      snapshotChunksReceived: 0,
      lowOnSpace: false,
      brokerSessionTimeoutMs: settings.brokerSessionTimeoutMs,
      lastContactMs: null,
      oldestWriteMs: this.#meter.files.oldestWriteMs(),
      commitStuckMs: null,
      applyStuckMs: null,
      voters: [],
      replicas: [],
    };
  }
}

const stoppedMeanwhile = storageError('the node was stopped while it started');

function storageError(message: string): Result<never, StartError> {
  return { ok: false, error: { code: 'STORAGE', message } };
}
