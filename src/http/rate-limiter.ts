/** What one principal may ask of one node. */
export type RateLimit = {
  /** Requests a second in the long run; each operation of a batch counts. */
  readonly perSecond: number;
  /** Requests at once, after a time of quiet. */
  readonly burst: number;
  /** Principals that are remembered; whoever was quiet for longest is forgotten first. */
  readonly principalsMax: number;
};

type Bucket = { tokens: number; filledMs: number };

/**
 * A token bucket for each principal: it fills steadily, and a request takes one out.
 *
 * A batch may take more than there is as long as there is any, and is waited for by the next request: it is
 * one request, and one that was larger than the bucket could otherwise never be sent.
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit, nowMs: () => number) {
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  get principalCount(): number {
    return this.#buckets.size;
  }

  /** 0 when the request may go on; otherwise in how many ms the next one may, and nothing was taken. */
  take(principal: string, count = 1): number {
    const bucket = this.#bucketOf(principal);
    if (bucket.tokens > 0) {
      bucket.tokens -= count;
      return 0;
    }
    return Math.max(1, Math.ceil(((1 - bucket.tokens) / this.#limit.perSecond) * 1000));
  }

  /** What belongs to a request that was let in already, such as the further operations of a batch. */
  charge(principal: string, count: number): void {
    this.#bucketOf(principal).tokens -= count;
  }

  #bucketOf(principal: string): Bucket {
    const { perSecond, burst, principalsMax } = this.#limit;
    const nowMs = this.#nowMs();
    const known = this.#buckets.get(principal);
    // Taken out and put back, so that the first of the map is whoever was quiet for longest.
    this.#buckets.delete(principal);
    const bucket = known ?? { tokens: burst, filledMs: nowMs };
    const gained = ((nowMs - bucket.filledMs) / 1000) * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + gained);
    bucket.filledMs = nowMs;
    if (this.#buckets.size >= principalsMax) {
      const [quietest] = this.#buckets.keys();
      if (quietest !== undefined) this.#buckets.delete(quietest);
    }
    this.#buckets.set(principal, bucket);
    return bucket;
  }
}
