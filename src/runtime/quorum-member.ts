import type { NodeId, Uuid } from '../base/brands.ts';
import { operationsById } from '../metadata/operations.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ForwardMessage, PeerMessage } from '../ports/transport.ts';
import { createRaftCore, type RaftCore } from '../raft/core.ts';
import type { Effect } from '../raft/effects.ts';
import type { IoId } from '../raft/inputs.ts';
import type { SpaceStatus } from '../raft/messages.ts';
import type { QuorumState } from '../raft/quorum-state.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import { Deadlines } from './answers/deadlines.ts';
import { Snapshots } from './checkpoint/snapshots.ts';
import type {
  ControllerAnswer,
  ControllerApi,
  ControllerRequest,
  NodeStatus,
  SnapshotView,
} from './controller-api.ts';
import { DiskSpace } from './disk-space.ts';
import { decodeForwardRequest, encodeForwardResponse, Forwarder, refuseForward } from './forwarding.ts';
import { HandOver } from './hand-over.ts';
import { Leadership } from './leader/leadership.ts';
import { proposalWindow, runtimeLimits } from './limits.ts';
import { type ControllerNodeOptions, type NodeTransport, supportedVersions } from './node-options.ts';
import type { QuorumStateStore } from './quorum-state/quorum-state-store.ts';
import { isQuorumOperation, quorumOperations } from './quorum-operations/definitions.ts';
import { QuorumOperations } from './quorum-operations/quorum-operations.ts';
import { RaftDriver } from './raft-driver.ts';
import { readLogSlice } from './read-log.ts';
import { ReadQueue } from './reads.ts';
import { findInputFault } from './requests/check-input.ts';
import type { AnswerHeader } from './requests/reply.ts';
import { RequestRouter } from './requests/request-router.ts';
import { BrokerSessions } from './sessions/broker-sessions.ts';
import type { OpenedStorage } from './start/open-storage.ts';
import type { StorageEvents } from './start/storage-events.ts';
import { CommittedState } from './state/committed-state.ts';
import { describeStatus } from './status.ts';
import { faultOfFeatures } from './supported-versions.ts';

export type QuorumMemberOptions = {
  readonly node: ControllerNodeOptions;
  readonly clusterId: Uuid;
  readonly directoryId: Uuid;
  readonly quorumStateStore: QuorumStateStore;
  readonly quorumState: QuorumState;
  readonly storage: OpenedStorage;
  readonly storageEvents: StorageEvents;
  readonly transport: NodeTransport;
  readonly onFatal: (reason: string) => void;
};

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

/** A node that has joined its cluster: the core, its shell, the state machine, and those who wait for both. */
export class QuorumMember {
  readonly #options: QuorumMemberOptions;
  readonly #core: RaftCore;
  readonly #driver: RaftDriver;
  readonly #state: CommittedState;
  readonly #leadership: Leadership;
  readonly #reads: ReadQueue;
  readonly #router: RequestRouter;
  readonly #forwarder: Forwarder;
  readonly #deadlines: Deadlines;
  readonly #sessions: BrokerSessions;
  readonly #snapshots: Snapshots;
  readonly #diskSpace: DiskSpace;
  readonly #quorumOperations: QuorumOperations;

  /** Peers whose process has ended: nobody listens there. A restarting one connects again. */
  readonly #ended = new Set<NodeId>();
  #isClosed = false;
  /** Those of the image that was looked at last. */
  #features: MetadataImage['feature'] | null = null;

