import { assert } from '../base/assert.ts';
import type { CoreState } from './core-state.ts';
import { isLocal, isVoter, mayCampaign } from './core-state.ts';
import type { Leadership } from './leadership.ts';
import { sameReplica } from './replica-key.ts';

/** What the step before left behind, to compare with. */
export type CheckedState = Pick<CoreState, 'quorum' | 'highWatermark'>;

/**
 * Checked at the end of every step, in production too. Each may be assumed wherever a step begins.
 *
 * 1. The epoch never decreases, and a vote never changes within one (Raft paper, Figure 2).
 * 2. The high watermark never falls (design 21).
 * 3. log start <= high watermark <= log end, flushed offset <= log end, applied <= told to apply <= high
 *    watermark.
 * 4. No record is of an epoch that this replica has not entered.
 * 5. Unattached, candidate and resigned replicas know of no leader; a follower follows another node.
 * 6. A candidate has voted for itself; candidates and prospectives may campaign: voters of the set in force
 *    or, until that is committed, of the one before; never recovering ones.
 * 7. A leader has durably voted for itself, its log ends in its own epoch, and it is a voter or leads
 *    until its removal is committed.
 * 8. A leader's epoch has at most one voter set above the high watermark (KIP-853), and none that an
 *    earlier leader left beside its own.
 * 9. No replica has acknowledged more than the leader's log holds, and no round is echoed before it was sent.
 */
export function assertInvariants(core: CoreState, before: CheckedState): void {
  const { quorum, log, highWatermark } = core;
  assert(quorum.epoch >= before.quorum.epoch, 'the epoch fell');
  if (quorum.epoch === before.quorum.epoch && before.quorum.voted !== null) {
    const isKept = quorum.voted !== null && sameReplica(quorum.voted, before.quorum.voted);
    assert(isKept, 'the vote changed within an epoch');
  }
  assert(highWatermark >= before.highWatermark, 'the high watermark fell');
  assert(log.logStart.endOffset <= highWatermark, 'the log begins above the high watermark');
  assert(highWatermark <= log.endOffset, 'the high watermark is beyond the log');
  assert(log.flushedOffset <= log.endOffset, 'more is flushed than the log holds');
  assert(core.appliedOffset <= core.applyOffset, 'more is applied than was asked for');
  assert(core.applyOffset <= highWatermark, 'what is not committed is applied');
  assert(log.lastEpoch <= quorum.epoch, 'the log holds a record of a later epoch');
  assertRole(core);
}

function assertRole(core: CoreState): void {
  const { role, quorum } = core;
  switch (role.name) {
    case 'unattached':
    case 'resigned':
      assert(quorum.leaderId === null, `${role.name} and yet led`);
      return;
    case 'follower':
      assert(quorum.leaderId === role.leaderId, 'follows another than the leader it knows');
      assert(role.leaderId !== core.local.id, 'follows itself');
      return;
    case 'prospective':
      assert(mayCampaign(core), 'only voters campaign');
      return;
    case 'candidate':
      assert(quorum.leaderId === null, 'a candidate knows its leader');
      assert(quorum.voted !== null && isLocal(core, quorum.voted), 'a candidate votes for itself');
      assert(mayCampaign(core), 'only voters campaign');
      return;
    case 'leader':
      assertLeader(core, role.leadership);
  }
}

function assertLeader(core: CoreState, leadership: Leadership): void {
  const { quorum, log, voterSets, highWatermark } = core;
  assert(quorum.leaderId === core.local.id, 'a leader that knows another');
  assert(quorum.voted !== null && isLocal(core, quorum.voted), 'leads without its own vote');
  assert(core.gateIoId === null, 'leads on what is not durable');
  assert(!quorum.recovering, 'a recovering replica leads');
  assert(core.installation === null, 'the log of a leader is being replaced');
  assert(log.lastEpoch === quorum.epoch, 'the log of a leader ends in another epoch');
  assert(leadership.epochStartOffset < log.endOffset, 'leads without a LeaderChange');
  assert(isVoter(core) || voterSets.isUncommitted(highWatermark), 'leads after its removal was committed');
  assert(
    highWatermark <= leadership.epochStartOffset || voterSets.countUncommitted(highWatermark) <= 1,
    'two voter changes at once',
  );
  for (const progress of leadership.replicas) {
    assert(progress.acknowledgedOffset <= log.endOffset, 'a replica acknowledged what is not in the log');
    assert(progress.echoedRound <= leadership.barriers.sentRound, 'a round is echoed that was not sent');
  }
  const { sentRound, round } = leadership.barriers;
  assert(sentRound <= round, 'a round was sent before it was raised');
}
