import { assert, assertNever } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { acknowledgeFlush, fetchWhenDue, takeAnswer } from './follower.ts';
import {
  forgetStrangers,
  lagDeadlineMs,
  replicationQuorum,
  settleProposals,
  takeProposalAnswer,
  tendIsr,
} from './isr.ts';
import { answerFetch, failProduce, produce, raiseHighWatermark } from './leader.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { type ProducedBatch, ProducerState } from './producer-state.ts';
import { advanceLogStart, mayAct, type ReplicaRole, type ReplicaState } from './state.ts';
import type { PartitionView, RecoveredReplica, ReplicaConfig, ReplicaInput, ReplicaStep } from './types.ts';

/**
 * One replica of one partition on one broker: leader, follower or neither, as the controller says. Pure and
 * synchronous: inputs in, effects out; no clock, no chance, no bytes. It decides which records are appended,
 * fetched, cut off and called committed; the shell moves the bytes (protocols, "Replicas").
 *
 *            named leader                     named leader
 *   idle ───────────────────▶ leader ◀──────────────────── follower
 *    ▲ ▲                        │  another is named ──────────▲ │
 *    │ └──── nobody is named ───┘                               │
 *    └───────────────────── nobody is named, or no replica ─────┘
 *   Each with a higher leader epoch; within one leader epoch a role never changes.
 *
 * Invariants
 * 1. `flushedOffset` and `highWatermark` lie at or below `logEndOffset`, and at or above `logStartOffset`: what is
 *    removed is committed, and was on disk.
 * 2. The leader epoch never falls, nor, within one, the partition epoch; over a restart it never falls below
 *    that of the newest record in the log.
 * 3. The log is cut, or begun anew, only by a diverging epoch or a log start that the leader of the present leader
 *    epoch has named, and by a follower only.
 * 4. A leader's high watermark rises only as far as every member of its replication quorum, which is the
 *    committed and the proposed ISR, has flushed; never while the committed ISR is below min ISR; never while
 *    the broker holds no lease. So what is below it is on the disk of whoever the controller may elect.
 * 5. A record is acknowledged only below the high watermark, by the leader that appended it, under the leader epoch
 *    in which it did; or by a later one that its producer sends it again to, and that finds it in its log.
 * 6. At most one ISR proposal is undecided, and it counts until the controller's word shows what became of it.
 * 7. A follower's acknowledgement covers what is on its disk, up to where its log is proved equal to the
 *    leader's.
 * 8. Readers see nothing above `visibleEndOffset`: a new leader hides offsets until its high watermark has
 *    reached the start of its epoch, because it may know less than what was read before.
 * 9. A leader does nothing before the metadata has shown its broker active under the present registration: who has
 *    started anew may find itself named as the leader that it was, and hold less (protocols 3).
 * 10. What is known of idempotent producers follows from the log's bytes alone (`producer-state.ts`); whoever leads
 *    while it is not known takes nothing from them.
 * 11. A leader that may act decides where the log begins; followers follow it, and never an earlier one.
 */
export class Replica {
  readonly #state: ReplicaState;

