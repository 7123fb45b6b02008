import { coverageMark } from '../base/coverage-marks.ts';
import type { Clock } from '../ports/clock.ts';
import type { RoleName } from '../raft/effects.ts';
import { runtimeLimits } from './limits.ts';

export type HandOverOptions = {
  readonly clock: Clock;
  readonly role: () => RoleName;
  /** Another controller is known to lead. */
  readonly hasSuccessor: () => boolean;
  /** There is another voter that could lead, and that is not known to have ended. */
  readonly hasOtherVoters: () => boolean;
  /** Requests that this node still owes an answer. */
  readonly pendingCount: () => number;
  readonly resign: () => void;
  /** Everything pending was answered and another leads, or it has taken too long. */
  readonly onDone: () => void;
};

/**
 * The end of a node that is asked to stop: it takes nothing more, answers what it has taken, hands leadership
 * over if it has it, and waits until another leads. Each of this is bounded by time: a node whose quorum is
 * gone stops all the same.
 */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #beganMs: number;
  #hasResigned = false;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#look();
  }

  #look(): void {
    const { clock, onDone } = this.#options;
    const elapsedMs = clock.monotonicMs() - this.#beganMs;
    const isLate = elapsedMs >= runtimeLimits.handOverMs;
    if (isLate) coverageMark('hand-over: nobody leads in time');
    if (isLate || this.#isOver(elapsedMs)) {
      clock.afterPendingEvents(onDone);
      return;
    }
    clock.setTimer(runtimeLimits.handOverLookMs, () => this.#look());
  }

  #isOver(elapsedMs: number): boolean {
    const { role, resign, pendingCount, hasSuccessor, hasOtherVoters } = this.#options;
    const isDrained = pendingCount() === 0;
    if (!isDrained && elapsedMs < runtimeLimits.drainMs) return false;
    if (!isDrained) coverageMark('hand-over: answers are still owed');
    if (role() === 'leader') {
      this.#hasResigned = true;
      resign();
    }
    return !this.#hasResigned || hasSuccessor() || !hasOtherVoters();
  }
}
