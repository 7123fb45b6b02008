import type { BrokerId, Offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { BrokerSessionView } from '../../metadata/operation.ts';

/**
 * The leader's broker sessions (design 13): in memory, by the monotonic clock, made afresh when the node
 * becomes active, gone when it no longer leads.
 *
 * Invariants
 * 1. A session expires only when `sessionTimeoutMs` have passed, stalls of this process not counted,
 *    since the broker's last heartbeat or since the session was made, whichever is later; or when the
 *    broker's process is known to be gone (`broker-probes.ts`).
 * 2. Expiry is only reported here. It takes effect as a record (design 11).
 */
export class BrokerSessions implements BrokerSessionView {
  readonly #sessions = new Map<BrokerId, BrokerSession>();
  readonly sessionTimeoutMs: number;
  #expiredCount = 0;

  constructor(sessionTimeoutMs: number) {
    this.sessionTimeoutMs = sessionTimeoutMs;
  }

  /** A new leader gives every registered broker a whole session: it cannot know who was heard last. */
  startAfresh(brokers: Iterable<BrokerId>, nowMs: number): void {
    this.#sessions.clear();
    for (const broker of brokers) {
      this.#sessions.set(broker, {
        lastHeardMs: nowMs,
        metadataOffset: null,
        isReported: false,
        isLive: true,
      });
    }
  }

  clear(): void {
    this.#sessions.clear();
  }

  heard(broker: BrokerId, metadataOffset: Offset | null, nowMs: number): void {
    this.#sessions.set(broker, { lastHeardMs: nowMs, metadataOffset, isReported: false, isLive: true });
  }

  remove(broker: BrokerId): void {
    this.#sessions.delete(broker);
  }

  /** Its process is gone. A heartbeat that arrives all the same begins its session anew. */
  end(broker: BrokerId): void {
    const session = this.#sessions.get(broker);
    if (session === undefined || !session.isLive) return;
    session.isReported = true;
    session.isLive = false;
    this.#expiredCount += 1;
  }

  /** Also where its session was made since then. */
  wasHeardSince(broker: BrokerId, sinceMs: number): boolean {
    return (this.#sessions.get(broker)?.lastHeardMs ?? Number.POSITIVE_INFINITY) >= sinceMs;
  }

  /** This process did not run for `stalledMs`: brokers are not to blame for what was not read meanwhile. */
  creditStall(stalledMs: number, nowMs: number): void {
    coverageMark('broker session: a stall of the leader is credited');
    for (const session of this.#sessions.values()) {
      session.lastHeardMs = Math.min(nowMs, session.lastHeardMs + stalledMs);
    }
  }

  /** Brokers whose sessions have expired and were not reported before. */
  takeExpired(nowMs: number): readonly BrokerId[] {
    const expired: BrokerId[] = [];
    for (const [broker, session] of this.#sessions) {
      if (session.isReported || nowMs - session.lastHeardMs < this.sessionTimeoutMs) continue;
      session.isReported = true;
      session.isLive = false;
      expired.push(broker);
      this.#expiredCount += 1;
    }
    return expired;
  }

  /** How long ago the broker that was not heard for longest was; null when none is alive. */
  oldestAgeMs(nowMs: number): number | null {
    let oldest: number | null = null;
    for (const { isLive, lastHeardMs } of this.#sessions.values()) {
      if (isLive) oldest = Math.max(oldest ?? 0, nowMs - lastHeardMs);
    }
    return oldest;
  }

  /** Sessions that have expired since the process started. */
  get expiredCount(): number {
    return this.#expiredCount;
  }

  isLive(broker: BrokerId): boolean {
    return this.#sessions.get(broker)?.isLive ?? false;
  }

  metadataOffset(broker: BrokerId): Offset | null {
    return this.#sessions.get(broker)?.metadataOffset ?? null;
  }
}

type BrokerSession = {
  lastHeardMs: number;
  metadataOffset: Offset | null;
  isReported: boolean;
  isLive: boolean;
};
