import { partsOf } from '../workload/operators/planned-call.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import { sameValue } from '../same-value.ts';
import {
  type AnswerRecord,
  type CallAnswer,
  type CallEntry,
  type CallJudge,
  type CallLedger,
  isAnswerRecord,
  isDefinitive,
  type KeyPlace,
  keyText,
} from '../workload/operators/call-ledger.ts';

/** Refusals that are given instead of an execution, and leave nothing behind. */
const notExecuted: ReadonlySet<string> = new Set([
  'SESSION_EXPIRED',
  'SEQUENCE_FORGOTTEN',
  'IDEMPOTENCY_KEY_REUSED',
  'SESSION_TABLE_FULL',
  'RESOURCE_NOT_FOUND',
]);

type Recorded = { readonly status: string; readonly answer: unknown; readonly offset: number };

/**
 * A key has one effect and one answer, over retries, failover, snapshots and the end of its session:
 * 1. The log holds the answer of a key once. It stands in the batch of the operation's own records, so this
 *    is the operation's effect, too.
 * 2. Whoever is answered under the key, whenever and by whomever, gets that answer.
 * 3. A topic that comes into being was created by a recorded answer, or by a call without a key that may
 *    have had an effect, and each such call explains one topic; so it is still when all calls have ended.
 * 4. A call that ended in "nothing was done" has no recorded answer, then or ever.
 * 5. A call that was sent under more than one key, because its session was lost, succeeds under one at most.
 * A bare key, which is of no session, is forgotten by record, not before its time (`header-answers-are-kept.ts`). Once
 * it is, it may be executed anew, and this says nothing more of it.
 */
