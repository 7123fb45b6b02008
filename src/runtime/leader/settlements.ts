import { coverageMark } from '../../base/coverage-marks.ts';
import type { Offset } from '../../base/brands.ts';
import type { Clock } from '../../ports/clock.ts';
import { type DeferredAnswer, DeferredAnswers } from '../answers/deferred-answers.ts';
import type { BrokerSessions } from '../sessions/broker-sessions.ts';
import type { GroupSessions } from '../sessions/group-sessions.ts';
import type { Execution, PendingOperation } from './operation-queue.ts';

export type SettlementsOptions = {
  readonly clock: Clock;
  readonly sessions: BrokerSessions;
  readonly groupSessions: GroupSessions;
  /** Heartbeats (design 13), and what has appended nothing, are answered after a barrier begun after their arrival. */
  awaitBarrier(confirmed: () => void, failed: () => void): void;
};

/** An operation that was executed, and where. */
export type Settlement = {
  readonly pending: PendingOperation;
  readonly offset: Offset;
  readonly hasRecords: boolean;
  readonly execution: Execution;
};

export type AppendedProposal = { readonly bytes: number; isAppended: boolean };

/** The answers of what was executed: each waits until everything that it saw is committed (design 10). */
export class Settlements {
  readonly #options: SettlementsOptions;
  readonly #answers = new DeferredAnswers();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#answers.size;
  }

  /**
   * Defers the answers of one batch, which was proposed unless nothing of it has records. `hasChangedQuorum` tells of
   * an operation whether it has had the quorum changed before.
   */
  add(
    settlements: readonly Settlement[],
    proposal: AppendedProposal | null,
    hasChangedQuorum: (pending: PendingOperation) => boolean = () => false,
  ): void {
    let isBarrierAwaited = false;
    const barrier = new SharedBarrier();
    for (const { pending, offset, hasRecords, execution } of settlements) {
      const hasChanged = hasChangedQuorum(pending);
      // A refusal changes nothing by which a deposed leader would be found out, so that others may know better.
      const awaitsBarrier = pending.awaitsBarrier || (!hasRecords && !pending.isInternal);
      isBarrierAwaited ||= awaitsBarrier;
      const isUnknown = (): boolean =>
        hasChanged || execution.mayStandAlready || (hasRecords && (proposal?.isAppended ?? false));
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
  }

  /** Everything below `offset` is committed and applied. */
  release(offset: Offset): void {
    this.#answers.release(offset);
  }

  failAll(): void {
    this.#answers.failAll();
  }

  /**
   * Brokers and members that were heard, or are to be forgotten, by what stands in its batch: before the next of
   * the batch looks for silence.
   */
  taken(execution: Execution): void {
    this.hear(execution);
    this.#forget(execution);
  }

  /**
   * Brokers and members that were heard, whether or not anything is written of it. An epoch is the offset of the record
   * that gives it: whoever has one of `knownBelow` or later is only made known by what waits to be written.
   */
  hear({ outcome }: Execution, knownBelow: number = Number.MAX_SAFE_INTEGER): void {
    const { sessions, groupSessions, clock } = this.#options;
    const { heard, heardMember } = outcome ?? {};
    if (heard !== undefined && heard.brokerEpoch < knownBelow) {
      sessions.heard(heard.brokerId, heard.metadataOffset, clock.monotonicMs());
    }
    if (heardMember !== undefined && heardMember.memberEpoch < knownBelow) {
      groupSessions.heard(heardMember, clock.monotonicMs());
    }
  }

  #forget({ outcome }: Execution): void {
    const { sessions, groupSessions } = this.#options;
    if (outcome?.forgotten !== undefined) sessions.remove(outcome.forgotten);
    if (outcome?.forgottenMember !== undefined) groupSessions.remove(outcome.forgottenMember);
  }
}

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
export function failUnanswered(pending: PendingOperation, isAppended: boolean): void {
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