  constructor(options: QuorumMemberOptions) {
    this.#options = options;
    const { node, storage, transport, clusterId } = options;
    const { clock, random, logger } = node.ports;
    const { settings } = node;
    const core = createRaftCore({
      config: settings.raft,
      recovered: {
        clusterId,
        local: { id: node.nodeId, directoryId: options.directoryId },
        quorumState: options.quorumState,
        logStart: storage.logStart,
        latestSnapshot: storage.checkpoint?.manifest.snapshotId ?? null,
        logEndOffset: storage.log.endOffset,
        epochStarts: storage.epochStarts,
        voterSets: storage.voterSets,
        kraftVersion: storage.kraftVersion,
        appliedOffset: storage.image.endOffset,
        bootstrapPeers: node.configuredVoters.map(({ id }) => id).filter((id) => id !== node.nodeId),
      },
      random: random.fork(),
      nowMs: Math.trunc(clock.monotonicMs()),
    });
    this.#core = node.inspector?.wrapCore(core) ?? core;
    this.#sessions = new BrokerSessions(settings.brokerSessionTimeoutMs);
    this.#deadlines = new Deadlines(clock);
    this.#forwarder = new Forwarder(transport, clock, random.fork());
    this.#state = new CommittedState({
      image: storage.image,
      log: storage.log,
      clock,
      onApplied: (image, bytes) => this.#applied(image, bytes),
      onFailed: (reason) => options.onFatal(reason),
    });
    this.#snapshots = new Snapshots({
      core: this.#core,
      storage,
      settings,
      ports: node.ports,
      driver: () => this.#driver,
      state: () => this.#state,
      onFatal: options.onFatal,
    });
    this.#reads = new ReadQueue(clock, (barrierId) =>
      this.#driver.push({ type: 'readBarrierRequested', barrierId }),
    );
    const window = proposalWindow(settings.raft);
    this.#leadership = new Leadership({
      clusterId,
      clock,
      random: random.fork(),
      logger,
      sessions: this.#sessions,
      reads: this.#reads,
      window,
      propose: ({ proposalId, epoch, baseOffset, batch, image }) => {
        this.#state.remember(baseOffset, image, batch.payload.length);
        this.#driver.push({
          type: 'recordsProposed',
          proposalId,
          epoch,
          expectedBaseOffset: baseOffset,
          batches: [batch],
        });
      },
      hasRoomInLog: () =>
        this.#core.unflushedAppends < window.count && this.#core.unflushedBytes < window.bytes,
      lastTimestampMs: () => this.#driver.lastTimestampMs,
      forgetProposed: () => this.#state.forgetProposed(),
      image: () => this.#state.image,
      logEndOffset: () => this.#core.logEndOffset,
    });
    this.#quorumOperations = this.#createQuorumOperations();
    this.#router = this.#createRouter(random.fork());
    this.#driver = this.#createDriver();
    this.#diskSpace = this.#createDiskSpace();
  }

  start(): void {
    this.#options.storageEvents.listen({
      quorumStatePersisted: (ioId) => this.#driver.quorumStatePersisted(ioId),
      logFlushed: (ioId) => {
        this.#driver.logFlushed(ioId);
        this.#leadership.logFlushed();
      },
      logTruncated: (ioId) => this.#logTruncated(ioId),
    });
    this.#learnEndpoints();
    this.#showInspector();
    this.#driver.push({ type: 'wake', stalledMs: 0 });
    this.#diskSpace.start();
  }

  image(): MetadataImage {
    return this.#state.image;
  }

  submit(request: ControllerRequest, complete: (answer: ControllerAnswer) => void): void {
    this.#router.route(request, false, complete);
  }

  readLog(...[request, complete]: Parameters<NonNullable<ControllerApi['readLog']>>): void {
    const bounds = { logStartOffset: this.#core.logStart.endOffset, endOffset: this.#state.appliedOffset };
    readLogSlice(this.#options.storage.log, bounds, request, complete);
  }

  snapshots(): readonly SnapshotView[] {
    return this.#snapshots.list();
  }

  takeSnapshot(...[complete]: Parameters<NonNullable<ControllerApi['takeSnapshot']>>): void {
    this.#snapshots.take(complete);
  }

  status(isStopped: boolean): NodeStatus {
    return describeStatus({
      core: this.#core,
      nodeId: this.#options.node.nodeId,
      directoryId: this.#options.directoryId,
      clusterId: this.#options.clusterId,
      isStopped,
      isActive: this.#leadership.proposer !== null,
      appliedOffset: this.#state.appliedOffset,
      latestSnapshotOffset: this.#snapshots.latestOffset,
      snapshotChunksReceived: this.#snapshots.chunksReceived,
      lowOnSpace: this.#diskSpace.isLow,
      brokerSessionTimeoutMs: this.#options.node.settings.brokerSessionTimeoutMs,
      nowMs: this.#driver.nowMs(),
    });
  }

  received(from: ReplicaKey, message: Exclude<PeerMessage, { channel: 'bootstrap' }>): void {
    if (message.channel === 'raft') {
      this.#driver.push({ type: 'messageReceived', from: from.id, message: message.message });
    } else if (message.message.type === 'forwardResponse') {
      this.#forwarder.received(from.id, message.message);
    } else {
      this.#forwarded(from.id, message.message);
    }
  }

  connectionOpened(peer: NodeId): void {
    this.#ended.delete(peer);
  }

  connectionClosed(peer: NodeId, refused: boolean): void {
    if (refused) this.#ended.add(peer);
    this.#forwarder.connectionClosed(peer);
    this.#driver.push({ type: 'connectionClosed', peer, refused });
  }

  forwardDropped(message: ForwardMessage): void {
    this.#forwarder.neverSent(message);
  }

  /** Takes nothing more, answers what is pending, and hands leadership over if this node has it. */
  handOver(done: () => void): void {
    this.#router.drain();
    new HandOver({
      clock: this.#options.node.ports.clock,
      role: () => this.#core.role,
      hasSuccessor: () => this.#core.leaderId !== null && this.#core.leaderId !== this.#options.node.nodeId,
      hasOtherVoters: () =>
        this.#core.voters.some(({ id }) => id !== this.#options.node.nodeId && !this.#ended.has(id)),
      pendingCount: () =>
        (this.#leadership.proposer?.pendingCount ?? 0) +
        this.#router.readsWaiting +
        this.#forwarder.pendingCount,
      resign: () =>
        this.#driver.push({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: null }),
      onDone: done,
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leadership.ended();
    this.#quorumOperations.close();
    this.#reads.failAll();
    this.#router.close();
    this.#forwarder.loseAll();
    this.#driver.close();
    this.#state.close();
    this.#snapshots.close();
    this.#diskSpace.close();
    this.#deadlines.close();
  }

  #createRouter(random: ControllerNodeOptions['ports']['random']): RequestRouter {
    const { node } = this.#options;
    return new RequestRouter({
      view: {
        nodeId: node.nodeId,
        clusterId: this.#options.clusterId,
        image: () => this.#state.image,
        header: () => this.#header(),
        proposer: () => this.#leadership.proposer,
        lowOnSpace: () => this.#diskSpace.isLow,
      },
      operations: operationsById,
      forwarder: this.#forwarder,
      reads: this.#reads,
      quorumOperations: this.#quorumOperations,
      sessions: this.#sessions,
      deadlines: this.#deadlines,
      clock: node.ports.clock,
      random,
      onRejected: (operation, reason) => node.ports.logger.error('operation-rejected', { operation, reason }),
    });
  }

  #createQuorumOperations(): QuorumOperations {
    const { nodeId, settings } = this.#options.node;
    return new QuorumOperations({
      core: this.#core,
      localId: nodeId,
      caughtUpWithinMs: settings.raft.fetchTimeoutMs,
      nowMs: () => this.#driver.nowMs(),
      image: () => this.#state.image,
      push: (input) => this.#driver.push(input),
    });
  }

  #createDiskSpace(): DiskSpace {
    const { node, storage } = this.#options;
    const { diskReserveBytesMin, segmentBytes } = node.settings;
    return new DiskSpace({
      files: node.ports.files,
      clock: node.ports.clock,
      directory: node.directory,
      pollIntervalMs: runtimeLimits.diskSpacePollMs,
      reserveBytes: () => Math.max(diskReserveBytesMin, 2 * segmentBytes + storage.log.bytesOnDisk / 4),
      onChanged: (space, freeBytes) => this.#spaceChanged(space, freeBytes),
      onShort: () => this.#leaveForSpace(),
    });
  }

  #createDriver(): RaftDriver {
    const { storage, transport, quorumStateStore, node } = this.#options;
    return new RaftDriver({
      core: this.#core,
      log: storage.log,
      persistQuorumState: (ioId, state) => quorumStateStore.persist(ioId, state),
      transport,
      clock: node.ports.clock,
      kraftVersions: (node.supported ?? supportedVersions).kraftVersions,
      handlers: {
        applyCommitted: ({ to }) => this.#state.advance(to),
        roleChanged: (effect) => this.#roleChanged(effect),
        controlAppended: (endOffset) => {
          this.#leadership.controlAppended(endOffset);
          this.#learnEndpoints();
        },
        voterChangeAnswered: (effect) => this.#quorumOperations.answered(effect),
        completeProposal: ({ proposalId }) => this.#leadership.completed(proposalId),
        failProposal: ({ proposalId, reason }) => {
          if (reason !== 'OUTCOME_UNKNOWN') this.#leadership.refused(proposalId);
        },
        completeReadBarrier: ({ barrierId, offset }) =>
          this.#reads.completed(barrierId, offset, this.#state.appliedOffset),
        failReadBarriers: ({ barrierIds }) => this.#reads.failed(barrierIds),
        sendSnapshotChunk: (effect) =>
          transport.send(effect.to, { channel: 'raft', message: this.#snapshots.answer(effect) }),
        storeSnapshotChunk: (effect) => this.#snapshots.store(effect),
        installSnapshot: (effect) => this.#snapshots.install(effect),
        badMessage: ({ from, reason }) => node.ports.logger.warn('bad-message', { from, reason }),
        stalled: (stalledMs) => node.ports.logger.warn('stalled', { stalledMs }),
        failed: (reason) => this.#options.onFatal(reason),
      },
    });
  }

  #roleChanged(effect: EffectOf<'roleChanged'>): void {
    const { role, epoch, leaderId } = effect;
    this.#options.node.ports.logger.info('role-changed', { role, epoch, leaderId });
    if (role === 'leader') this.#leadership.began(epoch, effect.logEndOffset, this.#state.image);
    else this.#leadership.ended();
    if (leaderId !== null) this.#forwarder.leaderIs(leaderId);
  }

  #applied(image: MetadataImage, bytes: number): void {
    if (this.#isClosed || this.#refuses(image)) return;
    this.#leadership.applied(image);
    this.#reads.applied(image.endOffset);
    this.#router.applied(image.endOffset);
    this.#snapshots.applied(image, bytes);
    this.#driver.push({ type: 'applied', offset: image.endOffset });
  }

  /** What a finalized feature brings, a node that does not support it would misread: it stops (design 4). */
  #refuses(image: MetadataImage): boolean {
    if (image.feature === this.#features) return false;
    this.#features = image.feature;
    const { node, onFatal } = this.#options;
    const fault = faultOfFeatures(image, (node.supported ?? supportedVersions).features);
    if (fault !== null) onFatal(`the log has ${fault}`);
    return fault !== null;
  }

  #logTruncated(ioId: IoId): void {
    if (!this.#snapshots.logTruncated(ioId)) this.#driver.logTruncated(ioId);
  }

  /** A request that a follower has passed on: executed here, and not passed on again. */
  #forwarded(from: NodeId, message: ForwardRequest): void {
    const { transport, node } = this.#options;
    const request = decodeForwardRequest(message);
    const fault = request.ok
      ? findInputFault(definitionOf(message.operationId), request.value.input)
      : request.error;
    if (!request.ok || fault !== null) {
      node.ports.logger.warn('bad-forward', { from, reason: fault });
      const refusal = refuseForward(message.requestId, this.#header(), fault ?? 'it is malformed');
      transport.send(from, { channel: 'forward', message: refusal });
      return;
    }
    this.#router.route(request.value, true, (answer) => {
      const response = encodeForwardResponse(message.requestId, answer);
      transport.send(from, { channel: 'forward', message: response });
    });
  }

  #header(): AnswerHeader {
    const { epoch, leaderId } = this.#core;
    return { offset: this.#state.appliedOffset, epoch, leaderId };
  }

  #spaceChanged(space: SpaceStatus, freeBytes: number): void {
    const { logger } = this.#options.node.ports;
    if (space === 'enough') logger.info('disk-space-returned', { freeBytes });
    else logger.error(`disk-space-${space}`, { freeBytes });
    this.#driver.push({ type: 'storageStatusChanged', space });
  }

  /** Client writes are refused here, so a leader goes as soon as a voter with room can take over (design 20). */
  #leaveForSpace(): void {
    if (this.#core.role !== 'leader') return;
    this.#driver.push({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
  }

  #showInspector(): void {
    const { node, clusterId, storage } = this.#options;
    node.inspector?.started({
      clusterId,
      core: this.#core,
      log: storage.log,
      image: () => this.#state.image,
    });
  }

  /** Voters say in the log where they are, and others come; for those that were configured that address serves. */
  #learnEndpoints(): void {
    const { node, transport } = this.#options;
    const endpoints = new Map(node.configuredVoters.map(({ id, endpoint }) => [id, endpoint]));
    for (const voter of this.#core.voters) {
      if (!endpoints.has(voter.id)) endpoints.set(voter.id, voter.endpoint);
    }
    endpoints.delete(node.nodeId);
    transport.setEndpoints(endpoints);
  }
}

type ForwardRequest = Extract<ForwardMessage, { type: 'forwardRequest' }>;

function definitionOf(operationId: string): Parameters<typeof findInputFault>[0] {
  return isQuorumOperation(operationId) ? quorumOperations[operationId] : operationsById.get(operationId);
}
