import { assertNever, violated } from '../base/assert.ts';
import type { Clock } from '../ports/clock.ts';
import type { Transport } from '../ports/transport.ts';
import type { RaftCore } from '../raft/core.ts';
import type { Offset } from '../base/brands.ts';
import { batchEndOffset, type LogBatch } from '../raft/batch.ts';
import type { Message } from '../raft/messages.ts';
import type { Effect } from '../raft/effects.ts';
import type { Input, IoId } from '../raft/inputs.ts';
import type { QuorumState } from '../raft/quorum-state.ts';
import type { VersionRange } from '../raft/replica-key.ts';
import { findChainFault } from './check-chain.ts';
import { EventQueue, type UntimedInput } from './event-queue.ts';
import { IoGate } from './io-gate.ts';
import type { RaftLog } from './log/raft-log.ts';
import { faultOfKRaftVersion } from './supported-versions.ts';

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

/** What the driver cannot do by itself: state machine, snapshots, proposals and reads. */
export type DriverHandlers = {
  applyCommitted(effect: EffectOf<'applyCommitted'>): void;
  /** For whoever watches: what a higher high watermark leads to comes as effects of its own. */
  highWatermarkAdvanced?(effect: EffectOf<'highWatermarkAdvanced'>): void;
  roleChanged(effect: EffectOf<'roleChanged'>): void;
  /** Control records were appended, of this node as leader or of another, up to this offset (exclusive). */
  controlAppended?(endOffset: Offset): void;
  completeProposal(effect: EffectOf<'completeProposal'>): void;
  failProposal(effect: EffectOf<'failProposal'>): void;
  completeReadBarrier(effect: EffectOf<'completeReadBarrier'>): void;
  failReadBarriers(effect: EffectOf<'failReadBarriers'>): void;
  sendSnapshotChunk(effect: EffectOf<'sendSnapshotChunk'>): void;
  storeSnapshotChunk(effect: EffectOf<'storeSnapshotChunk'>): void;
  installSnapshot(effect: EffectOf<'installSnapshot'>): void;
  /** Absent where nobody asks for voter changes. */
  voterChangeAnswered?(effect: EffectOf<'voterChangeAnswered'>): void;
  badMessage(effect: EffectOf<'badMessage'>): void;
  /** For whoever counts: so many records were handed to the log. */
  appended?(recordCount: number): void;
  stalled(stalledMs: number): void;
  /** The disk or the program failed: the node stops and says why (design 20). */
  failed(reason: string): void;
};

export type DriverOptions = {
  readonly core: RaftCore;
  readonly log: RaftLog;
  readonly persistQuorumState: (ioId: IoId, state: QuorumState) => void;
  readonly transport: Transport;
  readonly clock: Clock;
  /** The versions of the protocol that this node understands. */
  readonly kraftVersions: VersionRange;
  readonly handlers: DriverHandlers;
};

/**
 * Hosts the pure core: hands it inputs, carries out its effects in the order given, and keeps the
 * ordering contract of `src/raft/effects.ts`. It decides nothing.
 */