  constructor(config: ReplicaConfig, recovered: RecoveredReplica, nowMs: number) {
    this.#state = {
      config,
      epochs: new LeaderEpochs(recovered.epochs),
      producers: new ProducerState(recovered.produced, recovered.logEndOffset),
      logStartOffset: recovered.logStartOffset,
      truncatedTo: recovered.logEndOffset,
      brokerEpoch: recovered.brokerEpoch,
      holdsLease: false,
      logEndOffset: recovered.logEndOffset,
      flushedOffset: recovered.logEndOffset,
      generation: 0,
      resetting: null,
      // What is gone was committed.
      highWatermark: recovered.logStartOffset,
      view: null,
      role: { name: 'idle' },
      nextId: 1,
      nowMs,
      effects: [],
    };
  }

  get role(): ReplicaRole['name'] {
    return this.#state.role.name;
  }

  get leaderEpoch(): number {
    return this.#state.view?.leaderEpoch ?? -1;
  }

  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  get flushedOffset(): number {
    return this.#state.flushedOffset;
  }

  get highWatermark(): number {
    return this.#state.highWatermark;
  }

  /** Up to where a consumer may read; null while nothing may be read here. */
  get visibleEndOffset(): number | null {
    const { role, highWatermark } = this.#state;
    if (role.name !== 'leader' || !mayAct(this.#state, role)) return null;
    return highWatermark >= role.epochStartOffset ? highWatermark : null;
  }

  /** Of each idempotent producer its last batches; null while they are not known. */
  get produced(): readonly ProducedBatch[] | null {
    const { producers } = this.#state;
    return producers.isComplete ? producers.snapshot() : null;
  }

  /** Whom the leader waits for; empty on others. */
  get replicationQuorum(): readonly number[] {
    const { role, view } = this.#state;
    return role.name === 'leader' && view !== null ? replicationQuorum(view, role) : [];
  }

  step(input: ReplicaInput): ReplicaStep {
    const state = this.#state;
    assert(input.nowMs >= state.nowMs, `the clock went back from ${state.nowMs} to ${input.nowMs}`);
    state.nowMs = input.nowMs;
    this.#take(input);
    const { role } = state;
    if (role.name === 'leader') {
      raiseHighWatermark(state, role);
      tendIsr(state, role);
    } else if (role.name === 'follower') {
      fetchWhenDue(state, role);
    }
    this.#assertInvariants();
    return { effects: state.effects.splice(0), nextWakeAtMs: nextWakeAtMs(state) };
  }

  #take(input: ReplicaInput): void {
    const state = this.#state;
    const { role } = state;
    switch (input.type) {
      case 'wake':
        return;
      case 'partitionChanged':
        this.#partitionChanged(input.view);
        this.#noteRegistration();
        return;
      case 'leaseChanged':
        state.holdsLease = input.holdsLease;
        state.brokerEpoch = input.brokerEpoch;
        this.#noteRegistration();
        return;
      case 'produceRequested':
        if (role.name === 'leader') produce(state, role, input);
        else failProduce(state, input.produceId, 'NOT_LEADER_OR_FOLLOWER');
        return;
      case 'flushed':
        this.#flushed(input.endOffset, input.generation);
        return;
      case 'fetchReceived':
        answerFetch(state, role.name === 'leader' ? role : null, input.fetchId, input.request);
        return;
      case 'fetchAnswered':
        if (role.name === 'follower') takeAnswer(state, role, input.fetchId, input.answer, input.produced);
        return;
      case 'producersRebuilt':
        // What was read before a truncation says nothing of what is left.
        if (input.generation !== state.generation) return;
        state.producers.rebuild(input.produced, state.truncatedTo);
        // Its start may have moved while the log was read.
        state.producers.advanceLogStart(state.logStartOffset);
        return;
      case 'retentionDue':
        if (role.name === 'leader' && mayAct(state, role)) advanceLogStart(state, input.logStartOffset);
        return;
      case 'proposalAnswered':
        if (role.name === 'leader') takeProposalAnswer(state, role, input.proposalId, input.answer);
        return;
      default:
        assertNever(input);
    }
  }

  #flushed(endOffset: number, generation: number): void {
    const state = this.#state;
    if (generation === state.resetting) {
      state.resetting = null;
      if (state.role.name === 'follower') acknowledgeFlush(state, state.role);
    }
    // A flush that began before a truncation says nothing about what was appended since.
    if (generation !== state.generation) {
      coverageMark('replica: a flush from before a truncation');
      return;
    }
    if (endOffset <= state.flushedOffset) return;
    assert(endOffset <= state.logEndOffset, 'nothing is flushed that was not appended');
    state.flushedOffset = endOffset;
    if (state.role.name === 'follower') acknowledgeFlush(state, state.role);
  }

  #partitionChanged(view: PartitionView): void {
    const state = this.#state;
    const before = state.view;
    // A broker that has restarted may read from a controller that lags behind what its own log proves.
    if (before === null && view.leaderEpoch < state.epochs.latestEpoch) {
      coverageMark('replica: the controller lags behind its own log');
      return;
    }
    const isOlder =
      before !== null &&
      (view.leaderEpoch < before.leaderEpoch ||
        (view.leaderEpoch === before.leaderEpoch && view.partitionEpoch < before.partitionEpoch));
    if (isOlder) {
      coverageMark('replica: an older word of the controller');
      return;
    }
    state.view = view;
    const { role } = state;
    if (before === null || view.leaderEpoch > before.leaderEpoch) this.#changeRole(view);
    else if (role.name === 'leader') {
      settleProposals(before, view, role);
      forgetStrangers(view, role);
    }
  }

  #changeRole(view: PartitionView): void {
    const state = this.#state;
    const { role, config, nowMs } = state;
    if (role.name === 'leader') {
      // What was appended may be committed by the next leader, or not.
      if (role.produces.length > 0) coverageMark('replica: leadership ends with an unknown outcome');
      for (const { produceId } of role.produces) failProduce(state, produceId, 'OUTCOME_UNKNOWN');
    }
    // An epoch in which it led and wrote nothing leaves no trace: the next leader's records may be older.
    state.epochs.truncate(state.logEndOffset);
    if (!view.replicas.includes(config.brokerId) || view.leader < 0) {
      state.role = { name: 'idle' };
    } else if (view.leader === config.brokerId) {
      state.epochs.begin(view.leaderEpoch, state.logEndOffset);
      state.role = {
        name: 'leader',
        epochStartOffset: state.logEndOffset,
        becameLeaderMs: nowMs,
        brokerEpoch: null,
        followers: new Map(),
        produces: [],
        proposal: null,
        unsettled: [],
        retryProposalAtMs: nowMs,
      };
    } else {
      state.role = { name: 'follower', fetch: null, nextFetchAtMs: nowMs };
    }
  }

  /** Whoever is registered anew is unfenced only when it has left all that it led before (protocols 3). */
  #noteRegistration(): void {
    const { role, view, brokerEpoch, config } = this.#state;
    if (role.name !== 'leader' || view === null) return;
    if (view.eligible.get(config.brokerId) === brokerEpoch) role.brokerEpoch = brokerEpoch;
  }

  #assertInvariants(): void {
    const { logStartOffset, logEndOffset, flushedOffset, highWatermark, epochs } = this.#state;
    assert(
      flushedOffset >= logStartOffset,
      `flushed ${flushedOffset} of a log that begins at ${logStartOffset}`,
    );
    assert(highWatermark >= logStartOffset, `committed ${highWatermark} of a log from ${logStartOffset} on`);
    assert(flushedOffset <= logEndOffset, `flushed ${flushedOffset} of a log that ends at ${logEndOffset}`);
    assert(highWatermark <= logEndOffset, `committed ${highWatermark} of a log that ends at ${logEndOffset}`);
    const last = epochs.entries.at(-1);
    assert(last === undefined || last.startOffset <= logEndOffset, 'an epoch begins behind the log end');
  }
}

function nextWakeAtMs(state: ReplicaState): number | null {
  const { role, view } = state;
  if (role.name === 'idle' || view === null) return null;
  if (role.name === 'follower') {
    return state.resetting === null ? (role.fetch?.untilMs ?? role.nextFetchAtMs) : null;
  }
  if (!mayAct(state, role)) return null;
  const { proposal } = role;
  if (proposal !== null) return proposal.isInFlight || proposal.awaitsMetadata ? null : proposal.retryAtMs;
  const members = view.isr.filter((member) => member !== state.config.brokerId);
  const deadlines = members.map((member) => lagDeadlineMs(state, role, member));
  return deadlines.length === 0 ? null : Math.max(Math.min(...deadlines), role.retryProposalAtMs);
}
