import type { NodeView } from './observation.ts';

/**
 * Whether a node shows anything that its checkers have not seen. Most events change nothing that they look at: a
 * request is queued, a file is read, a timer finds nothing due.
 *
 * What a view shows is the core's, which changes in its steps alone, the log's, the checkpoint's and the state's.
 * The end of a step's effects counts as part of it, because the event that makes the step is looked at as a whole.
 */
export class LastLook {
  #hasStepped = true;
  #logEndOffset = -1;
  #flushedOffset = -1;
  #appliedOffset = -1;
  #latestSnapshot: NodeView['latestSnapshot'] = null;

  /** The core has taken an input. */
  stepped(): void {
    this.#hasStepped = true;
  }

  isOutdated(view: NodeView): boolean {
    return (
      this.#hasStepped ||
      view.logEndOffset !== this.#logEndOffset ||
      view.flushedOffset !== this.#flushedOffset ||
      view.appliedOffset !== this.#appliedOffset ||
      view.latestSnapshot !== this.#latestSnapshot
    );
  }

  /** The event is over, and everything was looked at. */
  taken(view: NodeView): void {
    this.#hasStepped = false;
    this.#logEndOffset = view.logEndOffset;
    this.#flushedOffset = view.flushedOffset;
    this.#appliedOffset = view.appliedOffset;
    this.#latestSnapshot = view.latestSnapshot;
  }
}