export class RaftDriver {
  readonly #options: DriverOptions;
  readonly #queue: EventQueue;
  readonly #gate = new IoGate();
  /** Which pending I/O ids are the log's own: only those are covered by a later flush. */
  readonly #logIo = new Set<IoId>();
  readonly #quorumStateIo = new Set<IoId>();
  #lastTimestampMs = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#queue = new EventQueue(
      options.clock,
      (input) => this.#step(input),
      (stalledMs) => options.handlers.stalled(stalledMs),
    );
  }

  /** The latest append timestamp that this process has given or seen, in ms since 1970. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  push(input: UntimedInput): void {
    this.#queue.push(input);
  }

  nowMs(): number {
    return this.#queue.nowMs();
  }

  close(): void {
    this.#queue.close();
  }

  /** The log says that everything up to `ioId` is on disk. */
  logFlushed(ioId: IoId): void {
    this.#completeLogIo(ioId);
    this.push({ type: 'logFlushed', ioId });
  }

  logTruncated(ioId: IoId): void {
    this.#completeLogIo(ioId);
    this.push({ type: 'logTruncated', ioId });
  }

  /** A later state replaces an earlier one that waits to be written, so one completion may answer several. */
  quorumStatePersisted(ioId: IoId): void {
    for (const pending of this.#quorumStateIo) {
      if (pending > ioId) continue;
      this.#quorumStateIo.delete(pending);
      this.#gate.completed(pending);
      this.push({ type: 'quorumStatePersisted', ioId: pending });
    }
  }

  snapshotChunkStored(ioId: IoId, position: number): void {
    this.#gate.completed(ioId);
    this.push({ type: 'snapshotChunkStored', ioId, position });
  }

  snapshotInstalled(ioId: IoId, snapshot: Extract<Input, { type: 'snapshotInstalled' }>['snapshot']): void {
    this.#gate.completed(ioId);
    const fault = snapshot === null ? null : this.#faultOfVersion(snapshot.kraftVersion);
    if (fault === null) this.push({ type: 'snapshotInstalled', ioId, snapshot });
    else this.#options.handlers.failed(`the snapshot has ${fault}`);
  }

  #completeLogIo(ioId: IoId): void {
    this.#gate.completedThrough(ioId, (pending) => this.#logIo.has(pending));
    for (const pending of this.#logIo) {
      if (pending <= ioId) this.#logIo.delete(pending);
    }
  }

  #step(input: Input): number {
    const { effects, nextWakeAtMs } = this.#options.core.step(this.#checked(input));
    for (const effect of effects) this.#run(effect);
    return nextWakeAtMs;
  }

  /** What a peer sent and the log could not take is refused here; the step goes on as if time had passed. */
  #checked(input: Input): Input {
    if (input.type !== 'messageReceived') return input;
    const { handlers, log } = this.#options;
    const unsupported = this.#faultOfProtocol(input.message);
    const fault = unsupported ?? findChainFault(input, log);
    if (fault === null) return input;
    // A protocol that this node does not understand is no fault of its peer's: the node stops, and says why.
    if (unsupported !== null) handlers.failed(unsupported);
    else handlers.badMessage({ type: 'badMessage', from: input.from, reason: fault });
    return { type: 'wake', stalledMs: 0, nowMs: input.nowMs };
  }

  #run(effect: Effect): void {
    const { handlers, log, transport } = this.#options;
    switch (effect.type) {
      case 'persistQuorumState':
        this.#gate.began(effect.ioId);
        this.#quorumStateIo.add(effect.ioId);
        this.#options.persistQuorumState(effect.ioId, effect.state);
        return;
      case 'appendBatches':
        this.#beginLogIo(effect.ioId);
        log.append(
          effect.ioId,
          effect.batches.map((batch) => this.#stamp(batch)),
        );
        handlers.appended?.(effect.batches.reduce((sum, { recordCount }) => sum + recordCount, 0));
        this.#tellOfControl(effect.batches);
        return;
      case 'truncateLog':
        this.#beginLogIo(effect.ioId);
        log.truncate(effect.ioId, effect.to);
        return;
      case 'sendMessage':
        this.#send(effect, () => transport.send(effect.to, { channel: 'raft', message: effect.message }));
        return;
      case 'sendLogRange':
        this.#sendLogRange(effect);
        return;
      case 'storeSnapshotChunk':
        this.#gate.began(effect.ioId);
        handlers.storeSnapshotChunk(effect);
        return;
      case 'installSnapshot':
        this.#gate.began(effect.ioId);
        handlers.installSnapshot(effect);
        return;
      default:
        this.#inform(effect);
    }
  }

  /** Why the records that a message brings cannot be taken: they put a protocol in force that is not known here. */
  #faultOfProtocol(message: Message): string | null {
    const batches =
      message.type === 'fetchResponse' && message.outcome.kind === 'records' ? message.outcome.batches : [];
    for (const batch of batches) {
      for (const record of batch.kind === 'control' ? batch.records : []) {
        const fault = record.type === 'KRaftVersion' ? this.#faultOfVersion(record.kraftVersion) : null;
        if (fault !== null) return `the log has, at offset ${batch.baseOffset}, ${fault}`;
      }
    }
    return null;
  }

  #faultOfVersion(kraftVersion: number): string | null {
    return faultOfKRaftVersion(kraftVersion, this.#options.kraftVersions);
  }

  #inform(effect: InformingEffect): void {
    const { handlers } = this.#options;
    switch (effect.type) {
      case 'sendSnapshotChunk':
        return handlers.sendSnapshotChunk(effect);
      case 'applyCommitted':
        return handlers.applyCommitted(effect);
      case 'highWatermarkAdvanced':
        return handlers.highWatermarkAdvanced?.(effect);
      case 'roleChanged':
        return handlers.roleChanged(effect);
      case 'completeProposal':
        return handlers.completeProposal(effect);
      case 'failProposal':
        return handlers.failProposal(effect);
      case 'completeReadBarrier':
        return handlers.completeReadBarrier(effect);
      case 'failReadBarriers':
        return handlers.failReadBarriers(effect);
      case 'voterChangeAnswered':
        return handlers.voterChangeAnswered === undefined
          ? violated('an answer to a voter change, and nobody here asks for one')
          : handlers.voterChangeAnswered(effect);
      case 'badMessage':
        return handlers.badMessage(effect);
      default:
        return assertNever(effect);
    }
  }

  /**
   * The core has no calendar, so its own control records are stamped here. Timestamps never decrease in the
   * log, whatever the wall clock does.
   */
  #stamp(batch: LogBatch): LogBatch {
    const isOwnControl = batch.kind === 'control' && batch.body.form === 'none';
    const wallMs = isOwnControl ? this.#options.clock.wallMs() : 0;
    const appendTimestampMs = Math.max(
      batch.appendTimestampMs,
      isOwnControl ? this.#lastTimestampMs : 0,
      wallMs,
    );
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs, appendTimestampMs);
    return appendTimestampMs === batch.appendTimestampMs ? batch : { ...batch, appendTimestampMs };
  }

  #tellOfControl(batches: readonly LogBatch[]): void {
    const last = batches.findLast(({ kind }) => kind === 'control');
    if (last !== undefined) this.#options.handlers.controlAppended?.(batchEndOffset(last));
  }

  #beginLogIo(ioId: IoId): void {
    this.#gate.began(ioId);
    this.#logIo.add(ioId);
  }

  #send(effect: EffectOf<'sendMessage'>, send: () => void): void {
    if (effect.after === undefined) send();
    else this.#gate.whenCompleted(effect.after, send);
  }

  /** Reads the range and sends it. What was truncated or deleted meanwhile is not sent: the replica asks again. */
  #sendLogRange(effect: EffectOf<'sendLogRange'>): void {
    const { log, transport, handlers } = this.#options;
    const { outcome } = effect.response;
    log.read(outcome.fetchOffset, effect.endOffset, effect.maxBytes, (result) => {
      if (result.ok) {
        const message = { ...effect.response, outcome: { ...outcome, batches: result.value } };
        transport.send(effect.to, { channel: 'raft', message });
        return;
      }
      const { code, message } = result.error;
      if (code === 'CORRUPT' || code === 'IO') handlers.failed(`reading the log failed: ${message}`);
    });
  }
}

type InformingEffect = EffectOf<
  | 'sendSnapshotChunk'
  | 'applyCommitted'
  | 'highWatermarkAdvanced'
  | 'roleChanged'
  | 'completeProposal'
  | 'failProposal'
  | 'completeReadBarrier'
  | 'failReadBarriers'
  | 'voterChangeAnswered'
  | 'badMessage'
>;
