import type { ErrorCode } from '../../errors.ts';

/** Why one partition of a request that names several is refused, for itself. */
export type PartitionRefusal = { readonly code: ErrorCode; readonly message: string };

export const unknownTopicId: PartitionRefusal = {
  code: 'UNKNOWN_TOPIC_ID',
  message: 'There is no topic with this id.',
};

export const unknownPartition: PartitionRefusal = {
  code: 'UNKNOWN_TOPIC_OR_PARTITION',
  message: 'The topic has no such partition.',
};

/** All are judged by one image: the second time the first would have to have taken effect. */
export const namedTwice: PartitionRefusal = {
  code: 'INVALID_REQUEST',
  message: 'The partition is named twice in this request.',
};

export const batchFull: PartitionRefusal = {
  code: 'OPERATION_NOT_ATTEMPTED',
  message: 'The batch is full: send the rest again.',
};
