import { batchEndOffset } from '../../src/raft/batch.ts';
import type { ClientOutcome, HostKind, WrittenBatch } from '../hosts/host.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import type { Attempt } from '../workload/ledger.ts';

/** Looks at each answer at the moment in which the client gets it. */
export type AnswerJudge = { judge(attempt: Attempt, outcome: ClientOutcome): void };

/**
 * What a leader has appended may be committed by a later one, so its client is never told that nothing was
 * done: it is told of success, or that the outcome is unknown. This finds the lie before the log does.
 */
export function appendedIsNeverRefused(cluster: ClusterObservation, host: HostKind): Checker & AnswerJudge {
  const appended = new Set<number>();
  /** Most batches need not be read, because most runs refuse little. */
  const unread: WrittenBatch[] = [];
  const checker: Checker & AnswerJudge = {
    name: 'what was appended is never refused',
    source: 'design 10; Jepsen, indeterminate operations',
    onEffects(_node, input, effects) {
      if (input.type !== 'recordsProposed') return;
      for (const effect of effects) {
        if (effect.type !== 'appendBatches') continue;
        for (const batch of effect.batches) {
          if (batch.body.form !== 'payload') continue;
          const { baseOffset, body } = batch;
          const endOffset = batchEndOffset(batch);
          unread.push({ baseOffset, endOffset, payload: body.bytes });
        }
      }
    },
    judge({ request }, outcome) {
      if (outcome.kind !== 'refused') return;
      readAppended();
      if (!appended.has(request.attempt)) return;
      const what = `${request.kind} ${request.attempt} is refused (${outcome.reason})`;
      cluster.fail(checker, `${what}, and a leader had appended it`);
    },
  };

  function readAppended(): void {
    for (const batch of unread) {
      for (const write of host.decodeWrites(batch)) appended.add(write.attempt);
    }
    unread.length = 0;
  }
  return checker;
}
