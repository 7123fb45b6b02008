import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Epoch, Offset, Uuid } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import { encodeRecords } from '../../codec/record-value.ts';
import { createImageBuilder, type ImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import type { QuorumChange, QuorumView } from '../../metadata/operation.ts';
import type { Policies } from '../../metadata/policy.ts';
import { countUncleanElections } from '../../metadata/resources/topic/records.ts';
import { finalizedMetadataVersion } from '../../metadata/resources/feature/supported.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProposedBatch } from '../../raft/inputs.ts';
import type { BrokerSessions } from '../sessions/broker-sessions.ts';
import type { GroupSessions } from '../sessions/group-sessions.ts';
import { type DeferredAnswer, DeferredAnswers } from '../answers/deferred-answers.ts';
import { type ProposalWindow, runtimeLimits } from '../limits.ts';
import { internalWork } from './internal-work.ts';
import { type Execution, OperationQueue, type PendingOperation } from './operation-queue.ts';

export type ProposerOptions = {
  readonly epoch: Epoch;
  readonly clusterId: Uuid;
  /** The committed state at the moment this node became active: it reaches the log's end. */
  readonly image: MetadataImage;
  /** Append timestamp of the log's last batch, in ms since 1970. */
  readonly lastTimestampMs: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly sessions: BrokerSessions;
  readonly groupSessions: GroupSessions;
  readonly policies: Policies;
  readonly window: ProposalWindow;
  propose(proposal: Proposal): void;
  proposeQuorumChange(proposal: QuorumChangeProposal): void;
  readonly quorum: () => QuorumView;
  /** False while this node's own disk is behind: what it has not flushed stays in memory. */
  readonly hasRoomInLog: () => boolean;
  /** Heartbeats (design 13), and what has appended nothing, are answered after a barrier begun after their arrival. */
  awaitBarrier(confirmed: () => void, failed: () => void): void;
  /** A record that could not be replayed: a bug in an operation, which is refused and reported. */
  onRejected(operationId: string, reason: string): void;
  /** So many leaders are to be elected uncleanly by what is proposed now. */
  onUncleanElections(count: number): void;
};

export type Proposal = {
  readonly proposalId: number;
  readonly epoch: Epoch;
  readonly baseOffset: Offset;
  readonly batch: ProposedBatch;
  /** The state after the proposal, computed already (design 9). */
  readonly image: MetadataImage;
};

/** Control records, which the core makes. */
export type QuorumChangeProposal = Pick<Proposal, 'proposalId' | 'epoch' | 'baseOffset'> & {
  readonly change: QuorumChange;
};

/**
 * Executes operations on the leader: generate, replay speculatively, then append (design 9).
 *
 * Invariants
 * 1. `#speculative` is the replay of every record this leader has appended or proposed, and ends where the log does.
 * 2. One proposal is one batch, so it is committed whole or not at all.
 * 3. An answer waits in `#answers` until everything that it saw is committed (design 10). One that appended nothing
 *    waits for a barrier as well: it must not come from a leader that others have replaced.
 * 4. Nothing is executed while a change of the quorum is under way: what follows it, and its own operation when that
 *    is run again and finds nothing left to change, sees it committed.
 * 5. After `close` nothing is proposed, and every operation was answered: appended ones as unknown, others
 *    as retriable.
 */
export class Proposer {
  readonly #options: ProposerOptions;
  readonly #queue = new OperationQueue(runtimeLimits.operationsQueuedMax);
  readonly #answers = new DeferredAnswers();
  readonly #appended = new Map<number, AppendedProposal>();
  /** The change of the quorum that is under way. */
  #quorumChangeId: number | null = null;
  /** Operations that have had the quorum changed and are run again to be answered. */
  readonly #changers = new Map<PendingOperation, AppendedProposal>();
  #speculative: MetadataImage;
  #appliedOffset: Offset;
  #lastTimestampMs: number;
  #bytesInFlight = 0;
  #isScheduled = false;
  #isClosed = false;
  /** A proposal was refused, so that the speculative state is not what the log will hold. */
  #isVoid = false;
  #nextProposalId: number;

  constructor(options: ProposerOptions, firstProposalId: number) {
    this.#options = options;
    this.#speculative = options.image;
    this.#appliedOffset = options.image.endOffset;
    this.#lastTimestampMs = Math.max(options.image.timestampMs, options.lastTimestampMs());
    this.#nextProposalId = firstProposalId;
  }

  /** Never used twice within a process, so that a late completion cannot be taken for another's. */
  get nextProposalId(): number {
    return this.#nextProposalId;
  }

  get speculativeImage(): MetadataImage {
    return this.#speculative;
  }

  get pendingCount(): number {
    return this.#queue.size + this.#answers.size;
  }

  /** Takes an operation in, or refuses it when too much waits. */
  offer(pending: PendingOperation): void {
    if (this.#isClosed) {
      pending.reply.fail('NOT_CONTROLLER', 'This node no longer leads the quorum.');
      return;
    }
    if (!this.#queue.offer(pending)) {
      const { retryAfterMs } = runtimeLimits;
      pending.reply.fail('THROTTLING_QUOTA_EXCEEDED', 'Too many operations wait on the leader.', {
        retryAfterMs,
      });
      return;
    }
    this.#schedule();
  }

  completed(proposalId: number): void {
    const proposal = this.#appended.get(proposalId);
    if (proposal === undefined) return;
    this.#appended.delete(proposalId);
    this.#bytesInFlight -= proposal.bytes;
    if (proposalId === this.#quorumChangeId) this.#quorumChangeId = null;
    if (this.#queue.size > 0) this.#schedule();
  }

  /** This node's own disk has taken more of the log. */
  logFlushed(): void {
    if (this.#queue.size > 0) this.#schedule();
  }

  /**
   * Nothing of it was appended. What was computed on top of it is void as well: nothing more is proposed, and
   * whoever leads begins anew. False when the proposal is none of ours.
   */
  refused(proposalId: number): boolean {
    const proposal = this.#appended.get(proposalId);
    if (proposal === undefined) return false;
    proposal.isAppended = false;
    this.#isVoid = true;
    return true;
  }

  /**
   * The core has appended control records of its own, up to `endOffset`: they change no state, and what is
   * proposed next begins behind them. It does so between two batches, never within one. Those that were proposed
   * here stand in the speculative state already. All are stamped with the time of their append.
   */
  controlAppended(endOffset: Offset): void {
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs, this.#options.lastTimestampMs());
    if (endOffset <= this.#speculative.endOffset) return;
    this.#speculative = createImageBuilder(this.#speculative).freeze(endOffset, this.#options.epoch);
  }

  /** Everything below `offset` is committed and applied. */
  applied(offset: Offset): void {
    this.#appliedOffset = offset;
    this.#answers.release(offset);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#answers.failAll();
    for (const pending of this.#queue.take(Number.MAX_SAFE_INTEGER)) {
      if (this.#hasChangedQuorum(pending)) failUnanswered(pending, true);
      else pending.reply.fail('NOT_CONTROLLER', 'This node no longer leads the quorum; nothing was changed.');
    }
  }

  /** Operations that arrive in one turn of the event loop share a batch, and so a flush. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#options.clock.afterPendingEvents(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#proposeNext();
    });
  }

  #proposeNext(): void {
    const { window, hasRoomInLog } = this.#options;
    if (this.#isVoid || this.#quorumChangeId !== null || this.#appended.size >= window.count) return;
    if (this.#bytesInFlight >= window.bytes) return;
    if (!hasRoomInLog()) {
      coverageMark("proposer: the leader's own disk is behind");
      return;
    }
    const operations = this.#queue.take(runtimeLimits.operationsPerBatchMax);
    if (operations.length === 0) return;
    this.#execute(operations.filter((pending) => this.#isWanted(pending)));
    if (this.#queue.size > 0) this.#schedule();
  }

  /** Whoever waited for it may have been told already that its time is over. A heartbeat has arrived all the same. */
  #isWanted(pending: PendingOperation): boolean {
    if (pending.reply.isSettled) this.#changers.delete(pending);
    return !pending.reply.isSettled || pending.awaitsBarrier;
  }

  #execute(operations: readonly PendingOperation[]): void {
    const draft = this.#beginBatch();
    let changing: Changing | null = null;
    for (const [at, pending] of operations.entries()) {
      const taken = this.#executeOne(draft, pending);
      if (taken === 'taken') continue;
      // This one and those behind it begin the next batch.
      this.#queue.putBack(operations.slice(at));
      if (taken === 'full') {
        coverageMark('proposer: a full batch leaves work for the next');
      } else {
        changing = { pending, change: taken };
      }
      break;
    }
    this.#finishBatch(draft);
    if (changing !== null) this.#proposeQuorumChange(changing);
  }

  /** Control records stand in a batch of the core's own, behind everything proposed so far. */
  #proposeQuorumChange({ pending, change }: Changing): void {
    const proposalId = this.#nextProposalId++;
    const proposal: AppendedProposal = { bytes: 0, isAppended: true };
    this.#appended.set(proposalId, proposal);
    this.#quorumChangeId = proposalId;
    this.#changers.set(pending, proposal);
    pending.reply.expose();
    const { epoch } = this.#options;
    const baseOffset = this.#speculative.endOffset;
    const endOffset = (baseOffset + (change.kraftVersion === null ? 1 : 2)) as Offset;
    this.#speculative = createImageBuilder(this.#speculative).freeze(endOffset, epoch);
    this.#options.proposeQuorumChange({ proposalId, epoch, baseOffset, change });
  }

  #hasChangedQuorum(pending: PendingOperation): boolean {
    return this.#changers.get(pending)?.isAppended ?? false;
  }

  #beginBatch(): Draft {
    // Timestamps never decrease in the log, whatever the wall clock does (design 11).
    const timestampMs = Math.max(this.#lastTimestampMs, this.#options.clock.wallMs());
    return {
      image: this.#speculative,
      builder: createImageBuilder(this.#speculative),
      records: [],
      baseOffset: this.#speculative.endOffset,
      timestampMs,
      payloads: [],
      payloadBytes: 0,
      settlements: [],
    };
  }

  /**
   * `full`: its records no longer fit into this batch; a change: it wants the quorum changed before it goes on. What
   * throws changes nothing and is refused.
   */
  #executeOne(draft: Draft, pending: PendingOperation): 'taken' | 'full' | QuorumChange {
    try {
      const execution = pending.run(draft.image, {
        nextOffset: draft.image.endOffset,
        epoch: this.#options.epoch,
        timestampMs: draft.timestampMs,
        random: this.#options.random,
        clusterId: this.#options.clusterId,
        principal: pending.principal,
        sessions: this.#options.sessions,
        groupSessions: this.#options.groupSessions,
        quorum: this.#options.quorum(),
        policies: this.#options.policies,
      });
      if (pending.reply.isSettled) {
        // Its sender was told that nothing was changed, and has said that it lives.
        coverageMark('heartbeat: heard when nobody waits for its answer');
        this.#hear(execution);
        return 'taken';
      }
      const change = execution.outcome?.quorumChange ?? null;
      if (change !== null) return change;
      const hasRecords = execution.records.length > 0;
      if (hasRecords && !this.#add(draft, execution.records)) return 'full';
      this.#hear(execution);
      draft.settlements.push({ pending, offset: draft.image.endOffset, hasRecords, execution });
    } catch (error) {
      this.#reject(pending, error);
    }
    return 'taken';
  }

  /**
   * Replays one operation's records speculatively and adds them to the batch. The batch has one builder
   * (design 9), so that a page is copied once however many of its operations touch it.
   */
  #add(draft: Draft, records: readonly MetadataRecord[]): boolean {
    const payload = encodeRecords(draft.image.registry, records, finalizedMetadataVersion(draft.image));
    const recordCount = draft.image.endOffset - draft.baseOffset;
    const fits =
      recordCount + records.length <= runtimeLimits.recordsPerBatchMax &&
      draft.payloadBytes + payload.length <= runtimeLimits.batchBytesMax;
    if (!fits) {
      assert(recordCount > 0, 'an operation returned more records than a batch holds');
      return false;
    }
    try {
      this.#replay(draft, records);
    } catch (error) {
      this.#replayAnew(draft);
      throw error;
    }
    const unclean = countUncleanElections(records);
    if (unclean > 0) this.#options.onUncleanElections(unclean);
    draft.records.push(records);
    draft.payloads.push(payload);
    draft.payloadBytes += payload.length;
    return true;
  }

  #replay(draft: Draft, records: readonly MetadataRecord[]): void {
    let { endOffset } = draft.image;
    for (const record of records) {
      const position = { offset: endOffset, epoch: this.#options.epoch, timestampMs: draft.timestampMs };
      draft.builder.replay(record, position);
      endOffset = (endOffset + 1) as Offset;
    }
    draft.image = draft.builder.peek();
  }

  /** A throw discards the builder: what stands in the batch already is replayed into another. */
  #replayAnew(draft: Draft): void {
    draft.builder = createImageBuilder(this.#speculative);
    draft.image = this.#speculative;
    for (const records of draft.records) this.#replay(draft, records);
  }

  #finishBatch(draft: Draft): void {
    const proposal = draft.payloads.length === 0 ? null : this.#append(draft);
    let isBarrierAwaited = false;
    const barrier = new SharedBarrier();
    for (const { pending, offset, hasRecords, execution } of draft.settlements) {
      this.#goOn(execution);
      const hasChangedQuorum = this.#hasChangedQuorum(pending);
      this.#changers.delete(pending);
      // A refusal changes nothing by which a deposed leader would be found out, so that others may know better.
      const awaitsBarrier = pending.awaitsBarrier || (!hasRecords && !pending.isInternal);
      isBarrierAwaited ||= awaitsBarrier;
      const isUnknown = (): boolean =>
        hasChangedQuorum || execution.mayStandAlready || (hasRecords && (proposal?.isAppended ?? false));
      if (isUnknown()) pending.reply.expose();
      const give = (): void => execution.answer(pending.reply, offset);
      const fail = (): void => failUnanswered(pending, isUnknown());
      this.#answers.defer({
        offset,
        give: awaitsBarrier ? () => barrier.whenConfirmed({ give, fail }) : give,
        fail,
      });
    }
    if (isBarrierAwaited) {
      this.#options.awaitBarrier(
        () => barrier.confirm(),
        () => barrier.fail(),
      );
    }
    this.#answers.release(this.#appliedOffset);
  }

  /** Brokers and members that were heard, or are to be forgotten: before the next of a batch looks for silence. */
  #hear({ outcome }: Execution): void {
    const { sessions, groupSessions, clock } = this.#options;
    if (outcome?.heard !== undefined) {
      sessions.heard(outcome.heard.brokerId, outcome.heard.metadataOffset, clock.monotonicMs());
    }
    if (outcome?.forgotten !== undefined) sessions.remove(outcome.forgotten);
    if (outcome?.heardMember !== undefined) groupSessions.heard(outcome.heardMember, clock.monotonicMs());
    if (outcome?.forgottenMember !== undefined) groupSessions.remove(outcome.forgottenMember);
  }

  /** Work that goes on after this batch. */
  #goOn({ outcome }: Execution): void {
    const continueWith = outcome?.continueWith ?? null;
    if (continueWith !== null) this.offer(internalWork(continueWith));
  }

  #append(draft: Draft): AppendedProposal {
    const proposalId = this.#nextProposalId++;
    const proposal: AppendedProposal = { bytes: draft.payloadBytes, isAppended: true };
    this.#appended.set(proposalId, proposal);
    this.#bytesInFlight += draft.payloadBytes;
    const { epoch } = this.#options;
    const image = draft.builder.freeze(draft.image.endOffset, epoch);
    this.#speculative = image;
    this.#lastTimestampMs = draft.timestampMs;
    const recordCount = image.endOffset - draft.baseOffset;
    const batch = { recordCount, payload: concatenate(draft), appendTimestampMs: draft.timestampMs };
    this.#options.propose({ proposalId, epoch, baseOffset: draft.baseOffset, batch, image });
    return proposal;
  }

  #reject(pending: PendingOperation, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onRejected(pending.name, reason);
    pending.reply.fail('UNKNOWN_SERVER_ERROR', 'The operation could not be applied; nothing was changed.');
  }
}

