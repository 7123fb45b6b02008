import type { Checker, ClusterObservation } from '../observation.ts';
import type { CallEntry, CallJudge } from '../workload/operators/call-ledger.ts';
import type { ExchangeOutcome } from '../workload/operators/exchange.ts';

/** What a controller answers when it cannot know itself whether the request will be carried out. */
const unknownCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);

/**
 * A write without a key is sent again only when what was sent before has certainly done nothing: no connection came
 * about, or a controller has refused it. It might be carried out twice otherwise, because nothing tells the second
 * from the first.
 */
export function unkeyedWritesAreSentOnce(cluster: ClusterObservation): Checker & CallJudge {
  const mayBeDone = new Set<CallEntry>();
  const checker: Checker & CallJudge = {
    name: 'a write without a key is sent once',
    source: 'RFC 9110, 9.2.2; jetcd 1444; design, "Running": a write without a key is never retried',
    attempting(entry) {
      if (!mayBeDone.has(entry)) return;
      const { id, planned } = entry;
      cluster.fail(
        checker,
        `call ${id} (${planned.operationId}) is sent again, and may have been carried out`,
      );
    },
    attempted(entry, outcome) {
      if (isUnkeyedWrite(entry) && isUnknown(outcome)) mayBeDone.add(entry);
    },
  };
  return checker;
}

function isUnkeyedWrite({ planned, keys }: CallEntry): boolean {
  if (!planned.isWrite || planned.keyed || keys.length > 0) return false;
  // A session that nobody uses ends by itself, and what is only validated changes nothing.
  return planned.isValidation !== true && planned.operationId !== 'openSession';
}

function isUnknown(outcome: ExchangeOutcome): boolean {
  if (outcome.type !== 'answer') return outcome.type === 'lost';
  const { result } = outcome.answer;
  return !result.ok && unknownCodes.has(result.code);
}
