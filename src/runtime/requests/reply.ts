import type { Epoch, NodeId, Offset } from '../../base/brands.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { ControllerAnswer, ControllerRequest } from '../controller-api.ts';
import type { Reply, ReplyDetails } from '../leader/operation-queue.ts';

/** Where the node stands at the moment an answer is given. */
export type AnswerHeader = {
  readonly offset: Offset;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
};

/** Answers one request exactly once; whoever comes later (a deadline, a commit after it) does nothing. */
export class RequestReply implements Reply {
  readonly #request: ControllerRequest;
  readonly #complete: (answer: ControllerAnswer) => void;
  readonly #header: () => AnswerHeader;
  #afterwards: (() => void)[] = [];
  #isSettled = false;
  #isExposed = false;

  constructor(
    request: ControllerRequest,
    header: () => AnswerHeader,
    complete: (answer: ControllerAnswer) => void,
  ) {
    this.#request = request;
    this.#complete = complete;
    this.#header = header;
  }

  /** Runs `forget` when the answer is given: nobody needs to wait for it any more. */
  afterwards(forget: () => void): void {
    if (this.#isSettled) forget();
    else this.#afterwards.push(forget);
  }

  expose(): void {
    this.#isExposed = true;
  }

  get isExposed(): boolean {
    return this.#isExposed;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  succeed(response: unknown, offset: Offset, modifiedOffset: Offset | null): void {
    const { epoch, leaderId } = this.#header();
    this.#settle({
      requestId: this.#request.requestId,
      offset,
      epoch,
      leaderId,
      forwarded: false,
      modifiedOffset,
      result: { ok: true, response },
    });
  }

  fail(code: ErrorCode, message: string, more: ReplyDetails = {}): void {
    const { offset, epoch, leaderId } = this.#header();
    this.#settle({
      requestId: this.#request.requestId,
      offset: more.offset ?? offset,
      epoch,
      leaderId,
      forwarded: false,
      result: {
        ok: false,
        code,
        message,
        details: more.details ?? null,
        retryAfterMs: more.retryAfterMs ?? null,
      },
    });
  }

  /** Gives the leader's answer as it is, under this request's own number. */
  pass(answer: ControllerAnswer): void {
    this.#settle({ ...answer, requestId: this.#request.requestId, forwarded: true });
  }

  #settle(answer: ControllerAnswer): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    for (const forget of afterwards) forget();
    this.#complete(answer);
  }
}
