import { assertDefined } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { OperationDefinition } from '../../metadata/operation.ts';
import type { ControllerRequest } from '../controller-api.ts';

/** A request that the leader will execute, and how it is answered. */
export type PendingOperation = {
  readonly operation: OperationDefinition;
  readonly request: ControllerRequest;
  readonly reply: Reply;
};

/** Answers one request once; later calls do nothing, as after its deadline. */
export type Reply = {
  readonly isSettled: boolean;
  succeed(response: unknown, offset: Offset, modifiedOffset: Offset | null): void;
  fail(code: ErrorCode, message: string, details?: ReplyDetails): void;
};

export type ReplyDetails = {
  /** Offset whose state the error was computed from; the applied offset when absent. */
  readonly offset?: Offset;
  readonly retryAfterMs?: number;
  readonly details?: Readonly<Record<string, unknown>>;
};

type Priority = OperationDefinition['priority'];

/** Admission order (design, "Running"): fencing before heartbeats before administration. */
const priorities: readonly Priority[] = ['fencing', 'heartbeat', 'administration'];

/**
 * What waits to be executed, bounded per priority, so that administration can neither starve heartbeats
 * nor fill the leader's memory. What cannot be taken is refused before it is generated.
 */
export class OperationQueue {
  readonly #limitPerPriority: number;
  readonly #queues = new Map<Priority, PendingOperation[]>(priorities.map((priority) => [priority, []]));
  #size = 0;

  constructor(limitPerPriority: number) {
    this.#limitPerPriority = limitPerPriority;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the queue of this priority is full. */
  offer(pending: PendingOperation): boolean {
    const queue = this.#queueOf(pending.operation.priority);
    if (queue.length >= this.#limitPerPriority) return false;
    queue.push(pending);
    this.#size++;
    return true;
  }

  /** Up to `countMax` operations, the most urgent first, in order of arrival within a priority. */
  take(countMax: number): PendingOperation[] {
    const taken: PendingOperation[] = [];
    for (const priority of priorities) {
      if (taken.length === countMax) break;
      taken.push(...this.#queueOf(priority).splice(0, countMax - taken.length));
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Puts back what a full batch left over, before what came later. */
  putBack(operations: readonly PendingOperation[]): void {
    for (const priority of priorities) {
      const own = operations.filter((pending) => pending.operation.priority === priority);
      this.#queueOf(priority).unshift(...own);
    }
    this.#size += operations.length;
  }

  #queueOf(priority: Priority): PendingOperation[] {
    return assertDefined(this.#queues.get(priority), `no queue for priority ${priority}`);
  }
}
