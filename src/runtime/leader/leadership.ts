import type { BrokerId, Epoch, Offset, Uuid } from '../../base/brands.ts';
import { brokerId } from '../../base/brands.ts';
import type { Random } from '../../base/random.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { runtimeLimits } from '../limits.ts';
import type { ReadQueue } from '../reads.ts';
import type { BrokerSessions } from '../sessions/broker-sessions.ts';
import { dutiesAtStart, dutiesByTime, fencingOf } from './duties.ts';
import { internalWork } from './internal-work.ts';
import { type Proposal, Proposer } from './proposer.ts';

export type LeadershipOptions = {
  readonly clusterId: Uuid;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sessions: BrokerSessions;
  readonly reads: ReadQueue;
  readonly propose: (proposal: Proposal) => void;
  readonly lastTimestampMs: () => number;
  /** What was remembered of proposals is void. */
  readonly forgetProposed: () => void;
};

type Reign = { readonly epoch: Epoch; readonly serveFrom: Offset };

/**
 * This node as the active controller.
 *
 * Invariants
 * 1. It serves only once everything up to the log end at which it became leader is applied (KAFKA-15345),
 *    so its speculative state begins as the committed one.
 * 2. When leadership ends, by whatever way, every operation is answered and the speculative state is
 *    dropped (design 10).
 * 3. Broker sessions begin anew with each leadership (design 13).
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #reign: Reign | null = null;
  #proposer: Proposer | null = null;
  #timer: Timer | null = null;
  #nextProposalId = 1;

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
    const proposer = this.#proposer;
    this.#proposer = null;
    if (proposer === null) return;
    this.#nextProposalId = proposer.nextProposalId;
    proposer.close();
    this.#options.forgetProposed();
    this.#options.sessions.clear();
    this.#options.logger.info('controller-resigned', {});
  }

  /** The committed state has moved on to `image`. */
  applied(image: MetadataImage): void {
    const reign = this.#reign;
    if (reign === null) return;
    if (this.#proposer !== null) this.#proposer.applied(image.endOffset);
    else if (image.endOffset >= reign.serveFrom) this.#activate(reign, image);
  }

  #activate(reign: Reign, image: MetadataImage): void {
    const { clusterId, clock, random, sessions, reads, logger, propose } = this.#options;
    sessions.startAfresh(brokersOf(image), clock.monotonicMs());
    const proposer = new Proposer(
      {
        epoch: reign.epoch,
        clusterId,
        image,
        lastTimestampMs: this.#options.lastTimestampMs(),
        clock,
        random,
        sessions,
        propose,
        awaitBarrier: (confirmed, fail) => reads.add({ confirmed, fail }),
        onRejected: (operation, reason) => logger.error('operation-rejected', { operation, reason }),
      },
      this.#nextProposalId,
    );
    this.#proposer = proposer;
    logger.info('controller-active', { epoch: reign.epoch, offset: image.endOffset });
    for (const duty of dutiesAtStart(image)) proposer.offer(internalWork(duty));
    this.#lookAfterTime();
  }

  /** Expiry is looked for by time and takes effect by record. */
  #lookAfterTime(): void {
    this.#timer = this.#options.clock.setTimer(runtimeLimits.sessionCheckMs, () => {
      const { clock, sessions } = this.#options;
      // Heartbeats that wait in the sockets are heard before any session is believed to have expired.
      clock.afterPendingEvents(() => {
        const proposer = this.#proposer;
        if (proposer === null) return;
        const expired = sessions.takeExpired(clock.monotonicMs());
        if (expired.length > 0) proposer.offer(internalWork(fencingOf(expired)));
        for (const duty of dutiesByTime(proposer.speculativeImage, clock.wallMs()))
          proposer.offer(internalWork(duty));
        this.#lookAfterTime();
      });
    });
  }
}

function* brokersOf(image: MetadataImage): Generator<BrokerId, void, undefined> {
  for (const row of image.broker.brokers.values()) yield brokerId(row.brokerId);
}
