import type { ClientOutcome, ClientRequest } from '../hosts/host.ts';

/** One attempt of a client and what became of it. */
export type Attempt = {
  readonly request: ClientRequest;
  /** The highest offset that any client had been told of when this attempt began. */
  readonly invokedAfter: number;
  readonly node: number;
  outcome: ClientOutcome | null;
};

export type LedgerEvent = { readonly kind: 'invoked' | 'returned'; readonly attempt: Attempt };

/**
 * What clients asked and what they were told, in real time's order. A request that was answered at
 * offset S is in the past of every request that began later, so those must be answered at S or above.
 */
export class Ledger {
  readonly attempts: Attempt[] = [];
  /** Calls and answers in the order in which the clients saw them. */
  readonly events: LedgerEvent[] = [];
  readonly counts = { written: 0, read: 0, refused: 0, unknown: 0 };
  /** The highest offset that any client has been told of. */
  toldOffset = 0;
  #pending = 0;

  get pendingCount(): number {
    return this.#pending;
  }

  /** The number that the next attempt will have; numbers begin at 1, and 0 means that nothing was written. */
  get nextAttempt(): number {
    return this.attempts.length + 1;
  }

  find(attempt: number): Attempt | null {
    return this.attempts[attempt - 1] ?? null;
  }

  begin(request: ClientRequest, node: number): Attempt {
    const attempt: Attempt = { request, invokedAfter: this.toldOffset, node, outcome: null };
    this.attempts.push(attempt);
    this.events.push({ kind: 'invoked', attempt });
    this.#pending++;
    return attempt;
  }

  /** Takes in an answer after the checkers have judged it. */
  settle(attempt: Attempt, outcome: ClientOutcome): void {
    if (attempt.outcome !== null) return;
    attempt.outcome = outcome;
    this.events.push({ kind: 'returned', attempt });
    this.#pending--;
    this.counts[outcome.kind]++;
    if (outcome.kind === 'written' || outcome.kind === 'read') {
      this.told(outcome.offset);
    }
  }

  /** Somebody learnt of `offset`: whatever begins from now on is answered there or later. */
  told(offset: number): void {
    this.toldOffset = Math.max(this.toldOffset, offset);
  }
}
