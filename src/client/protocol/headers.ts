/**
 * The names that HTTP answers and requests use beside the standard ones. Server, client and command line
 * read them from here, so that one cannot spell them differently from another.
 */
export const headerNames = {
  /** Committed offset (exclusive end) that the answer reflects (design 10). */
  offset: 'ottla-offset',
  /** Epoch of the node that answers. */
  epoch: 'ottla-epoch',
  /** Id of the controller that answers; a client learns by it which of its endpoints the leader is. */
  node: 'ottla-node',
  /** Id of the controller that leads, or `none`. */
  leader: 'ottla-leader',
  /** `true` when another node than the one asked has executed the request. */
  forwarded: 'ottla-forwarded',
  /** `true` when a write was only validated: nothing was changed. */
  validateOnly: 'ottla-validate-only',
  idempotencyKey: 'idempotency-key',
  ifMatch: 'if-match',
  retryAfter: 'retry-after',
} as const;

/** What `ottla-leader` says while nobody is known to lead. */
export const noLeader = 'none';

/** Query parameters that every operation below `/v1` understands. */
export const commonQueryNames = {
  consistency: 'consistency',
  minOffset: 'min_offset',
  /** Of reads: the state at this very offset. */
  atOffset: 'at_offset',
  timeoutMs: 'timeout_ms',
  /** Of writes: say what would be done, and do nothing. */
  validateOnly: 'validate_only',
} as const;

export const problemContentType = 'application/problem+json';
export const jsonContentType = 'application/json';

/** Every operation but the probes stands below this. */
export const apiPrefix = '/v1';
