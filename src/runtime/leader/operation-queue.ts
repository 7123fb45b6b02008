import { assertDefined } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationContext, OperationOutcome, Priority } from '../../metadata/operation.ts';
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

/** Admission order (design, "Running"). */
const priorities: readonly Priority[] = ['fencing', 'isr', 'heartbeat', 'administration'];

/**
 * What waits to be executed, bounded per priority, so that administration can neither starve heartbeats
 * nor fill the leader's memory. What cannot be taken is refused before it is generated.
 */
export class OperationQueue {
  readonly #limitPerPriority: number;
  readonly #queues = new Map<Priority, PendingOperation[]>(priorities.map((priority) => [priority, []]));
  readonly #aside = new Map<Priority, PendingOperation[]>(priorities.map((priority) => [priority, []]));
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
    return this.takeOf(priorities, countMax);
  }

  /** The same, of some priorities. */
  takeOf(wanted: readonly Priority[], countMax: number): PendingOperation[] {
    const taken: PendingOperation[] = [];
    for (const priority of wanted) {
      if (taken.length === countMax) break;
      taken.push(...this.#queueOf(priority).splice(0, countMax - taken.length));
    }
    this.#size -= taken.length;
    return taken;
  }

  /** The leader's own fencing waits: it goes before a transaction that is open. */
  get hasFencing(): boolean {
    return this.#queueOf('fencing').some(({ isInternal }) => isInternal);
  }

  /**
   * Keeps what waits for the end of a transaction. It has as much room of its own for each priority: in that of the
   * queue, registrations that wait would keep out heartbeats, which do not. False when it is full.
   */
  setAside(pending: PendingOperation): boolean {
    const aside = placeOf(this.#aside, pending.priority);
    if (aside.length >= this.#limitPerPriority) return false;
    aside.push(pending);
    return true;
  }

  get asideCount(): number {
    return priorities.reduce((sum, priority) => sum + placeOf(this.#aside, priority).length, 0);
  }

  /** Before what came later, but for what nobody waits for any more. */
  takeBackAside(): void {
    for (const priority of priorities) {
      const aside = placeOf(this.#aside, priority).splice(0);
      this.putBack(aside.filter(({ reply }) => !reply.isSettled));
    }
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
    return placeOf(this.#queues, priority);
  }
}

function placeOf(places: ReadonlyMap<Priority, PendingOperation[]>, priority: Priority): PendingOperation[] {
  return assertDefined(places.get(priority), `no place for priority ${priority}`);
}
