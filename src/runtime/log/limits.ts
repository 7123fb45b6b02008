import { assert } from '../../base/assert.ts';
import { codecLimits } from '../../codec/limits.ts';

/** Batches that one read of the log returns at most, however small they are. */
export const batchesPerReadMax = 8_192;

/** Bytes of batches that one frame holds at most. */
export const groupBytesMax = 4_194_304;
assert(
  codecLimits.batchPayloadBytesMax + 1_024 < groupBytesMax,
  'a frame has room for every batch, with its header',
);

// What a leader reads for an answer must be an answer that its follower takes: else a log of small batches
// could never be fetched.
assert(batchesPerReadMax < codecLimits.fetchBatchesMax, 'an answer has room for every read of the log');
