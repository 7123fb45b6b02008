import { coverageMark } from '../base/coverage-marks.ts';
import { emit, type LeaderRole, mayAct, type PendingProposal, type ReplicaState } from './state.ts';
import type { PartitionView, ProposalAnswer, ProposedMember } from './types.ts';

/**
 * Whom the leader waits for: the ISR that the controller has decided and the one that it may be deciding
 * (the maximal ISR of Kafka's PartitionState, KIP-497). Were it one of them alone, a member that the
 * controller already counts on might lack a committed record.
 */
export function replicationQuorum(view: PartitionView, role: LeaderRole): readonly number[] {
  const proposed = [...(role.proposal?.newIsr ?? []), ...role.unsettled].map(({ brokerId }) => brokerId);
  return [...new Set([...view.isr, ...proposed])];
}

/**
 * Proposes who should come and go, one proposal at a time, and repeats it until it is decided. Where nobody should,
 * and an earlier proposal may still take effect, the ISR that stands is proposed: the controller raises the partition
 * epoch for it, and with that the earlier one can do nothing more. Or the leader would wait for ever for a member
 * that was proposed, then fenced, and never comes back.
 */
export function tendIsr(state: ReplicaState, role: LeaderRole): void {
  const { view, nowMs } = state;
  if (view === null || !mayAct(state, role)) return;
  const { proposal } = role;
  if (proposal !== null) {
    const isDue = !proposal.isInFlight && !proposal.awaitsMetadata && nowMs >= proposal.retryAtMs;
    if (isDue) sendProposal(state, view, proposal);
    return;
  }
  if (nowMs < role.retryProposalAtMs) return;
  const newIsr = wantedIsr(state, view, role);
  const isSame = newIsr.length === view.isr.length && newIsr.every((member) => view.isr.includes(member));
  if (isSame && role.unsettled.length === 0) return;
  role.proposal = {
    proposalId: state.nextId++,
    partitionEpoch: view.partitionEpoch,
    newIsr: newIsr.map((brokerId) => withEpoch(state, view, role, brokerId)),
    isInFlight: false,
    retryAtMs: nowMs,
    mayTakeEffect: false,
    awaitsMetadata: false,
  };
  sendProposal(state, view, role.proposal);
}

function sendProposal(state: ReplicaState, view: PartitionView, proposal: PendingProposal): void {
  const { proposalId, partitionEpoch, newIsr } = proposal;
  proposal.isInFlight = true;
  proposal.retryAtMs = state.nowMs + state.config.retryBackoffMs;
  emit(state, { type: 'proposeIsr', proposalId, leaderEpoch: view.leaderEpoch, partitionEpoch, newIsr });
}

export function takeProposalAnswer(
  state: ReplicaState,
  role: LeaderRole,
  proposalId: number,
  answer: ProposalAnswer,
): void {
  const { proposal } = role;
  const { view, nowMs, config } = state;
  if (proposal === null || proposal.proposalId !== proposalId || view === null) {
    if (answer.kind === 'accepted') coverageMark('ISR: accepted, and metadata was faster');
    return;
  }
  proposal.isInFlight = false;
  proposal.retryAtMs = nowMs + config.retryBackoffMs;
  if (answer.kind === 'unknown') {
    coverageMark("ISR: a proposal's outcome is unknown");
    proposal.mayTakeEffect = true;
  } else if (answer.kind === 'accepted') {
    // What is accepted raises the epoch; metadata that is as new would have ended the proposal.
    if (answer.partitionEpoch <= view.partitionEpoch) return;
    // Both together: under an earlier min ISR a smaller ISR might commit what the eligible replicas do not hold.
    const { isr, minIsr, partitionEpoch } = answer;
    state.view = { ...view, isr, minIsr, partitionEpoch };
    role.proposal = null;
    role.unsettled = [];
  } else if (aheadCodes.has(answer.code)) {
    // Perhaps an earlier attempt of this very proposal was what took the controller ahead.
    coverageMark('ISR: the controller is ahead of the proposal');
    proposal.awaitsMetadata = true;
  } else if (!passingCodes.has(answer.code)) {
    coverageMark('ISR: a proposal is refused for good');
    // Repeated as it is it might be refused for ever: a member that has registered anew has another epoch.
    if (proposal.mayTakeEffect) role.unsettled = merged(role.unsettled, proposal.newIsr);
    role.unsettled = stillUnsettled(view, role);
    role.proposal = null;
    role.retryProposalAtMs = proposal.retryAtMs;
  }
}

