import type { Epoch, NodeId, Offset, Uuid } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { crcOf } from '../../../src/codec/crc.ts';
import type { Transport } from '../../../src/ports/transport.ts';
import type { RecoveredState } from '../../../src/raft/config.ts';
import { createRaftCore, type RaftCore } from '../../../src/raft/core.ts';
import type { Effect, RoleName, VoterChangeError } from '../../../src/raft/effects.ts';
import type { IoId } from '../../../src/raft/inputs.ts';
import type { QuorumState } from '../../../src/raft/quorum-state.ts';
import type { Voter } from '../../../src/raft/replica-key.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';
import type { RaftLog } from '../../../src/runtime/log/raft-log.ts';
import { RaftDriver, type DriverHandlers } from '../../../src/runtime/raft-driver.ts';
import type { NodeView } from '../../observation.ts';
import { encodeRegisterWrite } from '../../workload/register-payload.ts';
import type { ClientOutcome, ClientRequest, HostContext } from '../host.ts';
import type { BareCheckpoints } from './checkpoints.ts';
import { RegisterMachine, type RegisterCheckpoint } from './register-machine.ts';

export type BareNodeOptions = {
  readonly context: HostContext;
  readonly recovered: RecoveredState;
  readonly log: RaftLog;
  readonly checkpoints: BareCheckpoints;
  readonly persistQuorumState: (ioId: IoId, state: QuorumState) => void;
  readonly onFailed: (reason: string) => void;
};

type Complete = (outcome: ClientOutcome) => void;
type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

const applySliceBytesMax = 65_536;
/** How long a graceful stop waits for a successor to be told. */
const stopDelayMs = 100;

/** A running bare node: the core under the production driver, with registers as its state machine. */
export class BareNode implements NodeView {
  readonly #options: BareNodeOptions;
  readonly #core: RaftCore;
  readonly #driver: RaftDriver;
  readonly #transport: Transport;
  readonly #writes = new Map<number, Complete>();
  readonly #reads = new Map<number, { readonly key: number; readonly complete: Complete }>();
  #confirmedReads: { readonly offset: number; readonly key: number; readonly complete: Complete }[] = [];
  readonly #voterChanges = new Map<number, (error: VoterChangeError | null) => void>();
  #nextVoterChange = 1;
  #machine: RegisterMachine;
  #applyTarget: Offset;
  #isApplying = false;
  /** Grows when a snapshot takes the machine's place: what was being read for the old one is void. */
  #machineGeneration = 0;
  #isWritingCheckpoint = false;
  #installIoId: IoId | null = null;
  #installed: RegisterCheckpoint | null = null;
  #logStart: SnapshotId;
  #role: RoleName = 'unattached';
  #leaderId: NodeId | null = null;
  #highWatermark: Offset;
  #lastTimestampMs = 0;

