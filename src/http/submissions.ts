import { assert } from '../base/assert.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { ControllerAnswer, ControllerApi, ControllerRequest } from '../runtime/controller-api.ts';
import type { HttpLimits } from './options.ts';

type Pending = {
  readonly respond: (outcome: SubmissionOutcome) => void;
  readonly guard: NodeJS.Timeout;
};

/** `silent`: the controller has not answered within the request's own timeout and the grace after it. */
export type SubmissionOutcome =
  | { readonly type: 'answered'; readonly answer: ControllerAnswer }
  | { readonly type: 'silent' };

/**
 * Hands requests to the controller, those of one turn of the event loop together, and brings each answer to
 * its request.
 *
 * Invariants
 * 1. Every admitted request is responded to exactly once, by the controller or by its guard.
 * 2. At most `pendingMax` requests are pending, and administration takes no more than its own share.
 */
export class Submissions {
  readonly #controller: ControllerApi;
  readonly #limits: HttpLimits;
  readonly #pending = new Map<number, Pending>();
  #gathered: ControllerRequest[] = [];
  #lastRequestId = 0;

  constructor(controller: ControllerApi, limits: HttpLimits) {
    this.#controller = controller;
    this.#limits = limits;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Whether one more request of this priority may be submitted now. */
  hasRoom(priority: OperationDescription['priority']): boolean {
    const isAdministration = priority === 'administration';
    const max = isAdministration ? this.#limits.administrationPendingMax : this.#limits.pendingMax;
    return this.#pending.size < max;
  }

  submit(request: Omit<ControllerRequest, 'requestId'>, respond: (outcome: SubmissionOutcome) => void): void {
    assert(this.#pending.size < this.#limits.pendingMax, 'a request was submitted without asking for room');
    const requestId = ++this.#lastRequestId;
    const guardMs = request.timeoutMs + this.#limits.answerGraceMs;
    const guard = setTimeout(() => this.#settle(requestId, { type: 'silent' }), guardMs);
    this.#pending.set(requestId, { respond, guard });
    this.#gathered.push({ ...request, requestId });
    // Immediates run after the sockets that are readable now were read: their requests go together.
    if (this.#gathered.length === 1) setImmediate(() => this.#flush());
  }

  /** Responds to everything that is pending as if its time were over. */
  giveUp(): void {
    for (const requestId of this.#pending.keys()) this.#settle(requestId, { type: 'silent' });
  }

  #flush(): void {
    const requests = this.#gathered;
    this.#gathered = [];
    this.#controller.submit(requests, (answer) =>
      this.#settle(answer.requestId, { type: 'answered', answer }),
    );
  }

  #settle(requestId: number, outcome: SubmissionOutcome): void {
    const pending = this.#pending.get(requestId);
    // An answer that comes after the guard has spoken finds nobody who waits for it.
    if (pending === undefined) return;
    this.#pending.delete(requestId);
    clearTimeout(pending.guard);
    pending.respond(outcome);
  }
}