export function exactlyOnce(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  calls: CallLedger,
): Checker & CallJudge {
  const recorded = new Map<string, Recorded>();
  /** Bare keys alone. */
  const forgotten = new Set<string>();
  const keysByOffset = new Map<number, string>();
  const undone = new Map<string, CallEntry>();
  const explainedCalls = new Set<CallEntry>();
  /** Topics that were created without a key. */
  const unkeyed: { readonly name: string; readonly topicId: string }[] = [];
  const checker: Checker & CallJudge = {
    name: 'one effect and one answer for each key',
    source: 'design 14; RIFL (Lee and others 2015); atomix 418',
    answered(given) {
      if (given.key !== null && isDefinitive(given.answer)) compare(given, given.key);
    },
    settled: judgeEnd,
    atEnd() {
      for (const entry of calls.entries) if (entry.outcome !== null) judgeEnd(entry);
      explainAnew();
    },
  };
  witness.watchers.push({
    onBatch({ records, offsets }) {
      const explained = new Set<unknown>();
      for (const [at, record] of records.entries()) {
        if (isAnswerRecord(record)) {
          explained.add(note(record, offsets[at] ?? 0));
          for (const name of namesCreatedUnder(keyText(record))) explained.add(name);
        } else if (record.type === 'ForgetHeaderAnswersRecord') forget(record.offsets);
      }
      for (const record of records) {
        if (record.type !== 'TopicRecord') continue;
        if (explained.has(record.topicId) || explained.has(record.name)) continue;
        unkeyed.push({ name: record.name, topicId: record.topicId });
        if (!explain(record.name, record.topicId, () => true)) explainAnew();
      }
    },
  });

  /** Gives the id of the topic that the answer says was created. */
  function note(record: AnswerRecord, offset: number): unknown {
    const { status } = record;
    const key = keyText(record);
    const before = recorded.get(key);
    if (before !== undefined && !forgotten.has(key)) {
      cluster.fail(checker, `key ${key} is answered in the log at ${before.offset} and at ${offset}`);
    }
    // As the runtime has encoded it; the property says what must be in it.
    const answer = JSON.parse(new TextDecoder().decode(record.answer)) as RememberedAnswer;
    if (record.type === 'HeaderAnswerRecord') keysByOffset.set(offset, key);
    recorded.set(key, { status, answer: status === '' ? answer.response : null, offset });
    const entry = undone.get(key);
    if (entry !== undefined && !forgotten.has(key))
      cluster.fail(checker, `call ${entry.id} had no effect, and key ${key} is executed`);
    return answer.response?.topicId;
  }

  /** A transaction's answer names none of its topics: its call does. */
  function namesCreatedUnder(key: string): readonly unknown[] {
    const entry = calls.entries.find(
      ({ planned, keys }) =>
        planned.operationId === 'executeTransaction' && keys.some((own) => keyText(own) === key),
    );
    return entry === undefined ? [] : partsOf(entry.planned, 'createTopic').map(({ body }) => body?.['name']);
  }

  function forget(offsets: readonly number[]): void {
    for (const offset of offsets) {
      const key = keysByOffset.get(offset);
      if (key !== undefined) forgotten.add(key);
    }
  }

  function compare({ entry, answer }: CallAnswer, key: KeyPlace): void {
    const { result } = answer;
    const code = result.ok ? '' : result.code;
    // A session takes its answers with it.
    if (
      forgotten.has(keyText(key)) ||
      notExecuted.has(code) ||
      (result.ok && entry.planned.operationId === 'closeOwnSession')
    )
      return;
    const found = recorded.get(keyText(key));
    const what = `call ${entry.id}, answered ${code === '' ? 'with success' : code} under key ${keyText(key)}`;
    if (found === undefined) return cluster.fail(checker, `${what}, which the log does not remember`);
    const isSame = found.status === code && (!result.ok || sameValue(found.answer, result.response));
    if (!isSame) cluster.fail(checker, `${what}, and the log holds another answer at ${found.offset}`);
  }

  function judgeEnd(entry: CallEntry): void {
    const { outcome } = entry;
    if (outcome === null) return;
    const executed = entry.keys.map(keyText).filter((key) => recorded.get(key)?.status === '');
    if (executed.length > 1) {
      cluster.fail(checker, `call ${entry.id} was executed under the keys ${executed.join(' and ')}`);
    }
    if (outcome.kind === 'answered' || outcome.kind === 'unknown') return;
    for (const key of entry.keys) {
      if (forgotten.has(keyText(key))) continue;
      const found = recorded.get(keyText(key));
      if (found === undefined) undone.set(keyText(key), entry);
      // A recorded error is an execution that changed nothing.
      else if (outcome.kind === 'unreachable' || found.status !== outcome.code) {
        cluster.fail(
          checker,
          `call ${entry.id} ended ${outcome.kind}, and its key ${keyText(key)} was executed`,
        );
      }
    }
  }

  /**
   * A call that was under way when it explained a topic may have been told since that it did nothing, or made
   * another one. What was answered explains its own topic alone, so that these come first.
   */
  function explainAnew(): void {
    explainedCalls.clear();
    const isCertain = ({ outcome }: CallEntry): boolean => outcome?.kind === 'answered';
    const left = unkeyed.filter(({ name, topicId }) => !explain(name, topicId, isCertain));
    for (const { name, topicId } of left) {
      if (explain(name, topicId, () => true)) continue;
      cluster.fail(checker, `topic ${name} (${topicId}) was created, and no call explains it`);
    }
  }

  function explain(name: string, topicId: string, isMeant: (entry: CallEntry) => boolean): boolean {
    const candidate = calls.entries.find(
      (entry) =>
        !entry.planned.keyed &&
        isMeant(entry) &&
        mayHaveCreated(entry, name, topicId) &&
        !explainedCalls.has(entry),
    );
    if (candidate !== undefined) explainedCalls.add(candidate);
    return candidate !== undefined;
  }
  return checker;
}

type RememberedAnswer = { readonly response?: { readonly topicId?: unknown } };

function mayHaveCreated({ planned, outcome }: CallEntry, name: string, topicId: string): boolean {
  const isTransaction = planned.operationId === 'executeTransaction';
  // One transaction creates one topic at most here, so that one call explains one topic.
  const created = isTransaction
    ? partsOf(planned, 'createTopic').map(({ body }) => body?.['name'])
    : planned.operationId === 'createTopic' && [planned.body['name']];
  if (created === false || !created.includes(name)) return false;
  if (planned.isValidation === true) return false;
  if (outcome === null || outcome.kind === 'unknown') return true;
  if (outcome.kind !== 'answered' || !outcome.answer.result.ok) return false;
  const { response } = outcome.answer.result;
  if (isTransaction) return true;
  return (
    typeof response === 'object' && response !== null && 'topicId' in response && response.topicId === topicId
  );
}
