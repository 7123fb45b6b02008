import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { CallCore, type CallDecision, type Repeat } from '../../src/client/core/call-core.ts';
import { makeProblem } from '../../src/client/protocol/problem.ts';
import type { ErrorCode } from '../../src/metadata/errors.ts';
import { operations } from '../../src/metadata/operations.ts';

function call(repeat: Repeat, deadlineMs = 10_000): CallCore<string> {
  return new CallCore<string>({
    repeat,
    endpointCount: 3,
    deadlineMs,
    attemptsMax: Number.MAX_SAFE_INTEGER,
    refusedMaxMs: 3_000,
    backoff: { baseMs: 20, maxMs: 1_000 },
    random: seededRandom(1),
  });
}

const refused = (code: ErrorCode, retryAfterMs?: number) => ({
  type: 'refused' as const,
  problem: makeProblem({ code, message: 'm', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }),
});
const lost = { type: 'lost', reason: 'cut off' } as const;
const unreachable = { type: 'unreachable', reason: 'refused' } as const;
const answered = { type: 'answered', answer: 'yes' } as const;

/** The outcomes one after the other, 1 ms apart; the last decision. */
function run(core: CallCore<string>, outcomes: readonly Parameters<CallCore<string>['completed']>[0][]) {
  let decision: CallDecision<string> | null = null;
  for (const [index, outcome] of outcomes.entries()) decision = core.completed(outcome, index);
  return decision;
}

describe('a call', () => {
  it.each([
    ['harmless', [lost, answered], 'answered'],
    ['harmless', [refused('REQUEST_TIMED_OUT'), answered], 'answered'],
    ['keyed', [lost, refused('NOT_CONTROLLER'), answered], 'answered'],
    ['keyed', [refused('OUTCOME_UNKNOWN'), answered], 'answered'],
    ['never', [unreachable, refused('NOT_CONTROLLER'), refused('STORAGE_LOW'), answered], 'answered'],
    ['keyed', [refused('TOPIC_ALREADY_EXISTS')], 'refused'],
    ['keyed', [lost, refused('TOPIC_ALREADY_EXISTS')], 'refused'],
    ['never', [lost], 'unknown'],
    ['never', [refused('OUTCOME_UNKNOWN')], 'unknown'],
    ['keyed', [lost, refused('SESSION_EXPIRED')], 'unknown'],
    ['keyed', [lost, refused('SEQUENCE_FORGOTTEN')], 'unknown'],
    ['keyed', [refused('SESSION_EXPIRED')], 'renewSession'],
    ['keyed', [lost, refused('INVALID_REQUEST')], 'unknown'],
    ['keyed', [lost, refused('UNKNOWN_SERVER_ERROR')], 'unknown'],
    ['keyed', [refused('INVALID_REQUEST')], 'refused'],
    ['harmless', [lost, refused('INVALID_REQUEST')], 'refused'],
    ['never', [refused('SESSION_EXPIRED')], 'refused'],
    ['harmless', [refused('DUPLICATE_BROKER_REGISTRATION')], 'refused'],
  ] as const)('that may be repeated %s, after %o, comes to: %s', (repeat, outcomes, type) => {
    expect(run(call(repeat), outcomes)?.type).toBe(type);
  });

  const refusal = { type: 'unreachable', reason: 'refused', kind: 'refused' } as const;

  it('gives up once every endpoint has refused the connection for long, and not before', () => {
    const core = call('harmless');
    expect(core.completed(refusal, 0).type).toBe('attempt');
    expect(core.completed(refusal, 5_000).type).toBe('attempt');
    expect(core.completed(refusal, 5_001).type).toBe('unreachable');
  });

  it('counts anew when one of them has done anything but refuse', () => {
    const core = call('harmless');
    for (const atMs of [0, 1_000, 2_000]) core.completed(refusal, atMs);
    core.completed(refused('NOT_CONTROLLER'), 2_500);
    for (const atMs of [2_600, 3_000, 4_000]) {
      expect(core.completed(refusal, atMs).type).toBe('attempt');
    }
  });

  it('never says that nothing was changed once an attempt may have been executed', () => {
    const core = call('keyed', 100);
    core.completed(lost, 0);
    expect(core.completed(refused('NOT_CONTROLLER', 5_000), 50)).toMatchObject({ type: 'unknown' });
    const other = call('keyed', 100);
    other.completed(lost, 0);
    expect(other.completed(unreachable, 100)).toMatchObject({ type: 'unknown' });
  });

  it('ends at its deadline with the last thing that was said', () => {
    expect(call('keyed', 100).completed(unreachable, 100)).toEqual({
      type: 'unreachable',
      reason: 'refused',
    });
    expect(call('keyed', 100).completed(refused('NOT_CONTROLLER'), 100)).toMatchObject({
      type: 'refused',
      problem: { code: 'NOT_CONTROLLER' },
    });
    expect(call('harmless', 100).completed(lost, 100)).toMatchObject({ type: 'unreachable' });
  });

  it('tries every endpoint once without a wait when nobody listens, and then waits', () => {
    const core = call('keyed');
    expect(core.completed(unreachable, 0)).toEqual({ type: 'attempt', afterMs: 0 });
    expect(core.completed(unreachable, 0)).toEqual({ type: 'attempt', afterMs: 0 });
    const third = core.completed(unreachable, 0);
    expect(third.type === 'attempt' && third.afterMs > 0).toBe(true);
  });

  it('waits at least as long as the server asks for', () => {
    const decision = call('never').completed(refused('THROTTLING_QUOTA_EXCEEDED', 777), 0);
    expect(decision).toEqual({ type: 'attempt', afterMs: 777 });
  });

  it('waits longer from failure to failure, up to a limit', () => {
    const core = call('harmless', 1e9);
    const waits = Array.from({ length: 40 }, () => {
      const decision = core.completed(lost, 0);
      return decision.type === 'attempt' ? decision.afterMs : -1;
    });
    expect(waits[0]).toBeLessThanOrEqual(20);
    expect(Math.min(...waits.slice(10))).toBeGreaterThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
  });

  it('that is abandoned in mid-air is unknown for a write and no answer for a read', () => {
    expect(call('keyed').abandoned(true, 'gone')).toMatchObject({ type: 'unknown' });
    expect(call('never').abandoned(true, 'gone')).toMatchObject({ type: 'unknown' });
    expect(call('keyed').abandoned(false, 'gone')).toMatchObject({ type: 'unreachable' });
    expect(call('harmless').abandoned(true, 'gone')).toMatchObject({ type: 'unreachable' });
  });
});

describe('what an operation answers once it was executed', () => {
  // A session is opened without a key: there is none yet.
  const underKey = operations.filter(({ operationId }) => operationId !== 'openSession');
  const executed = new Set(underKey.flatMap(({ errors }): readonly ErrorCode[] => errors));

  it.each([...executed])('is never taken for a request that was not: %s', (code) => {
    expect(run(call('keyed'), [refused(code)])).toMatchObject({ type: 'refused', problem: { code } });
  });
});
