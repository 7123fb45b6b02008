import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { configRowOf } from '../config/effective.ts';
import { type ConfigRecord, resourceTypes } from '../config/records.ts';
import { column } from './partition-row.ts';
import type { ClearElrRecord } from './records.ts';

const minIsrConfig = 'min.insync.replicas';

/**
 * What must come beside a change of `min.insync.replicas`, in the same batch: the ELRs of the topics whose min ISR
 * it is are cleared (KIP-966). Under a lower one their ISRs may commit what the eligible replicas do not hold.
 */
export function elrClearings(
  image: MetadataImage,
  changes: readonly ConfigRecord[],
): readonly ClearElrRecord[] {
  const changed = changes.filter(({ name }) => name === minIsrConfig);
  const isDefault = changed.some(
    ({ resourceType, resourceName }) => resourceType === resourceTypes.broker && resourceName === '',
  );
  const names = new Set(
    changed
      .filter(({ resourceType }) => resourceType === resourceTypes.topic)
      .map((record) => record.resourceName),
  );
  const affected = topicsWithElr(image).filter(
    (topic) => names.has(topic) || (isDefault && !hasItsOwn(image, topic)),
  );
  // Too many to be named: the empty name means all of them.
  const topics = affected.length > limits.clearElrRecordsMax ? [''] : affected;
  return topics.map((topicName) => ({ type: 'ClearElrRecord', topicName }));
}

function hasItsOwn(image: MetadataImage, topic: string): boolean {
  const configs = configRowOf(image, { type: 'topic', name: topic })?.configs ?? [];
  return configs.some(({ name }) => name === minIsrConfig);
}

function topicsWithElr({ topic }: MetadataImage): readonly string[] {
  const slots = new Set<number>();
  for (const slot of topic.withElr.valuesFrom(0)) slots.add(topic.partitions.column(slot, column.topicSlot));
  return [...slots].map((slot) => topic.topics.rows.row(slot).name);
}
