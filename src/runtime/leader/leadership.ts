import type { BrokerId, Epoch, Offset, Uuid } from '../../base/brands.ts';
import { brokerId } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { QuorumView } from '../../metadata/operation.ts';
import { expireBrokerSessions } from '../../metadata/resources/broker/expiry.ts';
import type { FeatureLevel } from '../../metadata/resources/feature/supported.ts';
import type { Policies } from '../../metadata/policy.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { type ProposalWindow, runtimeLimits } from '../limits.ts';
import { type LoggedTransaction, type LoggedTransactions, stableOffset } from '../log/transaction-index.ts';
import type { ReadQueue } from '../reads.ts';
import type { BrokerSessions } from '../sessions/broker-sessions.ts';
import type { Prober } from '../../ports/prober.ts';
import { BrokerProbes } from '../sessions/broker-probes.ts';
import { GroupSessions } from '../sessions/group-sessions.ts';
import { dutiesAtStart, dutiesByTime, fencingOf } from './duties.ts';
import { afterHeartbeats, internalWork } from './internal-work.ts';
import type { Proposal, QuorumChangeProposal } from './proposal.ts';
import { PreferredBalancing } from './preferred-balancing.ts';
import { Proposer } from './proposer.ts';

export type LeadershipOptions = {
  readonly clusterId: Uuid;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sessions: BrokerSessions;
  /** Null where the session timeout alone tells that a broker is gone. */
  readonly prober: Prober | null;
  readonly fastFencingGraceMs: number;
  readonly leaderImbalanceCheckIntervalMs: number;
  readonly policies: Policies;
  readonly reads: ReadQueue;
  readonly window: ProposalWindow;
  readonly recordsPerStepMax: number;
  readonly propose: (proposal: Proposal) => void;
  readonly proposeQuorumChange: (proposal: QuorumChangeProposal) => void;
  readonly quorum: () => QuorumView;
  /** What all the voters support that the cluster was born with. */
  readonly foundingLevels: readonly FeatureLevel[];
  readonly hasRoomInLog: () => boolean;
  readonly lastTimestampMs: () => number;
  /** This node begins to serve, and an operation threw: for whoever counts. */
  readonly onActivated: () => void;
  readonly onRejected: () => void;
  readonly onUncleanElections: (count: number) => void;
  /** What was remembered of proposals is void. */
  readonly forgetProposed: () => void;
  /** The committed state, and where the log ends now. */
  readonly image: () => MetadataImage;
  readonly logEndOffset: () => Offset;
  readonly highWatermark: () => Offset;
  readonly transactions: LoggedTransactions;
};

type Reign = { readonly epoch: Epoch; readonly serveFrom: Offset };

