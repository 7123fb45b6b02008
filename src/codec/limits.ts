import { assert } from '../base/assert.ts';

/**
 * What a decoder takes at most. They guard against hostile bytes, so each is far above what a correct
 * peer sends and far below what would harm this process. The relations between them are asserted below.
 */
export const codecLimits = {
  /** Encoded records of one batch (design 2). */
  batchPayloadBytesMax: 1_048_576,
  batchRecordsMax: 10_000,
  /** Batches in one fetch answer. */
  fetchBatchesMax: 65_536,
  /** One peer message, whatever it carries. */
  peerMessageBytesMax: 16_777_216,
  snapshotChunkBytesMax: 8_388_608,
  forwardedBytesMax: 8_388_608,
  votersMax: 128,
  hostCharactersMax: 255,
  featuresMax: 64,
  featureNameCharactersMax: 249,
  operationIdCharactersMax: 128,
  principalCharactersMax: 4_096,
  /** Arrays within arrays; the deepest legal message has six. */
  nestingMax: 8,
  /** Values in one msgpack text, so that an array of a million nils is refused before it is built. */
  valuesMax: 200_000,
} as const;

assert(
  codecLimits.batchPayloadBytesMax * 8 <= codecLimits.peerMessageBytesMax,
  'a message must have room for a batch of full size and more',
);
assert(
  codecLimits.snapshotChunkBytesMax * 2 <= codecLimits.peerMessageBytesMax,
  'a message must have room for a snapshot chunk of full size',
);
assert(
  codecLimits.forwardedBytesMax * 2 <= codecLimits.peerMessageBytesMax,
  'a message must have room for a forwarded request of full size',
);
assert(codecLimits.fetchBatchesMax * 2 <= codecLimits.valuesMax, 'every batch of an answer is one value');
