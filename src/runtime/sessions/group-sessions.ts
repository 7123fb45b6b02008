import { coverageMark } from '../../base/coverage-marks.ts';
import type { GroupMembership, GroupSessionView } from '../../metadata/operation.ts';

type TimedMembership = GroupMembership & { readonly sessionTimeoutMs: number };

/**
 * The leader's sessions of groups' members: as those of brokers they live in memory, by the monotonic clock,
 * and are made for one leadership (design 13).
 *
 * Invariants
 * 1. A session ends only when its own timeout has passed, stalls of this process not counted, since the
 *    member was last heard or since the session was made, whichever is later.
 * 2. The end is only reported here. It takes effect as a record (design 11).
 */
export class GroupSessions implements GroupSessionView {
  /** By member epoch. */
  readonly #sessions = new Map<number, GroupSession>();

  /** A new leader gives every member a whole session: it cannot know who was heard last. */
  constructor(members: Iterable<TimedMembership>, nowMs: number) {
    for (const member of members) this.heard(member, nowMs);
  }

  heard({ group, memberId, memberEpoch, sessionTimeoutMs }: TimedMembership, nowMs: number): void {
    const membership = { group, memberId, memberEpoch };
    this.#sessions.set(memberEpoch, { membership, sessionTimeoutMs, lastHeardMs: nowMs });
  }

  remove(memberEpoch: number): void {
    this.#sessions.delete(memberEpoch);
  }

  /** This process did not run for `stalledMs`: members are not to blame for what was not read meanwhile. */
  creditStall(stalledMs: number, nowMs: number): void {
    for (const session of this.#sessions.values()) {
      session.lastHeardMs = Math.min(nowMs, session.lastHeardMs + stalledMs);
    }
  }

  /** Members whose sessions have ended; each is told of once, unless it is heard again. */
  takeExpired(nowMs: number): readonly GroupMembership[] {
    const expired: GroupMembership[] = [];
    for (const [memberEpoch, { membership, sessionTimeoutMs, lastHeardMs }] of this.#sessions) {
      if (nowMs - lastHeardMs < sessionTimeoutMs) continue;
      coverageMark('group session: ends');
      this.#sessions.delete(memberEpoch);
      expired.push(membership);
    }
    return expired;
  }

  isLive(memberEpoch: number): boolean {
    return this.#sessions.has(memberEpoch);
  }
}

/** Where nobody's sessions are kept: reads ask for none. */
export const noGroupSessions: GroupSessionView = Object.freeze({ isLive: () => false });

type GroupSession = {
  readonly membership: GroupMembership;
  readonly sessionTimeoutMs: number;
  lastHeardMs: number;
};
