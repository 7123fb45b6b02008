import { coverageMark } from '../../base/coverage-marks.ts';
import type { Epoch, Offset, Uuid } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import { createImageBuilder, type MetadataImage } from '../../metadata/image.ts';
import type { QuorumChange, QuorumView } from '../../metadata/operation.ts';
import type { Policies } from '../../metadata/policy.ts';
import { isAnswerRecord } from '../../metadata/resources/session/answers.ts';
import type { Proposal, QuorumChangeProposal } from './proposal.ts';
import { type ProposalWindow, runtimeLimits } from '../limits.ts';
import { SlicedLoop } from '../work-slices.ts';
import { BatchDraft } from './batch-draft.ts';
import { internalWork } from './internal-work.ts';
import { OpenTransaction } from './open-transaction.ts';
import { operationContext } from './operation-context.ts';
import { type Execution, OperationQueue, type PendingOperation } from './operation-queue.ts';
import {
  type AppendedProposal,
  failUnanswered,
  type Settlement,
  Settlements,
  type SettlementsOptions,
} from './settlements.ts';

export type ProposerOptions = SettlementsOptions & {
  readonly epoch: Epoch;
  readonly clusterId: Uuid;
  /** The committed state at the moment this node became active: it reaches the log's end. */
  readonly image: MetadataImage;
  /** Where the log ends, if an earlier leader has left a transaction open there: `image` is from before its Begin. */
  readonly leftOpenUntil: Offset | null;
  /** Records that an operation gives at once, and a batch of a transaction holds: what one slice of work may be. */
  readonly recordsPerStepMax: number;
  /** Append timestamp of the log's last batch, in ms since 1970. */
  readonly lastTimestampMs: () => number;
  readonly random: Random;
  readonly policies: Policies;
  readonly window: ProposalWindow;
  propose(proposal: Proposal): void;
  proposeQuorumChange(proposal: QuorumChangeProposal): void;
  readonly quorum: () => QuorumView;
  /** False while this node's own disk is behind: what it has not flushed stays in memory. */
  readonly hasRoomInLog: () => boolean;
  /** A record that could not be replayed: a bug in an operation, which is refused and reported. */
  onRejected(operationId: string, reason: string): void;
  /** So many leaders are to be elected uncleanly by what is proposed now. */
  onUncleanElections(count: number): void;
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
 * 5. One transaction is open at most; while it is, nothing but its batches is proposed, and its Abort. Fencing ends it
 *    by that, and it begins anew behind the fencing, under its key.
 * 6. After `close` nothing is proposed, and every operation was answered: appended ones as unknown, others
 *    as retriable.
 */
export class Proposer {
  readonly #options: ProposerOptions;
  readonly #queue = new OperationQueue(runtimeLimits.operationsQueuedMax);
  readonly #answers: Settlements;
  readonly #appended = new Map<number, AppendedProposal>();
  /** The change of the quorum that is under way. */
  #quorumChangeId: number | null = null;
  /** Operations that have had the quorum changed and are run again to be answered. */
  readonly #changers = new Map<PendingOperation, AppendedProposal>();
  #transaction: OpenTransaction | null = null;
  /** The state from before a transaction that an earlier leader has left open, until its Abort is proposed. */
  #leftOpen: MetadataImage | null;
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
    this.#answers = new Settlements(options);
    const { image, epoch, leftOpenUntil } = options;
    this.#leftOpen = leftOpenUntil === null ? null : image;
    this.#speculative =
      leftOpenUntil === null ? image : createImageBuilder(image).freeze(leftOpenUntil, epoch);
    this.#appliedOffset = options.image.endOffset;
    this.#lastTimestampMs = Math.max(options.image.timestampMs, options.lastTimestampMs());
    this.#nextProposalId = firstProposalId;
    if (this.#leftOpen !== null) this.#schedule();
  }

  /** Never used twice within a process, so that a late completion cannot be taken for another's. */
  get nextProposalId(): number {
    return this.#nextProposalId;
  }

  get speculativeImage(): MetadataImage {
    return this.#speculative;
  }

  get pendingCount(): number {
    const { size, asideCount } = this.#queue;
    return size + asideCount + this.#answers.size + (this.#transaction === null ? 0 : 1);
  }

  /** Takes an operation in, or refuses it when too much waits. */
  offer(pending: PendingOperation): void {
    if (this.#isClosed) {
      pending.reply.fail('NOT_CONTROLLER', 'This node no longer leads the quorum.');
      return;
    }
    if (this.#queue.offer(pending)) this.#schedule();
    else throttle(pending);
  }

  completed(proposalId: number): void {
    const proposal = this.#appended.get(proposalId);
    if (proposal === undefined) return;
    this.#appended.delete(proposalId);
    this.#bytesInFlight -= proposal.bytes;
    if (proposalId === this.#quorumChangeId) this.#quorumChangeId = null;
    if (this.#hasWork) this.#schedule();
  }

  /** This node's own disk has taken more of the log. */
  logFlushed(): void {
    if (this.#hasWork) this.#schedule();
  }

  get #hasWork(): boolean {
    return this.#queue.size > 0 || this.#transaction !== null || this.#leftOpen !== null;
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
    // Without its End, which was not proposed, it never takes effect.
    this.#giveUpTransaction();
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
    if (this.#leftOpen !== null) this.#abortLeftOpen(this.#leftOpen);
    else if (this.#transaction !== null) this.#goOnWith(this.#transaction);
    else this.#executeNext();
    if (this.#hasWork) this.#schedule();
  }

  #executeNext(): void {
    const operations = this.#queue.take(runtimeLimits.operationsPerBatchMax);
    if (operations.length > 0) this.#execute(operations.filter((pending) => this.#isWanted(pending)));
  }

  /** Whoever waited for it may have been told already that its time is over. A heartbeat has arrived all the same. */
  #isWanted(pending: PendingOperation): boolean {
    if (pending.reply.isSettled) this.#changers.delete(pending);
    return !pending.reply.isSettled || pending.awaitsBarrier;
  }

  #execute(operations: readonly PendingOperation[]): void {
    const draft = this.#beginBatch();
    const settlements: Settlement[] = [];
    let left: Left | null = null;
    const slice = new SlicedLoop(this.#options.clock);
    for (const [at, pending] of operations.entries()) {
      // A deletion may have a thousand partitions behind one record.
      const taken = at > 0 && slice.isOver ? 'full' : this.#executeOne(draft, settlements, pending);
      if (taken === 'taken') continue;
      left = { pending, taken, others: operations.slice(at + 1) };
      break;
    }
    this.#finishBatch(draft, settlements);
    if (left !== null) this.#leave(left, draft.recordCount > 0);
  }

  /** What ends a batch before it is full of what waits: the rest begins the next. */
  #leave({ pending, taken, others }: Left, hasAppended: boolean): void {
    const begins = taken === 'transaction' && !hasAppended;
    this.#queue.putBack(begins ? others : [pending, ...others]);
    if (taken === 'full') coverageMark('proposer: a full batch leaves work for the next');
    else if (taken !== 'transaction') this.#proposeQuorumChange({ pending, change: taken });
    else if (begins) this.#beginTransaction(pending);
  }

  #beginTransaction(pending: PendingOperation): void {
    this.#transaction = new OpenTransaction(pending, this.#speculative);
    this.#writePart(this.#transaction, new SlicedLoop(this.#options.clock));
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

  #beginBatch(base = this.#speculative): BatchDraft {
    return new BatchDraft(base, this.#options.epoch, this.#timestampMs());
  }

  /** Timestamps never decrease in the log, whatever the wall clock does (design 11). */
  #timestampMs(): number {
    return Math.max(this.#lastTimestampMs, this.#options.clock.wallMs());
  }

  /**
   * `full`: its records no longer fit into this batch, or not behind others; a change: it wants the quorum changed
   * before it goes on; `transaction`: it has more steps than one. What throws changes nothing and is refused.
   */
  #executeOne(
    draft: BatchDraft,
    settlements: Settlement[],
    pending: PendingOperation,
  ): 'taken' | 'full' | 'transaction' | QuorumChange {
    try {
      const execution = pending.run(draft.image, operationContext(this.#options, draft, pending));
      if (this.#isHeardAlone(pending, execution)) return 'taken';
      const change = execution.outcome?.quorumChange ?? null;
      if (change !== null) return change;
      if (execution.next !== null) return 'transaction';
      const hasRecords = execution.records.length > 0;
      if (hasRecords && !draft.add(execution.records)) return 'full';
      this.#answers.taken(execution);
      settlements.push({ pending, offset: draft.image.endOffset, hasRecords, execution });
    } catch (error) {
      this.#reject(pending, error);
    }
    return 'taken';
  }

  /** Its sender was told that nothing was changed, and has said that it lives. */
  #isHeardAlone(pending: PendingOperation, execution: Execution): boolean {
    if (!pending.reply.isSettled) return false;
    coverageMark('heartbeat: heard when nobody waits for its answer');
    this.#answers.hear(execution);
    return true;
  }

  /** The next batch of the transaction that is open, unless something ends it. */
  #goOnWith(transaction: OpenTransaction): void {
    const slice = new SlicedLoop(this.#options.clock);
    if (this.#queue.hasFencing || this.#hearMeanwhile(transaction, slice)) {
      coverageMark('transaction: pre-empted by fencing');
      this.#abort(transaction, 'fencing goes before it');
      this.#queue.putBack([transaction.pending]);
      return;
    }
    // Its caller was told that nothing was changed.
    if (!this.#isWanted(transaction.pending)) {
      coverageMark('transaction: aborted for its caller has gone');
      this.#abort(transaction, 'its time is over');
      return;
    }
    this.#writePart(transaction, slice);
  }

  /**
   * Sessions go on while a transaction is written. What changes nothing is answered by the state from before it, which
   * is what every reader sees; what would write something waits. True where that is an operator's fencing.
   */
  #hearMeanwhile({ before }: OpenTransaction, slice: SlicedLoop): boolean {
    const settlements: Settlement[] = [];
    const draft = { image: before, timestampMs: this.#timestampMs() };
    const urgent = this.#queue.takeOf(['fencing', 'heartbeat'], runtimeLimits.operationsPerBatchMax);
    let fences = false;
    for (const [at, pending] of urgent.entries()) {
      if (at > 0 && slice.isOver) {
        this.#queue.putBack(urgent.slice(at));
        break;
      }
      if (!this.#isWanted(pending)) continue;
      try {
        const execution = pending.run(before, operationContext(this.#options, draft, pending));
        if (this.#isHeardAlone(pending, execution)) continue;
        this.#answers.hear(execution, before.endOffset);
        if (execution.records.length === 0 && execution.next === null) {
          settlements.push({ pending, offset: before.endOffset, hasRecords: false, execution });
          continue;
        }
        fences ||= pending.priority === 'fencing' && changesState(execution);
        if (!this.#queue.setAside(pending)) throttle(pending);
      } catch (error) {
        this.#reject(pending, error);
      }
    }
    if (settlements.length > 0) coverageMark('transaction: a heartbeat is answered within');
    this.#settle(settlements, null);
    return fences;
  }

  #writePart(transaction: OpenTransaction, slice: SlicedLoop): void {
    const { pending } = transaction;
    const draft = this.#beginBatch();
    try {
      const part = transaction.write(
        draft,
        (now) => operationContext(this.#options, now, pending),
        () => slice.isOver,
      );
      if (part.kind === 'refused') this.#refuse(transaction, part.execution);
      else if (part.kind === 'last') this.#end(transaction, draft, part.execution);
      else transaction.appended(this.#append(draft, null).bytes);
    } catch (error) {
      this.#abort(transaction, 'it could not be applied');
      this.#reject(pending, error);
    }
  }

  #end(transaction: OpenTransaction, draft: BatchDraft, execution: Execution): void {
    const { pending, before, bytes } = transaction;
    const offset = draft.image.endOffset;
    const proposal = this.#append(draft, { since: before.endOffset, bytesBefore: bytes });
    this.#leaveTransaction();
    this.#answers.taken(execution);
    this.#settle([{ pending, offset, hasRecords: true, execution }], proposal);
  }

  /** One of its later steps is refused: nothing of it takes effect, and its answer is recorded like any other. */
  #refuse(transaction: OpenTransaction, execution: Execution): void {
    coverageMark('transaction: aborted for one of its operations is refused');
    this.#abort(transaction, 'one of its operations is refused');
    // At once: the refusal follows from the state that the Abort has brought back, and from no later one.
    if (this.#isWanted(transaction.pending))
      this.#execute([{ ...transaction.pending, run: () => execution }]);
  }

  /** Everything since its Begin takes no effect. */
  #abort(transaction: OpenTransaction, reason: string): void {
    const { before, bytes } = transaction;
    if (transaction.hasBegun) this.#appendAbort(before, bytes, reason);
    this.#leaveTransaction();
  }

  #leaveTransaction(): void {
    this.#transaction = null;
    this.#queue.takeBackAside();
  }

  #abortLeftOpen(before: MetadataImage): void {
    coverageMark('transaction: aborted by the next leader');
    this.#leftOpen = null;
    this.#appendAbort(before, 0, 'its leader has lost the lead');
  }

  /** The state goes back to the one from before Begin; the log goes on where it is. */
  #appendAbort(before: MetadataImage, bytesBefore: number, reason: string): void {
    const base = createImageBuilder(before).freeze(this.#speculative.endOffset, this.#options.epoch);
    const draft = this.#beginBatch(base);
    draft.add([{ type: 'AbortTransactionRecord', reason }]);
    this.#append(draft, { since: before.endOffset, bytesBefore });
  }

  #giveUpTransaction(): void {
    const transaction = this.#transaction;
    this.#leaveTransaction();
    if (transaction !== null) failUnanswered(transaction.pending, false);
  }

  #finishBatch(draft: BatchDraft, settlements: readonly Settlement[]): void {
    const since = draft.baseOffset;
    const proposal = draft.recordCount === 0 ? null : this.#append(draft, { since, bytesBefore: 0 });
    this.#settle(settlements, proposal);
  }

  /** Their answers wait, and work that is to go on is taken in. */
  #settle(settlements: readonly Settlement[], proposal: AppendedProposal | null): void {
    this.#answers.add(settlements, proposal, (pending) => this.#hasChangedQuorum(pending));
    for (const { pending, execution } of settlements) {
      this.#changers.delete(pending);
      const continueWith = execution.outcome?.continueWith ?? null;
      if (continueWith !== null) this.offer(internalWork(continueWith));
    }
    this.#answers.release(this.#appliedOffset);
  }

  #append(
    draft: BatchDraft,
    shows: { readonly since: Offset; readonly bytesBefore: number } | null,
  ): AppendedProposal {
    const { epoch } = this.#options;
    const { baseOffset, timestampMs } = draft;
    const { batch, image } = draft.finish();
    const bytes = batch.payload.length;
    const proposalId = this.#nextProposalId++;
    const proposal: AppendedProposal = { bytes, isAppended: true };
    this.#appended.set(proposalId, proposal);
    this.#bytesInFlight += bytes;
    this.#speculative = image;
    this.#lastTimestampMs = timestampMs;
    const { uncleanElectionCount } = draft;
    if (uncleanElectionCount > 0) this.#options.onUncleanElections(uncleanElectionCount);
    this.#options.propose({
      proposalId,
      epoch,
      baseOffset,
      batch,
      image,
      shows: shows === null ? null : { since: shows.since, bytes: shows.bytesBefore + bytes },
    });
    return proposal;
  }

  #reject(pending: PendingOperation, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onRejected(pending.name, reason);
    pending.reply.fail('UNKNOWN_SERVER_ERROR', 'The operation could not be applied; nothing was changed.');
  }
}

function throttle({ reply }: PendingOperation): void {
  const { retryAfterMs } = runtimeLimits;
  reply.fail('THROTTLING_QUOTA_EXCEEDED', 'Too many operations wait on the leader.', { retryAfterMs });
}

/** An answer that is to be remembered is no change: repeated under keys of their own, such would go on for ever. */
function changesState({ records }: Execution): boolean {
  return records.some((record) => !isAnswerRecord(record));
}

/** What its batch had no place for, why, and what waited behind it. */
type Left = {
  readonly pending: PendingOperation;
  readonly taken: 'full' | 'transaction' | QuorumChange;
  readonly others: readonly PendingOperation[];
};

type Changing = { readonly pending: PendingOperation; readonly change: QuorumChange };
