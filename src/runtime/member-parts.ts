import type { Uuid } from '../base/brands.ts';
import { operationsById } from '../metadata/operations.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { QuorumView } from '../metadata/operation.ts';
import type { FeatureLevel } from '../metadata/resources/feature/supported.ts';
import { createRaftCore, type RaftCore } from '../raft/core.ts';
import type { Effect } from '../raft/effects.ts';
import type { SpaceStatus } from '../raft/messages.ts';
import type { QuorumState } from '../raft/quorum-state.ts';
import { Deadlines } from './answers/deadlines.ts';
import { ControllerRegistrar } from './controller-registrar.ts';
import { Snapshots } from './checkpoint/snapshots.ts';
import type { ControllerRequest } from './controller-api.ts';
import { DiskSpace } from './disk-space.ts';
import { Forwarder } from './forwarding.ts';
import { controllerPrincipal } from './leader/internal-work.ts';
import { Leadership } from './leader/leadership.ts';
import { proposalWindow, runtimeLimits } from './limits.ts';
import { ClusterCounter } from './measurements/cluster-counts.ts';
import type { NodeMeter } from './measurements/node-meter.ts';
import { type ControllerNodeOptions, type NodeTransport, type SupportedVersions } from './node-options.ts';
import type { QuorumStateStore } from './quorum-state/quorum-state-store.ts';
import { QuorumOperations } from './quorum-operations/quorum-operations.ts';
import { RaftDriver } from './raft-driver.ts';
import { ReadQueue } from './reads.ts';
import { PastImages } from './requests/past-images.ts';
import type { AnswerHeader } from './requests/reply.ts';
import { RequestRouter } from './requests/request-router.ts';
import { BrokerSessions } from './sessions/broker-sessions.ts';
import type { OpenedStorage } from './start/open-storage.ts';
import type { StorageEvents } from './start/storage-events.ts';
import { CommittedState } from './state/committed-state.ts';
import { stableOffset } from './log/transaction-index.ts';
import { faultOfFeatures, registeredFeatures, supportedBy } from './supported-versions.ts';
import { BatchRecords } from './watch/batch-records.ts';
import { WatchHub } from './watch/watch-hub.ts';

export type QuorumMemberOptions = {
  readonly node: ControllerNodeOptions;
  readonly clusterId: Uuid;
  readonly directoryId: Uuid;
  /** What all the voters support that the cluster was born with. */
  readonly foundingLevels: readonly FeatureLevel[];
  readonly quorumStateStore: QuorumStateStore;
  readonly quorumState: QuorumState;
  readonly storage: OpenedStorage;
  readonly storageEvents: StorageEvents;
  readonly transport: NodeTransport;
  readonly meter: NodeMeter;
  readonly onFatal: (reason: string) => void;
};

/** Kafka's name for the listener by which controllers reach each other. */
const controllerListener = 'CONTROLLER';

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

/** What happens to the parts, and is for the node as a whole to act upon. */
export type MemberEvents = {
  roleChanged(effect: EffectOf<'roleChanged'>): void;
  applied(image: MetadataImage, bytes: number): void;
  spaceChanged(space: SpaceStatus, freeBytes: number): void;
  /** So little room is left that this node should not lead. */
  leaveForSpace(): void;
  /** Other voters are in the log. */
  learnEndpoints(): void;
};

/**
 * The parts of a node that has joined its cluster, each bound to those that it needs. They refer to each other in
 * circles, and only once all are there: nothing happens before the driver is given its first input.
 */
export class MemberParts {
  readonly #options: QuorumMemberOptions;
  readonly #events: MemberEvents;
  readonly core: RaftCore;
  readonly driver: RaftDriver;
  readonly state: CommittedState;
  readonly leadership: Leadership;
  readonly reads: ReadQueue;
  readonly router: RequestRouter;
  readonly forwarder: Forwarder;
  readonly deadlines: Deadlines;
  readonly sessions: BrokerSessions;
  readonly snapshots: Snapshots;
  readonly diskSpace: DiskSpace;
  readonly watchHub: WatchHub;
  readonly registrar: ControllerRegistrar;
  readonly supported: SupportedVersions;
  readonly counter: ClusterCounter;
  readonly quorumOperations: QuorumOperations;