type Changing = { readonly pending: PendingOperation; readonly change: QuorumChange };

type AppendedProposal = { readonly bytes: number; isAppended: boolean };

type Settlement = {
  readonly pending: PendingOperation;
  readonly offset: Offset;
  readonly hasRecords: boolean;
  readonly execution: Execution;
};

/** A batch that is being made. */
type Draft = {
  /** The state after everything in the batch so far: a look into the builder, valid until it goes on. */
  image: MetadataImage;
  builder: ImageBuilder;
  /** Of each operation in the batch. */
  readonly records: (readonly MetadataRecord[])[];
  readonly baseOffset: Offset;
  readonly timestampMs: number;
  readonly payloads: Uint8Array[];
  payloadBytes: number;
  readonly settlements: Settlement[];
};

/** One barrier for all of a batch that await one; each also waits for its own offset. */
class SharedBarrier {
  #state: 'waiting' | 'confirmed' | 'failed' = 'waiting';
  #waiting: Pick<DeferredAnswer, 'give' | 'fail'>[] = [];

  whenConfirmed(answer: Pick<DeferredAnswer, 'give' | 'fail'>): void {
    if (this.#state === 'confirmed') answer.give();
    else if (this.#state === 'failed') answer.fail();
    else this.#waiting.push(answer);
  }

  confirm(): void {
    this.#state = 'confirmed';
    for (const answer of this.#waiting.splice(0)) answer.give();
  }

  fail(): void {
    this.#state = 'failed';
    for (const answer of this.#waiting.splice(0)) answer.fail();
  }
}

/** Leadership was lost: nothing appended means retriable, appended means unknown (design 10). */
function failUnanswered(pending: PendingOperation, isAppended: boolean): void {
  if (isAppended) {
    coverageMark('proposer: leadership ends with an unknown outcome');
    pending.reply.fail(
      'OUTCOME_UNKNOWN',
      'Leadership was lost after the write was appended; it may or may not take effect.',
    );
  } else {
    pending.reply.fail(
      'NOT_CONTROLLER',
      'Leadership was lost before the answer was certain; nothing was changed.',
    );
  }
}

function concatenate(draft: Draft): Uint8Array {
  const [first] = draft.payloads;
  if (first !== undefined && draft.payloads.length === 1) return first;
  const whole = new Uint8Array(draft.payloadBytes);
  let at = 0;
  for (const payload of draft.payloads) {
    whole.set(payload, at);
    at += payload.length;
  }
  return whole;
}