  constructor(options: BareNodeOptions) {
    const { context, recovered, log, checkpoints } = options;
    this.#options = options;
    this.#logStart = recovered.logStart;
    const { latest } = checkpoints;
    this.#machine = latest === null ? new RegisterMachine(context.voters) : RegisterMachine.from(latest);
    this.#applyTarget = recovered.appliedOffset;
    this.#highWatermark = Math.max(recovered.appliedOffset, recovered.logStart.endOffset) as Offset;
    this.#transport = context.connect(recovered.local, {
      onMessage: (from, message) => {
        if (message.channel !== 'raft') return;
        this.#driver.push({ type: 'messageReceived', from: from.id, message: message.message });
      },
      onConnectionOpened: () => undefined,
      onConnectionClosed: (peer, refused) => this.#driver.push({ type: 'connectionClosed', peer, refused }),
    });
    const random = seededRandom(context.seed);
    const nowMs = Math.trunc(context.clock.monotonicMs());
    this.#core = context.wrapCore(createRaftCore({ config: context.raft, recovered, random, nowMs }));
    this.#driver = new RaftDriver({
      core: this.#core,
      log,
      persistQuorumState: options.persistQuorumState,
      transport: this.#transport,
      clock: context.clock,
      kraftVersions: context.supported.kraftVersions,
      handlers: this.#handlers(),
    });
  }

  get role(): RoleName {
    return this.#role;
  }

  get epoch(): Epoch {
    return this.#core.epoch;
  }

  get leaderId(): NodeId | null {
    return this.#leaderId;
  }

  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  get logStart(): SnapshotId {
    return this.#logStart;
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#options.checkpoints.latestId;
  }

  get logEndOffset(): Offset {
    return this.#options.log.endOffset;
  }

  get flushedOffset(): Offset {
    return this.#options.log.flushedOffset;
  }

  get appliedOffset(): Offset {
    return this.#machine.endOffset;
  }

  get isRecovering(): boolean {
    return this.#core.recovering;
  }

  get clusterId(): Uuid {
    return this.#options.context.clusterId;
  }

  get pendingProposals(): number {
    return this.#core.pendingProposals;
  }

  get waiting(): null {
    return null;
  }

  get image(): null {
    return null;
  }

  get kraftVersion(): number {
    return this.#core.kraftVersion;
  }

  get voters(): readonly Voter[] {
    return this.#core.voters;
  }

  get stateDigest(): number {
    return this.#machine.digest;
  }

  chainCrcAt(offset: Offset): number | null {
    return this.#options.log.chainCrcAt(offset);
  }

  begin(): void {
    this.#options.context.onReady(this);
    this.#driver.push({ type: 'wake', stalledMs: 0 });
  }

  close(): void {
    this.#driver.close();
  }

  quorumStatePersisted(ioId: IoId): void {
    this.#driver.quorumStatePersisted(ioId);
  }

  logFlushed(ioId: IoId): void {
    this.#driver.logFlushed(ioId);
  }

  logTruncated(ioId: IoId): void {
    if (ioId !== this.#installIoId) {
      this.#driver.logTruncated(ioId);
      return;
    }
    const installed = this.#installed;
    this.#installIoId = null;
    this.#installed = null;
    if (installed === null) return;
    const { voters, kraftVersion } = installed;
    this.#driver.snapshotInstalled(ioId, { voters, kraftVersion });
  }

  submit(request: ClientRequest, complete: Complete): void {
    const answer: Complete = (outcome) =>
      this.#options.context.clock.afterPendingEvents(() => complete(outcome));
    if (this.#role !== 'leader') {
      answer({ kind: 'refused', reason: 'NOT_LEADER', isFinal: false });
      return;
    }
    if (request.kind === 'read') {
      this.#reads.set(request.attempt, { key: request.key, complete: answer });
      this.#driver.push({ type: 'readBarrierRequested', barrierId: request.attempt });
      return;
    }
    this.#writes.set(request.attempt, answer);
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs, this.#options.context.clock.wallMs());
    this.#driver.push({
      type: 'recordsProposed',
      proposalId: request.attempt,
      epoch: this.#core.epoch,
      expectedBaseOffset: this.#options.log.endOffset,
      batches: [
        {
          recordCount: 1,
          payload: encodeRegisterWrite(request, request.padding),
          appendTimestampMs: this.#lastTimestampMs,
        },
      ],
    });
  }

  changeVoters(voters: readonly Voter[], complete: (error: VoterChangeError | null) => void): void {
    const requestId = this.#nextVoterChange++;
    this.#voterChanges.set(requestId, complete);
    this.#driver.push({ type: 'voterChangeRequested', requestId, voters });
  }

  changeProtocol(kraftVersion: number, voters: readonly Voter[], complete: (isDone: boolean) => void): void {
    // Other numbers than those of attempts.
    const proposalId = -this.#nextVoterChange++;
    this.#writes.set(proposalId, ({ kind }) => complete(kind === 'written'));
    this.#driver.push({
      type: 'quorumChangeProposed',
      proposalId,
      epoch: this.#core.epoch,
      expectedBaseOffset: this.#options.log.endOffset,
      kraftVersion,
      voters,
    });
  }

  stop(complete: () => void): void {
    this.#driver.push({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: null });
    this.#options.context.clock.setTimer(stopDelayMs, complete);
  }

  #handlers(): DriverHandlers {
    return {
      applyCommitted: (effect) => {
        this.#applyTarget = effect.to;
        this.#apply();
      },
      highWatermarkAdvanced: (effect) => {
        this.#highWatermark = effect.highWatermark;
      },
      roleChanged: (effect) => this.#roleChanged(effect),
      completeProposal: (effect) => {
        this.#settleWrite(effect.proposalId, { kind: 'written', offset: effect.endOffset });
      },
      failProposal: ({ proposalId, reason }) => {
        const isUnknown = reason === 'OUTCOME_UNKNOWN';
        this.#settleWrite(
          proposalId,
          isUnknown ? { kind: 'unknown' } : { kind: 'refused', reason, isFinal: false },
        );
      },
      completeReadBarrier: ({ barrierId, offset }) => {
        const read = this.#reads.get(barrierId);
        this.#reads.delete(barrierId);
        if (read !== undefined) this.#confirmedReads.push({ offset, ...read });
        this.#answerReads();
      },
      failReadBarriers: ({ barrierIds }) => {
        for (const barrierId of barrierIds) {
          this.#reads.get(barrierId)?.complete({ kind: 'refused', reason: 'NOT_LEADER', isFinal: false });
          this.#reads.delete(barrierId);
        }
      },
      sendSnapshotChunk: (effect) => this.#sendSnapshotChunk(effect),
      storeSnapshotChunk: ({ ioId, snapshotId, position, bytes }) => {
        this.#options.checkpoints.store(snapshotId, position, bytes, () =>
          this.#driver.snapshotChunkStored(ioId, position + bytes.length),
        );
      },
      installSnapshot: (effect) => this.#install(effect),
      voterChangeAnswered: ({ requestId, error }) => {
        const complete = this.#voterChanges.get(requestId);
        this.#voterChanges.delete(requestId);
        this.#options.context.clock.afterPendingEvents(() => complete?.(error));
      },
      badMessage: ({ from, reason }) => {
        this.#options.context.say(() => `calls a message of node ${from} bad: ${reason}`);
      },
      stalled: (stalledMs) => this.#options.context.say(() => `was stalled for ${stalledMs} ms`),
      failed: (reason) => this.#options.onFailed(reason),
    };
  }

  #roleChanged(effect: EffectOf<'roleChanged'>): void {
    this.#role = effect.role;
    this.#leaderId = effect.leaderId;
    this.#options.context.say(
      () => `is ${effect.role} in epoch ${effect.epoch}, leader ${effect.leaderId ?? 'unknown'}`,
    );
  }

  #settleWrite(proposalId: number, outcome: ClientOutcome): void {
    const complete = this.#writes.get(proposalId);
    this.#writes.delete(proposalId);
    complete?.(outcome);
  }

  #answerReads(): void {
    const { endOffset } = this.#machine;
    const ready = this.#confirmedReads.filter((read) => read.offset <= endOffset);
    if (ready.length === 0) return;
    this.#confirmedReads = this.#confirmedReads.filter((read) => read.offset > endOffset);
    for (const { key, complete } of ready) {
      complete({ kind: 'read', value: this.#machine.valueOf(key), offset: endOffset });
    }
  }

  #apply(): void {
    if (this.#isApplying || this.#machine.endOffset >= this.#applyTarget) return;
    this.#isApplying = true;
    const generation = this.#machineGeneration;
    const { log, onFailed } = this.#options;
    log.read(this.#machine.endOffset, this.#applyTarget, applySliceBytesMax, (found) => {
      if (generation !== this.#machineGeneration) return;
      this.#isApplying = false;
      if (!found.ok) {
        onFailed(`reading committed records failed: ${found.error.code} ${found.error.message}`);
        return;
      }
      for (const batch of found.value) this.#machine.apply(batch);
      this.#driver.push({ type: 'applied', offset: this.#machine.endOffset });
      this.#answerReads();
      this.#writeCheckpoint();
      this.#apply();
    });
  }

  #writeCheckpoint(): void {
    const { checkpoints, log, context } = this.#options;
    const before = checkpoints.latest?.endOffset ?? 0;
    if (this.#isWritingCheckpoint || this.#installIoId !== null) return;
    if (this.#machine.endOffset - before < context.recordsBetweenSnapshots) return;
    const chainCrc = log.chainCrcAt(this.#machine.endOffset);
    if (chainCrc === null) return;
    this.#isWritingCheckpoint = true;
    const checkpoint = this.#machine.checkpoint(chainCrc);
    checkpoints.write(checkpoint, () => {
      this.#isWritingCheckpoint = false;
      // A snapshot that was installed meanwhile is further on.
      if (checkpoint.endOffset <= this.#logStart.endOffset || this.#installIoId !== null) return;
      const snapshotId = { endOffset: checkpoint.endOffset as Offset, epoch: checkpoint.epoch as Epoch };
      this.#logStart = snapshotId;
      this.#driver.push({ type: 'snapshotCreated', snapshotId, logStart: snapshotId });
      log.cleanTo(snapshotId);
    });
  }

  #sendSnapshotChunk(effect: EffectOf<'sendSnapshotChunk'>): void {
    const { response, position, maxBytes } = effect;
    const chunk = this.#options.checkpoints.chunk(response.snapshotId, position, maxBytes);
    const outcome =
      chunk === null
        ? ({ kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' } as const)
        : ({ kind: 'chunk', position, crc: crcOf(chunk.bytes), ...chunk } as const);
    this.#transport.send(effect.to, { channel: 'raft', message: { ...response, outcome } });
  }

  #install({ ioId, snapshotId }: EffectOf<'installSnapshot'>): void {
    this.#installIoId = ioId;
    this.#options.checkpoints.install(snapshotId, (checkpoint) => {
      if (checkpoint === null) {
        this.#installIoId = null;
        this.#driver.snapshotInstalled(ioId, null);
        return;
      }
      this.#machineGeneration++;
      this.#isApplying = false;
      this.#machine = RegisterMachine.from(checkpoint);
      this.#applyTarget = this.#machine.endOffset;
      this.#highWatermark = Math.max(this.#highWatermark, this.#machine.endOffset) as Offset;
      this.#logStart = snapshotId;
      this.#installed = checkpoint;
      this.#options.log.resetTo(ioId, snapshotId, checkpoint.chainCrc);
    });
  }
}
