import type { TopicId } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import type { OperationStep } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import { recordsPerStep } from '../transaction/steps.ts';
import { type Assignments, partitionRecords, placeAssignments } from './assignment.ts';
import type { PlacementRules } from './placement-rules.ts';

/** Partitions that a topic is to have from `first` on. */
export type NewPartitions = {
  readonly topicId: TopicId;
  readonly first: number;
  readonly count: number;
  readonly replicationFactor: number;
  /** Their replicas, where the caller has said them. */
  readonly given: Assignments | null;
  readonly rules: PlacementRules;
};

/**
 * Adds them, so many at once as a step may have. Each lot is placed by itself from a start of its own, so that a step
 * costs what it adds: brokers have as many replicas of the whole as with one placement, but for one a lot.
 */
export function addInSteps<Response>(
  partitions: NewPartitions,
  response: Response,
  head: readonly MetadataRecord[] = [],
): OperationStep<Response> {
  return (image, context) => {
    const { topicId, first, count, replicationFactor, given, rules } = partitions;
    const lot = Math.min(count, Math.max(1, recordsPerStep(image, context) - head.length));
    const assignments =
      given === null
        ? placeAssignments(image, lot, replicationFactor, rules, context)
        : ok(given.slice(0, lot));
    if (!assignments.ok) return assignments;
    const rest = {
      ...partitions,
      first: first + lot,
      count: count - lot,
      given: given?.slice(lot) ?? null,
    };
    return ok({
      records: [...head, ...partitionRecords(image, topicId, first, assignments.value)],
      response,
      next: rest.count === 0 ? null : addInSteps(rest, response),
    });
  };
}
