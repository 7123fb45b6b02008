import { column, list } from './partition-row.ts';
import type { TopicState } from './state.ts';

/** For each page of partitions, how many of them another than their first replica leads (Kafka: preferred leader). */
export function* countImbalanced({ partitions }: TopicState): Generator<number, void, undefined> {
  for (let page = 0; page < partitions.pageCount; page++) {
    let count = 0;
    for (const slot of partitions.slotsOfPage(page)) {
      const preferred = partitions.array(slot, list.replicas)[0];
      if (partitions.column(slot, column.leader) !== preferred) count += 1;
    }
    yield count;
  }
}