function merged(
  before: readonly ProposedMember[],
  proposed: readonly ProposedMember[],
): readonly ProposedMember[] {
  const isKnown = ({ brokerId, brokerEpoch }: ProposedMember): boolean =>
    before.some((member) => member.brokerId === brokerId && member.brokerEpoch === brokerEpoch);
  return [...before, ...proposed.filter((member) => !isKnown(member))];
}

/** The controller accepts no proposal that names an incarnation before the one that is registered (KIP-903). */
function stillUnsettled(view: PartitionView, role: LeaderRole): readonly ProposedMember[] {
  return role.unsettled.filter(
    ({ brokerId, brokerEpoch }) => (view.eligible.get(brokerId) ?? brokerEpoch) <= brokerEpoch,
  );
}

/** The last: the proposal itself was taken, and took the leadership away; until that is read it counts. */
const aheadCodes: ReadonlySet<string> = new Set([
  'INVALID_UPDATE_VERSION',
  'FENCED_LEADER_EPOCH',
  'NEW_LEADER_ELECTED',
]);
/** Not here, not now: the same proposal may be accepted later. */
const passingCodes: ReadonlySet<string> = new Set([
  'NOT_CONTROLLER',
  'THROTTLING_QUOTA_EXCEEDED',
  'STORAGE_LOW',
  'OPERATION_NOT_ATTEMPTED',
]);

/** The controller has decided something newer than what was proposed: what was proposed before can do nothing more. */
export function settleProposals(before: PartitionView, view: PartitionView, role: LeaderRole): void {
  if (role.proposal !== null && view.partitionEpoch > role.proposal.partitionEpoch) role.proposal = null;
  if (view.partitionEpoch > before.partitionEpoch) role.unsettled = [];
  else role.unsettled = stillUnsettled(view, role);
}

/** One that was removed may have thrown its log away: what it holds once it is added again has yet to be heard. */
export function forgetStrangers(view: PartitionView, role: LeaderRole): void {
  for (const broker of role.followers.keys()) {
    if (!view.replicas.includes(broker)) role.followers.delete(broker);
  }
}

function wantedIsr(state: ReplicaState, view: PartitionView, role: LeaderRole): readonly number[] {
  const { brokerId } = state.config;
  return view.replicas.filter((replica) => {
    if (replica === brokerId) return true;
    if (view.isr.includes(replica)) return mayStay(state, view, role, replica);
    return mayBeIn(view, role, replica) || mayEnter(state, view, role, replica);
  });
}

/**
 * One that may be in already is proposed again, and comes in or is settled by it. It lacks nothing that is committed:
 * the leader has waited for it since it was first proposed.
 */
function mayBeIn(view: PartitionView, role: LeaderRole, replica: number): boolean {
  const epoch = view.eligible.get(replica);
  return role.unsettled.some(({ brokerId, brokerEpoch }) => brokerId === replica && brokerEpoch === epoch);
}

function mayStay(state: ReplicaState, view: PartitionView, role: LeaderRole, replica: number): boolean {
  if (!view.eligible.has(replica)) return false;
  if (state.nowMs < lagDeadlineMs(state, role, replica)) return true;
  coverageMark('ISR: a follower that lags leaves');
  return false;
}

export function lagDeadlineMs(state: ReplicaState, role: LeaderRole, replica: number): number {
  const caughtUpMs = role.followers.get(replica)?.lastCaughtUpMs ?? role.becameLeaderMs;
  return caughtUpMs + state.config.replicaLagTimeMaxMs;
}

/**
 * A follower may enter once it holds, on disk, everything that was or may have been committed: up to the
 * high watermark, and all that the leader took over from the epochs before its own, which an earlier leader
 * may have acknowledged without this one's knowing (Kafka: Partition.isFollowerInSync). It must be the
 * incarnation that is registered, and unfenced (KAFKA-13916, KAFKA-14617).
 */
function mayEnter(state: ReplicaState, view: PartitionView, role: LeaderRole, replica: number): boolean {
  const progress = role.followers.get(replica);
  if (progress === undefined || view.eligible.get(replica) !== progress.brokerEpoch) return false;
  if (state.nowMs >= lagDeadlineMs(state, role, replica)) return false;
  return progress.flushedOffset >= Math.max(state.highWatermark, role.epochStartOffset);
}

/** A member that stays is proposed under the epoch that it is registered under, or was heard with. */
function withEpoch(
  state: ReplicaState,
  view: PartitionView,
  role: LeaderRole,
  brokerId: number,
): ProposedMember {
  if (brokerId === state.config.brokerId) return { brokerId, brokerEpoch: state.brokerEpoch };
  const heard = role.followers.get(brokerId)?.brokerEpoch;
  return { brokerId, brokerEpoch: heard ?? view.eligible.get(brokerId) ?? -1 };
}
