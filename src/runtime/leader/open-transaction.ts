import type { MetadataImage } from '../../metadata/image.ts';
import type { OperationContext } from '../../metadata/operation.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import { limits } from '../../metadata/limits.ts';
import type { BatchDraft } from './batch-draft.ts';
import type { Execution, PendingOperation } from './operation-queue.ts';

/** What the next batch of a transaction comes to. */
export type Part =
  | { readonly kind: 'more' }
  /** End stands in it: the operation is executed to its end. */
  | { readonly kind: 'last'; readonly execution: Execution }
  /** A later step was refused, with the answer that is due for it: the whole takes no effect. */
  | { readonly kind: 'refused'; readonly execution: Execution };

const end: MetadataRecord = { type: 'EndTransactionRecord' };

/**
 * An operation that is written by steps, as one metadata transaction (KIP-868; `resources/transaction/README.md` has
 * the invariants and why they hold).
 */
export class OpenTransaction {
  readonly pending: PendingOperation;
  /** The state from before Begin, which is what everybody sees until End is committed. */
  readonly before: MetadataImage;
  /** Of its batches so far. */
  bytes = 0;
  #step: PendingOperation['run'];
  #hasBegun = false;

  constructor(pending: PendingOperation, before: MetadataImage) {
    this.pending = pending;
    this.before = before;
    this.#step = pending.run;
  }

  /** Something of it is in the log, and would have to be aborted. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /**
   * Executes steps into `draft` until it holds enough, or `isTimeOver`. Throws what a step or its replay throws.
   */
  write(
    draft: BatchDraft,
    contextOf: (draft: BatchDraft) => OperationContext,
    isTimeOver: () => boolean,
  ): Part {
    if (!this.#hasBegun) {
      const name = this.pending.name.slice(0, limits.topicNameLengthMax);
      draft.add([{ type: 'BeginTransactionRecord', name }]);
    }
    do {
      const context = contextOf(draft);
      const execution = this.#step(draft.image, context);
      if (execution.outcome === null) return { kind: 'refused', execution };
      // What does not fit is made again at the offset that it gets: records may hold it.
      if (execution.records.length > 0 && !draft.add(execution.records, 1)) break;
      if (execution.next === null) {
        draft.add([end]);
        return { kind: 'last', execution };
      }
      this.#step = execution.next;
      if (draft.recordCount >= context.recordsPerStepMax) break;
    } while (!isTimeOver());
    return { kind: 'more' };
  }

  /** A batch of it was proposed. */
  appended(bytes: number): void {
    this.#hasBegun = true;
    this.bytes += bytes;
  }
}
