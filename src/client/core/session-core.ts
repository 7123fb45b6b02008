import { assert } from '../../base/assert.ts';
import type { IdempotencyKey } from '../../ports/transport.ts';

/** A place in a session, which one write keeps over all its attempts. */
export type Slot = { readonly sessionId: number; readonly sequence: number };

/**
 * The client's side of exactly once (design 14): which session is open, which sequences are outstanding,
 * and what the server may forget.
 *
 * Invariants
 * 1. A sequence is given out once in its session.
 * 2. `forgetBelow` never passes a sequence that is outstanding, so the server can still answer all of them.
 * 3. No sequence is given out that lies `windowMax` or more above the lowest outstanding one.
 * 4. After `lost(id)` no further sequence of that session is given out.
 */
export class SessionCore {
  readonly #windowMax: number;
  #sessionId: number | null = null;
  #nextSequence = 0;
  /** In ascending order, because sequences are given out in that order. */
  readonly #outstanding = new Set<number>();

  /** `windowMax`: how many sequences, counted from the oldest outstanding one, the server remembers. */
  constructor(windowMax: number) {
    assert(windowMax >= 1, 'a session has room for at least one sequence');
    this.#windowMax = windowMax;
  }

  get sessionId(): number | null {
    return this.#sessionId;
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** A session was opened; the one before, if any, is over. */
  opened(sessionId: number): void {
    assert(this.#sessionId === null, 'a session was opened while another is in use');
    this.#sessionId = sessionId;
    this.#nextSequence = 0;
    this.#outstanding.clear();
  }

  /** False while the oldest outstanding write holds the window open: the server would refuse one more. */
  canAllocate(): boolean {
    return this.#nextSequence - this.#lowestOutstanding() < this.#windowMax;
  }

  allocate(): Slot {
    assert(this.#sessionId !== null, 'a sequence was asked for without a session');
    assert(this.canAllocate(), 'a sequence was asked for beyond the window');
    const sequence = this.#nextSequence++;
    this.#outstanding.add(sequence);
    return { sessionId: this.#sessionId, sequence };
  }

  /** The header for one more attempt; what it lets the server forget grows with what was released. */
  keyFor(slot: Slot): IdempotencyKey {
    const isCurrent = slot.sessionId === this.#sessionId;
    // In a session that is over nothing is released any more, and 0 forgets nothing.
    const forgetBelow = isCurrent ? this.#lowestOutstanding() : 0;
    assert(forgetBelow <= slot.sequence, `sequence ${slot.sequence} would be forgotten while it is used`);
    return { ...slot, forgetBelow };
  }

  /** The write is over for its caller, be its outcome known or not. */
  release(slot: Slot): void {
    if (slot.sessionId === this.#sessionId) this.#outstanding.delete(slot.sequence);
  }

  /** The server does not know this session (any more). */
  lost(sessionId: number): void {
    if (sessionId !== this.#sessionId) return;
    this.#sessionId = null;
    this.#outstanding.clear();
  }

  #lowestOutstanding(): number {
    for (const sequence of this.#outstanding) return sequence;
    return this.#nextSequence;
  }
}
