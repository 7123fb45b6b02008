import { coverageMark } from '../base/coverage-marks.ts';
import type { CoreState } from './core-state.ts';
import type { Leadership } from './leadership.ts';

/**
 * Answers everything that waited on this leadership. What was appended may yet be committed by another
 * leader, so its outcome is reported as unknown and never as a failure (design 10).
 */
export function endLeadership(core: CoreState, leadership: Leadership): void {
  for (const { proposalId } of leadership.pendingProposals.drain()) {
    core.effects.push({ type: 'failProposal', proposalId, reason: 'OUTCOME_UNKNOWN' });
  }
  const { pendingVoterChange, barriers } = leadership;
  if (pendingVoterChange !== null) {
    const { requestId } = pendingVoterChange;
    core.effects.push({ type: 'voterChangeAnswered', requestId, error: 'OUTCOME_UNKNOWN' });
  }
  const open = barriers.open.drain().map((barrier) => barrier.barrierId);
  const barrierIds = [...open, ...barriers.waiting];
  if (barrierIds.length === 0) return;
  coverageMark('read barrier: leadership ends before it completes');
  core.effects.push({ type: 'failReadBarriers', barrierIds });
}
