import { coverageMark } from '../../../base/coverage-marks.ts';
import type { Offset } from '../../../base/brands.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { InternalOperation } from '../../operation.ts';
import { column, lastModifiedOf, list } from '../topic/partition-row.ts';
import { noLeader } from '../topic/records.ts';
import { partitionAt } from '../topic/state.ts';
import { Elector } from './elect.ts';

/**
 * Preferred balancing: gives partitions back to their first replica, a bounded batch at a time. Each change is one that
 * `electLeaders` would make, so it is as safe, and an operation that comes in between does no harm.
 *
 * It waits until the replica is warm. That is so when nothing has happened to the partition and to the broker, as
 * the log has it, since `quietSince`: a broker that has come back has then been in sync, and been left alone, for
 * that long. Where an ISR comes and goes, or replicas are moved, leadership is not moved on top of that.
 *
 * @param quietSince an offset of the log, the end of it when it was looked before
 */
export function balanceLeaders(quietSince: Offset): InternalOperation {
  return continueBalancing(quietSince, 0);
}

function continueBalancing(quietSince: Offset, from: number): InternalOperation {
  return {
    name: 'balanceLeaders',
    priority: 'administration',
    handle: (image) => {
      const elector = new Elector(image);
      const next = balanceFrom(image, elector, quietSince, from);
      return {
        records: elector.records,
        continueWith: next === null ? null : continueBalancing(quietSince, next),
      };
    },
  };
}

/** The slot at which the next batch goes on; null at the end. */
function balanceFrom(
  image: MetadataImage,
  elector: Elector,
  quietSince: Offset,
  from: number,
): number | null {
  const { topic, broker } = image;
  let visited = 0;
  for (const slot of topic.partitions.slots(from)) {
    if (visited >= limits.repairRowsVisitedMax || elector.records.length >= limits.repairChangesMax)
      return slot;
    visited++;
    const leader = topic.partitions.column(slot, column.leader);
    const preferred = topic.partitions.array(slot, list.replicas)[0] ?? noLeader;
    if (leader === noLeader || leader === preferred) continue;
    const candidate = broker.brokers.get(preferred);
    const isWarm =
      candidate !== null &&
      candidate.lastModified < quietSince &&
      lastModifiedOf(topic.partitions, slot) < quietSince &&
      topic.partitions.array(slot, list.addingReplicas).length === 0 &&
      topic.partitions.array(slot, list.removingReplicas).length === 0;
    if (!isWarm) continue;
    coverageMark('election: leadership is given back');
    elector.elect(partitionAt(topic, slot), 'preferred');
  }
  return null;
}