  constructor(options: QuorumMemberOptions, events: MemberEvents) {
    this.#options = options;
    this.#events = events;
    const { node, storage, transport, clusterId } = options;
    const { clock, random } = node.ports;
    const { settings } = node;
    this.supported = supportedBy(node);
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
        kraftVersionOffset: storage.kraftVersionOffset,
        appliedOffset: storage.image.endOffset,
        bootstrapPeers: node.configuredVoters.map(({ id }) => id).filter((id) => id !== node.nodeId),
      },
      random: random.fork(),
      nowMs: Math.trunc(clock.monotonicMs()),
    });
    this.core = node.inspector?.wrapCore(core) ?? core;
    this.sessions = new BrokerSessions(settings.brokerSessionTimeoutMs);
    this.deadlines = new Deadlines(clock);
    this.counter = new ClusterCounter(clock);
    options.meter.voted(options.quorumState.voted?.id ?? null);
    this.forwarder = new Forwarder(transport, clock, random.fork());
    const records = new BatchRecords(storage.image.registry);
    this.state = new CommittedState({
      image: storage.image,
      log: storage.log,
      records,
      clock,
      onApplied: (image, bytes) => events.applied(image, bytes),
      faultOf: (image) => faultOfFeatures(image, this.supported.features),
      onFailed: (reason) => options.onFatal(reason),
    });
    this.watchHub = this.#createWatchHub(records);
    this.snapshots = new Snapshots({
      core: this.core,
      storage,
      settings,
      ports: node.ports,
      driver: () => this.driver,
      state: () => this.state,
      onFatal: options.onFatal,
    });
    this.reads = new ReadQueue(clock, (barrierId) =>
      this.driver.push({ type: 'readBarrierRequested', barrierId }),
    );
    this.leadership = this.#createLeadership(random.fork());
    this.quorumOperations = this.#createQuorumOperations();
    this.router = this.#createRouter(random.fork());
    this.driver = this.#createDriver();
    this.diskSpace = this.#createDiskSpace();
    this.registrar = this.#createRegistrar(random.fork());
  }

  /** Where this node stands, as each of its answers says. */
  header(): AnswerHeader {
    const { epoch, leaderId } = this.core;
    return { offset: this.state.appliedOffset, epoch, leaderId };
  }

  #createLeadership(random: ControllerNodeOptions['ports']['random']): Leadership {
    const { node, clusterId, foundingLevels, meter } = this.#options;
    const { clock, logger } = node.ports;
    const window = proposalWindow(node.settings.raft);
    return new Leadership({
      clusterId,
      clock,
      random,
      logger,
      sessions: this.sessions,
      prober: node.ports.prober ?? null,
      fastFencingGraceMs: node.settings.fastFencingGraceMs,
      leaderImbalanceCheckIntervalMs: node.settings.leaderImbalanceCheckIntervalMs,
      policies: node.policies ?? {},
      reads: this.reads,
      window,
      recordsPerStepMax: node.recordsPerStepMax ?? runtimeLimits.recordsPerStepMax,
      propose: ({ proposalId, epoch, baseOffset, batch, image, shows }) => {
        meter.proposed(proposalId);
        if (shows !== null) this.state.remember(shows.since, image, shows.bytes);
        this.driver.push({
          type: 'recordsProposed',
          proposalId,
          epoch,
          expectedBaseOffset: baseOffset,
          batches: [batch],
        });
      },
      proposeQuorumChange: ({ proposalId, epoch, baseOffset, change }) =>
        this.driver.push({
          type: 'quorumChangeProposed',
          proposalId,
          epoch,
          expectedBaseOffset: baseOffset,
          kraftVersion: change.kraftVersion,
          voters: change.voters,
        }),
      quorum: () => this.#quorum(),
      foundingLevels,
      hasRoomInLog: () =>
        this.core.unflushedAppends < window.count && this.core.unflushedBytes < window.bytes,
      onActivated: () => meter.activated(),
      onRejected: () => meter.metadataError(),
      onUncleanElections: (count) => meter.uncleanElections(count),
      lastTimestampMs: () => this.driver.lastTimestampMs,
      forgetProposed: () => this.state.forgetProposed(),
      image: () => this.state.image,
      logEndOffset: () => this.core.logEndOffset,
      highWatermark: () => this.core.highWatermark,
      transactions: this.#options.storage.log.transactions,
    });
  }

  #createRouter(random: ControllerNodeOptions['ports']['random']): RequestRouter {
    const { node, storage } = this.#options;
    return new RequestRouter({
      view: {
        nodeId: node.nodeId,
        clusterId: this.#options.clusterId,
        image: () => this.state.image,
        header: () => this.header(),
        proposer: () => this.leadership.proposer,
        lowOnSpace: () => this.diskSpace.isLow,
        quorum: () => this.#quorum(),
      },
      operations: operationsById,
      forwarder: this.forwarder,
      reads: this.reads,
      quorumOperations: this.quorumOperations,
      sessions: this.sessions,
      deadlines: this.deadlines,
      past: new PastImages({
        clock: node.ports.clock,
        log: storage.log,
        image: () => this.state.image,
        logStartOffset: () => this.core.logStart.endOffset,
      }),
      clock: node.ports.clock,
      random,
      onRejected: (operation, reason) => {
        node.ports.logger.error('operation-rejected', { operation, reason });
        this.#options.meter.metadataError();
      },
    });
  }

  #createWatchHub(records: BatchRecords): WatchHub {
    const { node, storage, clusterId } = this.#options;
    return new WatchHub({
      nodeId: node.nodeId,
      clusterId,
      clock: node.ports.clock,
      log: storage.log,
      records,
      image: () => this.state.image,
      logStartOffset: () => this.core.logStart.endOffset,
      leaderId: () => this.core.leaderId,
      recentBytesMax: runtimeLimits.watchRecentBytesMax,
    });
  }

  #createRegistrar(random: ControllerNodeOptions['ports']['random']): ControllerRegistrar {
    const { node, directoryId } = this.#options;
    return new ControllerRegistrar({
      registration: {
        controllerId: node.nodeId,
        incarnationId: directoryId,
        listeners: [{ name: controllerListener, ...node.advertised }],
        features: registeredFeatures(this.supported).map((feature) => ({ ...feature })),
      },
      clock: node.ports.clock,
      random,
      image: () => this.state.image,
      ledEpoch: () => (this.core.leaderId === null ? null : this.core.epoch),
      register: (registration, complete) => {
        const request: ControllerRequest = {
          requestId: 0,
          operationId: 'registerController',
          input: { params: {}, query: {}, body: registration },
          principal: controllerPrincipal,
          idempotencyKey: null,
          consistency: 'linearizable',
          minOffset: null,
          ifMatch: null,
          timeoutMs: node.settings.raft.requestTimeoutMs,
        };
        this.router.route(request, false, complete);
      },
      onRefused: (code, reason) => node.ports.logger.error('registration-refused', { code, reason }),
    });
  }

  /** What operations may know of the quorum beside the state. */
  #quorum(): QuorumView {
    const { committedKRaftVersion, voters, currentVoterSet, highWatermark } = this.core;
    return {
      supported: registeredFeatures(this.supported),
      kraftVersion: committedKRaftVersion,
      voters,
      isChanging: currentVoterSet.offset >= highWatermark,
    };
  }

  #createQuorumOperations(): QuorumOperations {
    const { nodeId, settings } = this.#options.node;
    return new QuorumOperations({
      core: this.core,
      transactions: this.#options.storage.log.transactions,
      localId: nodeId,
      caughtUpWithinMs: settings.raft.fetchTimeoutMs,
      nowMs: () => this.driver.nowMs(),
      image: () => this.state.image,
      push: (input) => this.driver.push(input),
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
      onChanged: (space, freeBytes) => this.#events.spaceChanged(space, freeBytes),
      onShort: () => this.#events.leaveForSpace(),
    });
  }

  #createDriver(): RaftDriver {
    const { storage, transport, quorumStateStore, node, meter } = this.#options;
    const { log } = storage;
    return new RaftDriver({
      core: this.core,
      log,
      persistQuorumState: (ioId, state) => {
        meter.voted(state.voted?.id ?? null);
        quorumStateStore.persist(ioId, state);
      },
      transport,
      clock: node.ports.clock,
      kraftVersions: this.supported.kraftVersions,
      handlers: {
        applyCommitted: ({ to }) => {
          this.state.advance(to);
          this.leadership.committed();
        },
        roleChanged: (effect) => this.#events.roleChanged(effect),
        controlAppended: (endOffset) => {
          this.leadership.controlAppended(endOffset);
          this.#events.learnEndpoints();
        },
        voterChangeAnswered: (effect) => this.quorumOperations.answered(effect),
        highWatermarkAdvanced: () =>
          meter.highWatermarkAdvanced(this.core.logEndOffset <= this.core.highWatermark),
        completeProposal: ({ proposalId }) => {
          meter.committed(proposalId);
          this.leadership.completed(proposalId);
        },
        appended: (recordCount) => meter.appended(recordCount, this.core.role !== 'leader'),
        failProposal: ({ proposalId, reason }) => {
          if (reason !== 'OUTCOME_UNKNOWN') this.leadership.refused(proposalId);
        },
        completeReadBarrier: ({ barrierId, offset }) =>
          // Within a transaction nothing is to be seen yet: what was answered stands before it.
          this.reads.completed(barrierId, stableOffset(log.transactions, offset), this.state.appliedOffset),
        failReadBarriers: ({ barrierIds }) => this.reads.failed(barrierIds),
        sendSnapshotChunk: (effect) =>
          transport.send(effect.to, { channel: 'raft', message: this.snapshots.answer(effect) }),
        storeSnapshotChunk: (effect) => this.snapshots.store(effect),
        installSnapshot: (effect) => this.snapshots.install(effect),
        badMessage: ({ from, reason }) => node.ports.logger.warn('bad-message', { from, reason }),
        stalled: (stalledMs) => node.ports.logger.warn('stalled', { stalledMs }),
        failed: (reason) => this.#options.onFatal(reason),
      },
    });
  }
}
