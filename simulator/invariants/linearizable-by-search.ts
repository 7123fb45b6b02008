import { register, type RegisterOperation, withoutUnseenWrites } from '../linearizability/register.ts';
import { checkLinearizable, type HistoryEvent } from '../linearizability/wing-gong-lowe.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import type { Attempt, Ledger, LedgerEvent } from '../workload/ledger.ts';
import type { Marks } from './marks.ts';

/**
 * Reads and writes are linearizable, found out from calls and answers alone, key by key: nothing is taken
 * from the log, from offsets or from what a node says of itself. It stands beside the check by witness
 * order, so that a mistake which both the log and the offsets share is still seen.
 */
export function linearizableBySearch(cluster: ClusterObservation, ledger: Ledger, marks: Marks): Checker {
  const checker: Checker = {
    name: 'an order of calls and answers exists',
    source: 'Herlihy and Wing 1990; Wing and Gong 1993; Lowe 2017',
    atEnd() {
      for (const [key, history] of historiesByKey(ledger.events)) {
        const verdict = checkLinearizable(register, withoutUnseenWrites(history));
        if (verdict.kind === 'linearizable') continue;
        if (verdict.kind === 'undecided') {
          marks.set('search undecided', (marks.get('search undecided') ?? 0) + 1);
          continue;
        }
        cluster.fail(checker, `key ${key}: no order explains what request ${verdict.id} was answered`);
      }
    },
  };
  return checker;
}

/** What has no effect by its own answer, and reads without an answer, leave no trace in a history. */
function historiesByKey(
  events: readonly LedgerEvent[],
): ReadonlyMap<number, readonly HistoryEvent<RegisterOperation>[]> {
  const histories = new Map<number, HistoryEvent<RegisterOperation>[]>();
  for (const { kind, attempt } of events) {
    const operation = operationOf(attempt);
    if (operation === null || (kind === 'returned' && attempt.outcome?.kind === 'unknown')) continue;
    const { key, attempt: id } = attempt.request;
    const history = histories.get(key) ?? [];
    if (history.length === 0) histories.set(key, history);
    history.push(kind === 'invoked' ? { kind, id, operation } : { kind, id });
  }
  return histories;
}

function operationOf({ request, outcome }: Attempt): RegisterOperation | null {
  if (request.kind === 'write') {
    return outcome?.kind === 'refused' ? null : { kind: 'write', value: request.attempt };
  }
  return outcome?.kind === 'read' ? { kind: 'read', value: outcome.value } : null;
}