/**
 * This node as the active controller.
 *
 * Invariants
 * 1. It serves only once everything up to the log end at which it became leader is applied (KAFKA-15345),
 *    so its speculative state begins as the committed one. Where the log ends within a transaction, which nobody
 *    can end any more, that is the state from before it, and the first thing proposed is its Abort.
 * 2. When leadership ends, by whatever way, every operation is answered and the speculative state is
 *    dropped (design 10).
 * 3. The sessions of brokers and of groups' members begin anew with each leadership (design 13).
 * 4. A proposal that was refused ends what was computed upon it: the node begins to serve anew, within its
 *    epoch, from the log as it is.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #reign: Reign | null = null;
  #proposer: Proposer | null = null;
  #timer: Timer | null = null;
  #probes: BrokerProbes | null = null;
  #nextProposalId = 1;
  /** A look for expired sessions waits for its turn. */
  #isLooking = false;
  /** The node takes no requests any more. */
  #isLeaving = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Present while this node serves as the active controller. */
  get proposer(): Proposer | null {
    return this.#proposer;
  }

  began(epoch: Epoch, serveFrom: Offset, image: MetadataImage): void {
    this.ended();
    this.#reign = { epoch, serveFrom };
    this.applied(image);
  }

  ended(): void {
    this.#reign = null;
    this.#timer?.cancel();
    this.#timer = null;
    this.#probes?.close();
    this.#probes = null;
    const proposer = this.#proposer;
    this.#proposer = null;
    if (proposer === null) return;
    this.#nextProposalId = proposer.nextProposalId;
    proposer.close();
    this.#options.forgetProposed();
    this.#options.sessions.clear();
    this.#options.logger.info('controller-resigned', {});
  }

  /**
   * The node stops, and takes no heartbeats any more while it still leads: that it hears nobody says nothing of them.
   * Whoever leads next gives each a whole session.
   */
  leave(): void {
    this.#isLeaving = true;
  }

  completed(proposalId: number): void {
    this.#proposer?.completed(proposalId);
  }

  /** The core's own control records end at `endOffset`: other voters, while this node leads. */
  controlAppended(endOffset: Offset): void {
    this.#proposer?.controlAppended(endOffset);
  }

  logFlushed(): void {
    this.#proposer?.logFlushed();
  }

  /** The core has appended nothing of this proposal. */
  refused(proposalId: number): void {
    const proposer = this.#proposer;
    if (proposer === null || !proposer.refused(proposalId)) return;
    const { clock, forgetProposed, logger, image, logEndOffset } = this.#options;
    logger.error('proposal-refused', { proposalId });
    forgetProposed();
    // Not from within the proposer's own call.
    clock.afterPendingEvents(() => {
      const reign = this.#reign;
      if (this.#proposer === proposer && reign !== null) this.began(reign.epoch, logEndOffset(), image());
    });
  }

  /** The committed state has moved on to `image`. */
  applied(image: MetadataImage): void {
    const reign = this.#reign;
    if (reign === null) return;
    if (this.#proposer !== null) this.#proposer.applied(image.endOffset);
    else this.#activateOnceThere(reign, image);
    this.#probes?.follow(image);
  }

  /** More of the log is committed, which need not mean another state. */
  committed(): void {
    const reign = this.#reign;
    if (reign !== null && this.#proposer === null) this.#activateOnceThere(reign, this.#options.image());
  }

  #activateOnceThere(reign: Reign, image: MetadataImage): void {
    const { highWatermark, transactions } = this.#options;
    if (highWatermark() < reign.serveFrom) return;
    if (image.endOffset >= stableOffset(transactions, reign.serveFrom)) this.#activate(reign, image);
  }

  #activate(reign: Reign, image: MetadataImage): void {
    const { clusterId, clock, random, sessions, policies, reads, logger } = this.#options;
    const { window, recordsPerStepMax, propose, proposeQuorumChange, quorum } = this.#options;
    const { hasRoomInLog, lastTimestampMs } = this.#options;
    sessions.startAfresh(brokersOf(image), clock.monotonicMs());
    const groupSessions = new GroupSessions(image.group.members.values(), clock.monotonicMs());
    const proposer = new Proposer(
      {
        epoch: reign.epoch,
        clusterId,
        image,
        leftOpenUntil: this.#leftOpen() === null ? null : this.#options.logEndOffset(),
        recordsPerStepMax,
        lastTimestampMs: () => Math.max(lastTimestampMs(), this.#leftOpen()?.lastTimestampMs ?? 0),
        clock,
        random,
        sessions,
        groupSessions,
        policies,
        window,
        propose,
        proposeQuorumChange,
        quorum,
        hasRoomInLog,
        awaitBarrier: (confirmed, fail) => reads.add({ confirmed, fail }),
        onRejected: (operation, reason) => {
          logger.error('operation-rejected', { operation, reason });
          this.#options.onRejected();
        },
        onUncleanElections: (count) => {
          logger.warn('unclean-leader-elections', { count });
          this.#options.onUncleanElections(count);
        },
      },
      this.#nextProposalId,
    );
    this.#proposer = proposer;
    this.#isLooking = false;
    this.#options.onActivated();
    logger.info('controller-active', { epoch: reign.epoch, offset: image.endOffset });
    for (const duty of dutiesAtStart(image, this.#options.foundingLevels)) proposer.offer(internalWork(duty));
    this.#probes = this.#createProbes(proposer);
    this.#probes?.follow(image);
    const { leaderImbalanceCheckIntervalMs } = this.#options;
    const balancing = new PreferredBalancing(
      leaderImbalanceCheckIntervalMs,
      clock.monotonicMs(),
      image.endOffset,
    );
    this.#lookAfterTime(proposer, groupSessions, balancing);
  }

  /** The transaction within which the log ends. */
  #leftOpen(): LoggedTransaction | null {
    return this.#options.transactions.around(this.#options.logEndOffset());
  }

  #createProbes(proposer: Proposer): BrokerProbes | null {
    const { prober, fastFencingGraceMs: graceMs, clock, sessions, logger } = this.#options;
    if (prober === null || graceMs === 0) return null;
    return new BrokerProbes({
      prober,
      clock,
      sessions,
      graceMs,
      afterHeartbeats: (look) => proposer.offer(afterHeartbeats('lookForTheGone', look)),
      gone: (broker) => {
        if (this.#isLeaving) return;
        logger.info('broker-process-gone', { brokerId: broker });
        sessions.end(broker);
        proposer.offer(internalWork(expireBrokerSessions([broker])));
      },
    });
  }

  /** Expiry is looked for by time and takes effect by record. */
  #lookAfterTime(proposer: Proposer, groupSessions: GroupSessions, balancing: PreferredBalancing): void {
    const { clock, sessions } = this.#options;
    const dueMs = clock.monotonicMs() + runtimeLimits.sessionCheckMs;
    this.#timer = clock.setTimer(runtimeLimits.sessionCheckMs, () => {
      const nowMs = clock.monotonicMs();
      // This process stood still, and what brokers said meanwhile may not have reached it yet.
      if (nowMs - dueMs > runtimeLimits.stallToleratedMs) {
        sessions.creditStall(nowMs - dueMs, nowMs);
        groupSessions.creditStall(nowMs - dueMs, nowMs);
      }
      clock.afterPendingEvents(() => {
        if (this.#proposer !== proposer) return;
        this.#lookForSilence(proposer, groupSessions);
        const image = proposer.speculativeImage;
        const duties = dutiesByTime(image, clock.wallMs(), this.#options.quorum());
        const balance = balancing.dueAt(clock.monotonicMs(), image.endOffset);
        for (const duty of duties) proposer.offer(internalWork(duty));
        if (balance !== null) proposer.offer(internalWork(balance));
        this.#lookAfterTime(proposer, groupSessions, balancing);
      });
    });
  }

  #lookForSilence(proposer: Proposer, groupSessions: GroupSessions): void {
    if (this.#isLooking || this.#isLeaving) return;
    this.#isLooking = true;
    const { clock, sessions } = this.#options;
    const look = afterHeartbeats('lookForSilence', () => {
      this.#isLooking = false;
      if (this.#isLeaving) return;
      const nowMs = clock.monotonicMs();
      const fencing = fencingOf(sessions.takeExpired(nowMs), groupSessions.takeExpired(nowMs));
      for (const each of fencing) proposer.offer(internalWork(each));
    });
    proposer.offer(look);
  }
}

function* brokersOf(image: MetadataImage): Generator<BrokerId, void, undefined> {
  for (const row of image.broker.brokers.values()) yield brokerId(row.brokerId);
}
