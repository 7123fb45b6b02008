import type { TopicId } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationStep } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { defineRecord, int32, uuidType } from '../../schema.ts';
import { removeConfigs } from '../config/alter.ts';
import { transactionsMetadataVersion } from '../transaction/resource.ts';
import { hasTransactions, recordsPerStep } from '../transaction/steps.ts';
import { partitionCount } from './state.ts';

/**
 * The partitions of a topic from `fromPartition` on go. It stands only in a transaction at whose end the topic is
 * removed: it does nothing that `RemoveTopicRecord` would not do, but no more at once than one slice of work may. So
 * whoever does not know it may take it for a no-op.
 */
export const removePartitionsRecord = defineRecord({
  name: 'RemovePartitionsRecord',
  id: 1021,
  metadataVersions: [transactionsMetadataVersion],
  fields: { topicId: uuidType, fromPartition: int32 },
});

type Removal<Response> = {
  readonly topic: { readonly topicId: TopicId; readonly name: string };
  readonly response: Response;
};

/**
 * Removes a topic: its partitions from the last one down, as many in a step as a step may have records, and with the
 * last of them the topic itself. One that has no more than these goes by one record, as in Kafka.
 */
export function removeInSteps<Response>(removal: Removal<Response>): OperationStep<Response> {
  return (image, context) => {
    const { topic, response } = removal;
    const count = partitionCount(image.topic, topic.topicId);
    const left = count - partitionsPerStep(image, context);
    if (left > 0) {
      const records = removedDownTo(topic.topicId, count, left);
      return ok({ records, response, next: removeInSteps(removal), readsItsSteps: true });
    }
    const records: readonly MetadataRecord[] = [
      ...removeConfigs(image, { type: 'topic', name: topic.name }),
      { type: 'RemoveTopicRecord', topicId: topic.topicId },
    ];
    return ok({ records, response });
  };
}

/** Without transactions a topic goes whole, whatever its size. */
function partitionsPerStep(image: MetadataImage, context: OperationContext): number {
  return hasTransactions(image) ? recordsPerStep(image, context) : limits.partitionsPerTopicMax;
}

/** So many by one record that whoever replays it may look at the clock behind each. */
function removedDownTo(topicId: TopicId, count: number, left: number): readonly MetadataRecord[] {
  const records: MetadataRecord[] = [];
  let fromPartition = count;
  while (fromPartition > left) {
    fromPartition = Math.max(left, fromPartition - limits.partitionsPerRemovalMax);
    records.push({ type: 'RemovePartitionsRecord', topicId, fromPartition });
  }
  return records;
}
