import type { NodeId, Offset } from '../base/brands.ts';
import { operationsById } from '../metadata/operations.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { ForwardMessage, PeerMessage } from '../ports/transport.ts';
import type { Effect } from '../raft/effects.ts';
import type { IoId } from '../raft/inputs.ts';
import type { Message, SpaceStatus } from '../raft/messages.ts';
import type { ReplicaKey } from '../raft/replica-key.ts';
import type {
  ControllerAnswer,
  ControllerApi,
  ControllerRequest,
  NodeStatus,
  SnapshotView,
} from './controller-api.ts';
import { decodeForwardRequest, encodeForwardResponse, refuseForward } from './forwarding.ts';
import { HandOver } from './hand-over.ts';
import { MemberParts, type QuorumMemberOptions } from './member-parts.ts';
import type { NodeMetrics } from './measurements/node-metrics.ts';
import { isQuorumOperation, quorumOperations } from './quorum-operations/definitions.ts';
import { readLogSlice } from './read-log.ts';
import { findInputFault } from './requests/check-input.ts';
import { describeStatus } from './status.ts';
import type { WatchHandle } from './watch/watch-api.ts';

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

/** A node that has joined its cluster: the core, its shell, the state machine, and those who wait for both. */
export class QuorumMember {
  readonly #options: QuorumMemberOptions;
  readonly #parts: MemberParts;

  /** Peers whose process has ended: nobody listens there. A restarting one connects again. */
  readonly #ended = new Set<NodeId>();
  #leaderHighWatermark: Offset | null = null;
  #isClosed = false;

