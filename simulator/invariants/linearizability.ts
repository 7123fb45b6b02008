import type { CommittedWrite, HostKind } from '../hosts/host.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import type { Attempt, Ledger } from '../workload/ledger.ts';
import type { AnswerJudge } from './appended-is-never-refused.ts';

type Version = { readonly endOffset: number; readonly value: number };

/**
 * Reads and writes are linearizable, with the committed log as the witness of their order: each answer
 * names its place in that order, the order respects real time, and a read gives what the last write
 * before its place has written. What was acknowledged is committed; what was refused never is.
 */
export function linearizability(
  cluster: ClusterObservation,
  ledger: Ledger,
  host: HostKind,
): Checker & AnswerJudge {
  const versions = new Map<number, Version[]>();
  const committedAt = new Map<number, number>();
  const checker: Checker & AnswerJudge = {
    name: 'reads and writes are linearizable',
    source: 'Herlihy and Wing 1990; Raft paper, 8; design 5, 10',
    onCommitted(batch) {
      for (const write of host.decodeWrites(batch)) noteWrite(write);
    },
    judge(attempt, outcome) {
      const { request, invokedAfter } = attempt;
      const what = `${request.kind} ${request.attempt}`;
      if (outcome.kind === 'refused' && committedAt.has(request.attempt)) {
        cluster.fail(checker, `${what} is refused (${outcome.reason}), and it took effect`);
      }
      if (outcome.kind === 'written') judgeWrite(attempt, outcome.offset);
      if (outcome.kind === 'read') judgeRead(attempt, outcome.value, outcome.offset);
      if (outcome.kind === 'read' && outcome.offset < invokedAfter) {
        const told = `a client had been told of ${invokedAfter} before it began`;
        cluster.fail(checker, `${what} is answered at ${outcome.offset}, and ${told}`);
      }
    },
    atEnd() {
      // Acknowledged is durable: everything acknowledged still stands in the committed log.
      for (const { request, outcome } of ledger.attempts) {
        if (outcome?.kind !== 'written' || committedAt.has(request.attempt)) continue;
        cluster.fail(checker, `write ${request.attempt} was acknowledged and is lost`);
      }
    },
  };

  function noteWrite({ attempt, key, endOffset }: CommittedWrite): void {
    const before = committedAt.get(attempt);
    if (before !== undefined) {
      cluster.fail(checker, `write ${attempt} took effect at ${before} and again at ${endOffset}`);
    }
    committedAt.set(attempt, endOffset);
    const history = versions.get(key) ?? [];
    if (history.length === 0) versions.set(key, history);
    history.push({ endOffset, value: attempt });
    if (ledger.find(attempt)?.outcome?.kind === 'refused') {
      cluster.fail(checker, `write ${attempt} was refused, and took effect at ${endOffset}`);
    }
  }

  /** It took effect after all that was told before it began, and no later than its answer says. */
  function judgeWrite({ request, invokedAfter }: Attempt, offset: number): void {
    const found = committedAt.get(request.attempt);
    if (found !== undefined && found <= offset && found > invokedAfter) return;
    const place = found === undefined ? 'it is not committed' : `it is committed at ${found}`;
    const told = `a client had been told of ${invokedAfter} before it began`;
    cluster.fail(checker, `write ${request.attempt} is acknowledged at ${offset}, ${place}, and ${told}`);
  }

  function judgeRead(attempt: Attempt, value: number, offset: number): void {
    const { request } = attempt;
    if (offset > cluster.committed.endOffset) {
      cluster.fail(checker, `read ${request.attempt} is answered at ${offset}, which is not committed`);
    }
    const expected = valueAt(versions.get(request.key) ?? [], offset);
    if (value === expected) return;
    const what = `read ${request.attempt} of key ${request.key} at ${offset}`;
    cluster.fail(
      checker,
      `${what} gives the value of write ${value}, and that of write ${expected} stood there`,
    );
  }
  return checker;
}

function valueAt(history: readonly Version[], offset: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle]?.endOffset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return history[low - 1]?.value ?? 0;
}
