import { isProblem, type Problem } from '../protocol/problem.ts';

/** Where an answer comes from; null where it does not tell. */
export type ResultStanding = {
  readonly offset: number;
  readonly epoch: number;
  readonly leaderId: number | null;
  readonly forwarded: boolean;
};

/** What became of one operation of a batch; `unreadable` is not what this client knows as a result. */
export type ReadResult =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly standing: ResultStanding;
    }
  | { readonly type: 'problem'; readonly problem: Problem; readonly standing: ResultStanding }
  | { readonly type: 'unreadable' };

const unreadable: ReadResult = Object.freeze({ type: 'unreadable' });

/**
 * The results of a batch, one for each of its `count` operations in their order; null when the answer as a
 * whole has another form or another number of them, so that nobody can tell whose is whose.
 */
export function readBatchResults(body: unknown, count: number): readonly ReadResult[] | null {
  if (!isRecord(body)) return null;
  const { results } = body;
  if (!Array.isArray(results) || results.length !== count) return null;
  return results.map(readResult);
}

function readResult(result: unknown): ReadResult {
  if (!isRecord(result)) return unreadable;
  const { status, offset, epoch, leaderId, forwarded, problem, response } = result;
  const isStanding = isNatural(status) && isNatural(offset) && isNatural(epoch);
  if (!isStanding) return unreadable;
  const standing: ResultStanding = {
    offset,
    epoch,
    leaderId: isNatural(leaderId) ? leaderId : null,
    forwarded: forwarded === true,
  };
  if (problem !== undefined) {
    return isProblem(problem) ? { type: 'problem', problem, standing } : unreadable;
  }
  // As with a request of its own: an answer without a body has no fields.
  if (status === noContent) return { type: 'answer', status, body: {}, standing };
  return response === undefined ? unreadable : { type: 'answer', status, body: response, standing };
}

const noContent = 204;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
