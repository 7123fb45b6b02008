import type { Offset } from '../../base/brands.ts';
import type { InternalOperation } from '../../metadata/operation.ts';
import { balanceLeaders } from '../../metadata/resources/election/balance.ts';

/**
 * When leaders are given back to the preferred replicas: every so often while this node is the active controller. What
 * is moved has stood still since the look before, or since this node became active, so a replica that has come back
 * waits for one interval at least, and for two at most where nothing else happens.
 */
export class PreferredBalancing {
  readonly #intervalMs: number;
  #nextMs: number;
  #lookedAt: Offset;

  /** @param intervalMs 0 for never */
  constructor(intervalMs: number, nowMs: number, endOffset: Offset) {
    this.#intervalMs = intervalMs;
    this.#nextMs = intervalMs === 0 ? Number.POSITIVE_INFINITY : nowMs + intervalMs;
    this.#lookedAt = endOffset;
  }

  /** What there is to do by now; null where it is not time yet. */
  dueAt(nowMs: number, endOffset: Offset): InternalOperation | null {
    if (nowMs < this.#nextMs) return null;
    const quietSince = this.#lookedAt;
    this.#nextMs = nowMs + this.#intervalMs;
    this.#lookedAt = endOffset;
    return balanceLeaders(quietSince);
  }
}