  constructor(options: QuorumMemberOptions) {
    this.#options = options;
    this.#parts = new MemberParts(options, {
      roleChanged: (effect) => this.#roleChanged(effect),
      applied: (image, bytes) => this.#applied(image, bytes),
      spaceChanged: (space, freeBytes) => this.#spaceChanged(space, freeBytes),
      leaveForSpace: () => this.#leaveForSpace(),
      learnEndpoints: () => this.#learnEndpoints(),
    });
  }

  start(): void {
    this.#options.storageEvents.listen({
      quorumStatePersisted: (ioId) => this.#parts.driver.quorumStatePersisted(ioId),
      logFlushed: (ioId) => {
        this.#parts.driver.logFlushed(ioId);
        this.#parts.leadership.logFlushed();
      },
      logTruncated: (ioId) => this.#logTruncated(ioId),
    });
    this.#learnEndpoints();
    this.#showInspector();
    this.#parts.driver.push({ type: 'wake', stalledMs: 0 });
    this.#parts.diskSpace.start();
  }

  image(): MetadataImage {
    return this.#parts.state.image;
  }

  submit(request: ControllerRequest, complete: (answer: ControllerAnswer) => void): void {
    this.#parts.router.route(request, false, complete);
  }

  readLog(...[request, complete]: Parameters<NonNullable<ControllerApi['readLog']>>): void {
    const bounds = {
      logStartOffset: this.#parts.core.logStart.endOffset,
      endOffset: this.#parts.state.appliedOffset,
      registry: this.image().registry,
    };
    readLogSlice(this.#options.storage.log, bounds, request, complete);
  }

  openWatch(...[request, listener]: Parameters<NonNullable<ControllerApi['openWatch']>>): WatchHandle {
    return this.#parts.watchHub.open(request, listener);
  }

  snapshots(): readonly SnapshotView[] {
    return this.#parts.snapshots.list();
  }

  takeSnapshot(...[complete]: Parameters<NonNullable<ControllerApi['takeSnapshot']>>): void {
    this.#parts.snapshots.take(complete);
  }

  status(isStopped: boolean): NodeStatus {
    return describeStatus({
      core: this.#parts.core,
      nodeId: this.#options.node.nodeId,
      directoryId: this.#options.directoryId,
      clusterId: this.#options.clusterId,
      isStopped,
      isActive: this.#parts.leadership.proposer !== null,
      leaderHighWatermark: this.#leaderHighWatermark,
      appliedOffset: this.#parts.state.appliedOffset,
      latestSnapshotOffset: this.#parts.snapshots.latestOffset,
      snapshotChunksReceived: this.#parts.snapshots.chunksReceived,
      lowOnSpace: this.#parts.diskSpace.isLow,
      brokerSessionTimeoutMs: this.#options.node.settings.brokerSessionTimeoutMs,
      oldestWriteMs: this.#options.meter.files.oldestWriteMs(),
      uncommittedMs: this.#options.meter.uncommittedMs(),
      applyStuckMs: this.#parts.state.stuckMs(),
      nowMs: this.#parts.driver.nowMs(),
    });
  }

  metrics(complete: (metrics: NodeMetrics) => void): void {
    const { clock } = this.#options.node.ports;
    const { image } = this.#parts.state;
    this.#parts.counter.count(image, (cluster) => {
      const snapshotMs = this.#parts.snapshots.latestTimestampMs;
      const isActive = this.#parts.leadership.proposer !== null;
      complete({
        ...this.#options.meter.read(),
        status: this.status(false),
        cluster,
        appliedLagMs: isActive ? 0 : Math.max(0, clock.wallMs() - this.#parts.state.image.timestampMs),
        brokersTimedOut: this.#parts.sessions.expiredCount,
        heartbeatAgeMs: isActive ? this.#parts.sessions.oldestAgeMs(clock.monotonicMs()) : null,
        snapshotAgeMs: snapshotMs === null ? null : Math.max(0, clock.wallMs() - snapshotMs),
        watchStreams: this.#parts.watchHub.count,
        watchLagRecords: this.#parts.watchHub.lagRecords,
      });
    });
  }

  received(from: ReplicaKey, message: Exclude<PeerMessage, { channel: 'bootstrap' }>): void {
    if (message.channel === 'raft') {
      this.#noteLeaderHighWatermark(message.message);
      this.#parts.driver.push({ type: 'messageReceived', from: from.id, message: message.message });
    } else if (message.message.type === 'forwardResponse') {
      this.#parts.forwarder.received(from.id, message.message);
    } else {
      this.#forwarded(from.id, message.message);
    }
  }

  /** What any leader has called committed is, whichever epoch has come since; so the highest one counts. */
  #noteLeaderHighWatermark(message: Message): void {
    if (message.type !== 'fetchResponse' || message.outcome.kind !== 'records') return;
    const { highWatermark } = message.outcome;
    const known = this.#leaderHighWatermark;
    if (known === null || highWatermark > known) this.#leaderHighWatermark = highWatermark;
  }

  connectionOpened(peer: NodeId): void {
    this.#ended.delete(peer);
  }

  connectionClosed(peer: NodeId, refused: boolean): void {
    if (refused) this.#ended.add(peer);
    this.#parts.forwarder.connectionClosed(peer);
    this.#parts.driver.push({ type: 'connectionClosed', peer, refused });
  }

  forwardDropped(message: ForwardMessage): void {
    this.#parts.forwarder.neverSent(message);
  }

  /** Takes nothing more, answers what is pending, and hands leadership over if this node has it. */
  handOver(done: () => void): void {
    this.#parts.router.drain();
    this.#parts.leadership.leave();
    this.#parts.watchHub.close();
    new HandOver({
      clock: this.#options.node.ports.clock,
      role: () => this.#parts.core.role,
      hasSuccessor: () =>
        this.#parts.core.leaderId !== null && this.#parts.core.leaderId !== this.#options.node.nodeId,
      hasOtherVoters: () =>
        this.#parts.core.voters.some(({ id }) => id !== this.#options.node.nodeId && !this.#ended.has(id)),
      pendingCount: () =>
        (this.#parts.leadership.proposer?.pendingCount ?? 0) +
        this.#parts.router.readsWaiting +
        this.#parts.forwarder.pendingCount,
      resign: () =>
        this.#parts.driver.push({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: null }),
      onDone: done,
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.watchHub.close();
    this.#parts.leadership.ended();
    this.#parts.quorumOperations.close();
    this.#parts.reads.failAll();
    this.#parts.router.close();
    this.#parts.forwarder.loseAll();
    this.#parts.driver.close();
    this.#parts.state.close();
    this.#parts.snapshots.close();
    this.#parts.diskSpace.close();
    this.#parts.registrar.close();
    this.#parts.deadlines.close();
  }

  #roleChanged(effect: EffectOf<'roleChanged'>): void {
    const { role, epoch, leaderId } = effect;
    this.#options.node.ports.logger.info('role-changed', { role, epoch, leaderId });
    const sinceContactMs = this.#sinceContactMs();
    this.#options.meter.roleChanged(leaderId, role === 'leader', sinceContactMs);
    if (role === 'leader') this.#parts.leadership.began(epoch, effect.logEndOffset, this.#parts.state.image);
    else this.#parts.leadership.ended();
    if (leaderId !== null) this.#parts.forwarder.leaderIs(leaderId);
    this.#parts.registrar.look();
  }

  #sinceContactMs(): number | null {
    const { lastContactMs } = this.#parts.core;
    return lastContactMs === null ? null : Math.max(0, this.#parts.driver.nowMs() - lastContactMs);
  }

  #applied(image: MetadataImage, bytes: number): void {
    if (this.#isClosed) return;
    this.#parts.leadership.applied(image);
    this.#parts.reads.applied(image.endOffset);
    this.#parts.router.applied(image.endOffset);
    this.#parts.snapshots.applied(image, bytes);
    this.#parts.watchHub.applied();
    this.#parts.driver.push({ type: 'applied', offset: image.endOffset });
    this.#parts.registrar.look();
  }

  #logTruncated(ioId: IoId): void {
    if (!this.#parts.snapshots.logTruncated(ioId)) this.#parts.driver.logTruncated(ioId);
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
      const refusal = refuseForward(message.requestId, this.#parts.header(), fault ?? 'it is malformed');
      transport.send(from, { channel: 'forward', message: refusal });
      return;
    }
    this.#parts.router.route(request.value, true, (answer) => {
      const response = encodeForwardResponse(message.requestId, answer);
      transport.send(from, { channel: 'forward', message: response });
    });
  }

  #spaceChanged(space: SpaceStatus, freeBytes: number): void {
    const { logger } = this.#options.node.ports;
    if (space === 'enough') logger.info('disk-space-returned', { freeBytes });
    else logger.error(`disk-space-${space}`, { freeBytes });
    this.#parts.driver.push({ type: 'storageStatusChanged', space });
  }

  /** Client writes are refused here, so a leader goes as soon as a voter with room can take over (design 20). */
  #leaveForSpace(): void {
    if (this.#parts.core.role !== 'leader') return;
    this.#parts.driver.push({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
  }

  #showInspector(): void {
    const { node, clusterId, storage } = this.#options;
    node.inspector?.started({
      clusterId,
      core: this.#parts.core,
      log: storage.log,
      image: () => this.#parts.state.image,
      waiting: () => ({
        operations: this.#parts.leadership.proposer?.pendingCount ?? 0,
        reads: this.#parts.router.readsWaiting,
        offsets: this.#parts.router.offsetsAwaited,
        forwards: this.#parts.forwarder.pendingCount,
      }),
    });
  }

  /** Voters say in the log where they are, and others come; for those that were configured that address serves. */
  #learnEndpoints(): void {
    const { node, transport } = this.#options;
    const endpoints = new Map(node.configuredVoters.map(({ id, endpoint }) => [id, endpoint]));
    for (const voter of this.#parts.core.voters) {
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
