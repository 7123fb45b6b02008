import { unreadableLog } from '../../src/runtime/requests/past-read.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { type CallAnswer, type CallJudge, isDefinitive } from '../workload/operators/call-ledger.ts';
import { describe, findOtherAnswer } from './replayed-answer.ts';

/**
 * A read at an offset shows what the replay of the committed log up to that very offset gives, whichever node answers
 * and whatever it has been through:
 * 1. An answer of the operation stands at the offset that was asked for, and is what the operation answers there.
 * 2. It is refused as gone only for an offset that is not from the oldest to the newest which the refusal names.
 * 3. A disk that rots under a node may fail the read, which says so.
 * 4. It is refused as torn only within a batch, of which the refusal names the beginning and the end.
 */
export function pastEqualsReplay(cluster: ClusterObservation, witness: MetadataWitness): Checker & CallJudge {
  const checker: Checker & CallJudge = {
    name: 'a read of the past equals replay',
    source: 'design 12, 21; etcd robustness tests, range at a revision; Cockroach AS OF SYSTEM TIME',
    answered(given) {
      const { atOffset, answer, entry, operationId } = given;
      if (atOffset === null || !isDefinitive(answer)) return;
      const fault = findFault(given, atOffset);
      if (fault !== null) {
        cluster.fail(checker, `call ${entry.id} (${operationId}) at ${atOffset}: ${fault}`);
      }
    },
  };

  function findFault(given: CallAnswer, at: number): string | null {
    const { result, offset } = given.answer;
    const details = result.ok ? null : result.details;
    if (!result.ok && result.code === 'OFFSET_OUT_OF_RANGE') {
      const { oldestOffset = 0, newestOffset = Number.MAX_SAFE_INTEGER } = numbersOf(details);
      const isHeld = oldestOffset <= at && at <= newestOffset;
      return isHeld ? `it is gone, and from ${oldestOffset} to ${newestOffset} all is held` : null;
    }
    if (!result.ok && result.code === 'UNKNOWN_SERVER_ERROR' && result.message === unreadableLog) return null;
    if (!result.ok && details?.['batchBaseOffset'] !== undefined) {
      const { batchBaseOffset, batchEndOffset } = numbersOf(details);
      const isOne = witness.batchAround(at)?.join() === `${batchBaseOffset},${batchEndOffset}`;
      return isOne ? null : `it is said to lie within a batch from ${batchBaseOffset} to ${batchEndOffset}`;
    }
    if (offset !== at) return `it is answered ${describe(result)} at ${offset}`;
    const image = witness.imageAt(at);
    if (image === null) return 'it is answered, and that is not committed';
    if (witness.batchAround(at) !== null) return 'it is answered within a batch';
    return findOtherAnswer(given, image, cluster);
  }
  return checker;
}

type Numbers = Readonly<Record<string, number | undefined>>;

/** What a refusal names are offsets. */
function numbersOf(details: Readonly<Record<string, unknown>> | null): Numbers {
  return { ...details } as Numbers;
}
