import { coverageMark } from '../../../base/coverage-marks.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { InternalOperation } from '../../operation.ts';
import type { MetadataRecord } from '../../registry.ts';
import type { CloseSessionRecord, ForgetHeaderAnswersRecord } from './records.ts';
import type { SessionState } from './state.ts';

/**
 * Expiry, by record only (design 11, 14): closes the sessions that were idle for their timeout and forgets
 * the answers to header keys that are older than the published window. The time comes from the context.
 * One batch removes a bounded number of rows, and goes on while there is more.
 */
export const expireSessions: InternalOperation = {
  name: 'expireSessions',
  priority: 'administration',
  handle: (image, context) => {
    const { timestampMs } = context;
    const closed = idleSessions(image.session, timestampMs);
    const forgotten = oldHeaderAnswers(image.session, timestampMs);
    const records: MetadataRecord[] = [...closed.records];
    if (forgotten.record !== null) records.push(forgotten.record);
    return { records, continueWith: closed.isComplete && forgotten.isComplete ? null : expireSessions };
  },
};

/** Whether `expireSessions` would write anything at this time: cheap enough to be asked often. */
export function hasExpired(image: MetadataImage, timestampMs: number): boolean {
  const oldest = image.session.headerAnswers.values().next().value;
  if (oldest !== undefined && oldest.answeredMs + limits.headerRetentionMs <= timestampMs) return true;
  for (const { lastUsedMs, timeoutMs } of image.session.sessions.values()) {
    if (lastUsedMs + timeoutMs <= timestampMs) return true;
  }
  return false;
}

function idleSessions(
  state: SessionState,
  nowMs: number,
): { readonly records: readonly CloseSessionRecord[]; readonly isComplete: boolean } {
  const records: CloseSessionRecord[] = [];
  let rows = 0;
  for (const session of state.sessions.values()) {
    if (session.lastUsedMs + session.timeoutMs > nowMs) continue;
    if (rows >= limits.expiryRowsMax) return { records, isComplete: false };
    rows += 1 + countAnswers(state, session.sessionId);
    coverageMark('session: expires');
    records.push({ type: 'CloseSessionRecord', sessionId: session.sessionId });
  }
  return { records, isComplete: true };
}

function countAnswers(state: SessionState, sessionId: number): number {
  let count = 0;
  for (const row of state.answers.values({ sessionId, sequence: 0 })) {
    if (row.sessionId !== sessionId) break;
    count++;
  }
  return count;
}

function oldHeaderAnswers(
  state: SessionState,
  nowMs: number,
): { readonly record: ForgetHeaderAnswersRecord | null; readonly isComplete: boolean } {
  const offsets: number[] = [];
  let isComplete = true;
  for (const row of state.headerAnswers.values()) {
    if (row.answeredMs + limits.headerRetentionMs > nowMs) break;
    if (offsets.length >= limits.expiryRowsMax) {
      isComplete = false;
      break;
    }
    offsets.push(row.lastModified);
  }
  return { record: offsets.length === 0 ? null : { type: 'ForgetHeaderAnswersRecord', offsets }, isComplete };
}
