import type { Offset } from '../../src/base/brands.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import type { runOperation } from '../../src/metadata/execute.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { topicByName } from '../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { type CallAnswer, type CallJudge, isDefinitive } from '../workload/operators/call-ledger.ts';
import { identityOf } from '../workload/operators/condition.ts';
import { describe, executeAgain, findOtherAnswer } from './replayed-answer.ts';

/** Their answer also rests on what lives in the leader's memory, or on chance. */
export const restsOnMore: ReadonlySet<ErrorCode> = new Set([
  'DUPLICATE_BROKER_REGISTRATION',
  'INCONSISTENT_CLUSTER_ID',
]);

/**
 * Every definitive answer, be it a success, an error or a refusal, is what the committed state at the
 * answer's offset gives:
 * 1. The offset is committed, and lies at or behind everything that anybody had been told of before a
 *    linearizable call began, and at or behind what the call asked for by `min_offset`.
 * 2. A read, executed again on the replay of the log up to that offset, gives the same answer.
 * 3. An error of a write without a key comes again there, and what a success has done stands there.
 * 4. A write under a condition (`If-Match`) succeeds only on the very topic or registration that its caller saw,
 *    and is refused for it only where the log has another version.
 * 5. A write that was only validated is judged as the state at its offset judges it; that it has done nothing,
 *    the property of one effect for each key says.
 */
export function answersAgreeWithTheLog(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & CallJudge {
  const checker: Checker & CallJudge = {
    name: 'answers agree with the log at their offset',
    source: 'design 10, 21; Herlihy and Wing 1990; etcd robustness tests, watch and read validation',
    answered(given) {
      // The past has a property of its own.
      if (!isDefinitive(given.answer) || given.atOffset !== null) return;
      const place = findMisplaced(given, cluster.committed.endOffset);
      if (place !== null) fail(given, place);
      const { offset, result } = given.answer;
      const image = witness.imageAt(offset);
      if (image === null) return;
      const { planned } = given.entry;
      if (!planned.isWrite) judgeRead(given, image);
      else if (planned.isValidation === true) judgeValidation(given, image);
      else if (!result.ok) judgeError(given, image, result.code);
      else judgeEffect(given, image);
    },
  };

  function judgeRead(given: CallAnswer, image: MetadataImage): void {
    const fault = findOtherAnswer(given, image, cluster);
    if (fault !== null) fail(given, fault);
  }

  function judgeValidation(given: CallAnswer, image: MetadataImage): void {
    const { result } = given.answer;
    if (!result.ok) return judgeError(given, image, result.code);
    const expected = executeAgain(given, image, cluster);
    if (expected !== null && !expected.ok && !restsOnMore.has(expected.error.code)) {
      fail(given, `it is said to be possible, and the log gives ${describe(expected)}`);
    }
  }

  /** Under a key it may be the answer of an earlier execution, which another property compares. */
  function judgeError(given: CallAnswer, image: MetadataImage, code: ErrorCode): void {
    if (given.key !== null || restsOnMore.has(code)) return;
    // What the leader's own software supports, and who votes, no log of metadata says.
    if (given.operationId === 'updateFeature' && code === 'UNSUPPORTED_VERSION') return;
    const expected = executeAgain(given, image, cluster);
    if (expected === null || (!expected.ok && expected.error.code === code)) return;
    if (code === 'PRECONDITION_FAILED' && isOtherVersion(given, expected)) return;
    fail(given, `it is refused with ${code}, and the log gives ${describe(expected)}`);
  }

  function judgeEffect(given: CallAnswer, image: MetadataImage): void {
    const { condition, answer } = given;
    if (condition !== null && answer.result.ok && identityOf(answer.result.response) !== condition.identity) {
      fail(given, `it changes ${describe(answer.result)}, and its caller saw ${String(condition.identity)}`);
    }
    if (given.key !== null) return;
    const fault = findMissingEffect(given, image);
    if (fault !== null) fail(given, fault);
  }

  function fail({ entry, operationId, answer }: CallAnswer, what: string): void {
    cluster.fail(checker, `call ${entry.id} (${operationId}) at ${answer.offset}: ${what}`);
  }
  return checker;
}

function findMisplaced({ entry, minOffset, answer }: CallAnswer, committed: Offset): string | null {
  const { offset } = answer;
  if (offset > committed) return `${committed} is committed`;
  const { isWrite, consistency } = entry.planned;
  const isLinearizable = isWrite || consistency === 'linearizable';
  if (isLinearizable && offset < entry.invokedAfter) {
    return `somebody had been told of ${entry.invokedAfter} before it began`;
  }
  if (minOffset !== null && offset < minOffset) return `its caller demanded ${minOffset}`;
  return null;
}

function isOtherVersion({ condition }: CallAnswer, expected: ReturnType<typeof runOperation>): boolean {
  return expected.ok && condition !== null && (expected.value.modifiedOffset ?? null) !== condition.ifMatch;
}

type NamedTopic = { readonly name?: unknown; readonly topicId?: unknown };

/** What a success promises, looked for in the state of its offset. */
function findMissingEffect({ operationId, answer }: CallAnswer, image: MetadataImage): string | null {
  const { result } = answer;
  if (!result.ok || (operationId !== 'createTopic' && operationId !== 'deleteTopic')) return null;
  const { name, topicId } = result.response as NamedTopic;
  if (typeof name !== 'string' || typeof topicId !== 'string') return null;
  const found = topicByName(image.topic, name)?.topicId ?? null;
  if (operationId === 'createTopic' && found !== topicId) return `topic ${name} is not there as ${topicId}`;
  if (operationId === 'deleteTopic' && found === topicId) return `topic ${name} is still there`;
  return null;
}
