import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import type { CallLedger } from '../workload/operators/call-ledger.ts';

type Session = { readonly timeoutMs: number; lastUsedMs: number };

/**
 * A session ends because its own client has closed it, or because by the log's time it was not used for its
 * timeout: what is remembered under its keys is never taken from a client that goes on using it. Use is
 * counted here from the records alone, and not from what the state machine has made of them.
 */
export function sessionsEndOnlyWhenIdle(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  calls: CallLedger,
): Checker {
  const sessions = new Map<number, Session>();
  const checker: Checker = {
    name: 'sessions end only when they are idle',
    source: 'design 14; RIFL (Lee and others 2015), 3.4, leases; ZooKeeper, session expiry',
  };
  witness.watchers.push({
    onRecord({ record, offset, timestampMs }) {
      if (record.type === 'OpenSessionRecord') {
        sessions.set(record.sessionId, { timeoutMs: record.timeoutMs, lastUsedMs: timestampMs });
      } else if (record.type === 'SessionAnswerRecord') {
        const session = sessions.get(record.sessionId);
        if (session !== undefined) session.lastUsedMs = timestampMs;
      } else if (record.type === 'CloseSessionRecord') {
        judgeEnd(record.sessionId, offset, timestampMs);
      }
    },
  });

  function judgeEnd(sessionId: number, offset: number, timestampMs: number): void {
    const session = sessions.get(sessionId);
    sessions.delete(sessionId);
    if (session === undefined || timestampMs - session.lastUsedMs >= session.timeoutMs) return;
    if (mayHaveBeenClosed(sessionId)) return;
    const idleMs = timestampMs - session.lastUsedMs;
    const what = `session ${sessionId} ends at offset ${offset}, ${idleMs} ms after it was used`;
    cluster.fail(checker, `${what}, and has a timeout of ${session.timeoutMs} ms`);
  }

  /** Its client has asked for its end, whatever it was told about that. */
  function mayHaveBeenClosed(sessionId: number): boolean {
    return calls.entries.some(({ closes }) => closes === sessionId);
  }
  return checker;
}
