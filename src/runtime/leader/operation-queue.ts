import { assertDefined } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationContext, OperationOutcome } from '../../metadata/operation.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';

/** One thing that the leader will execute: a client's operation, or work of its own. */
export type PendingOperation = {
  readonly name: string;
  readonly priority: Priority;
  readonly principal: string;
  /** Its answer also waits for a barrier round begun after its arrival (design 13). */
  readonly awaitsBarrier: boolean;
  /** The leader's own: never refused for want of room, because nobody would ask again. */
  readonly isInternal: boolean;
  readonly reply: Reply;
  /** Pure: reads the image, changes nothing. */
  readonly run: (image: MetadataImage, context: OperationContext) => Execution;
};

/** What running an operation gave: records to append, if any, and how to answer once they are committed. */
export type Execution = {
  readonly records: readonly MetadataRecord[];
  /** What the operation says beside its response; null after an error or a recorded answer. */
  readonly outcome: Pick<
    OperationOutcome<unknown>,
    'heard' | 'forgotten' | 'heardMember' | 'forgottenMember' | 'continueWith' | 'quorumChange'
  > | null;
  /**
   * The next step of what does not fit one batch, on the state that these records leave: both stand in one transaction.
   * Null for the last one, which has the answer.
   */
  readonly next: PendingOperation['run'] | null;
  /** An earlier attempt has executed it, and whether that one is committed is not known yet. */
  readonly mayStandAlready: boolean;
  answer(reply: Reply, offset: Offset): void;
};

/** Answers one request once; later calls do nothing, as after its deadline. */
export type Reply = {
  readonly isSettled: boolean;
  /** From here on it may take effect, so that the end of its time leaves its outcome unknown. */
  expose(): void;
  succeed(response: unknown, offset: Offset, modifiedOffset: Offset | null): void;
  fail(code: ErrorCode, message: string, details?: ReplyDetails): void;
};

export type ReplyDetails = {
  /** Offset whose state the error was computed from; the applied offset when absent. */
  readonly offset?: Offset;
  readonly retryAfterMs?: number;
  readonly details?: Readonly<Record<string, unknown>>;
};

export type Priority = 'fencing' | 'heartbeat' | 'administration';

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
    const queue = this.#queueOf(pending.priority);
    if (queue.length >= this.#limitPerPriority && !pending.isInternal) return false;
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

  /** Those of one priority, up to so many of them. */
  takeOf(priority: Priority, countMax: number): PendingOperation[] {
    const taken = this.#queueOf(priority).splice(0, countMax);
    this.#size -= taken.length;
    return taken;
  }

  /** The leader's own fencing waits: it goes before a transaction that is open. */
  get hasFencing(): boolean {
    return this.#queueOf('fencing').some(({ isInternal }) => isInternal);
  }

  /** Puts back what a full batch left over, before what came later. */
  putBack(operations: readonly PendingOperation[]): void {
    for (const priority of priorities) {
      const own = operations.filter((pending) => pending.priority === priority);
      this.#queueOf(priority).unshift(...own);
    }
    this.#size += operations.length;
  }

  #queueOf(priority: Priority): PendingOperation[] {
    return assertDefined(this.#queues.get(priority), `no queue for priority ${priority}`);
  }
}
