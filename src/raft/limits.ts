import { assert } from '../base/assert.ts';
import type { RaftConfig } from './config.ts';

/** Replicas that are no voters and whose progress a leader remembers; the longest silent one gives way. */
export const observersMax = 64;

/** Upper end of the jitter before the pre-vote that a refused reconnect brings about (design 8). */
export const suspicionJitterMaxMs = 50;

/** Longest pause before a snapshot that did not verify is asked of the same leader again. */
export const snapshotPauseMaxMs = 60_000;

/** Doublings after which the election back-off no longer grows; `electionBackoffMaxMs` caps it anyway. */
export const backoffDoublingsMax = 10;

/** The largest epoch that its int32 on disk can hold; nobody campaigns beyond it. */
export const epochMax = 2 ** 31 - 1;

/**
 * One peer's word for an epoch further ahead than this is not enough (see `epoch-jump.ts`): at one election a
 * second it takes twelve days to get there.
 */
export const epochJumpMax = 2 ** 20;

/** The leader waits this many fetch timeouts, in halves, for a majority before it resigns (KIP-595: 1.5). */
export const checkQuorumHalves = 3;

/** A fetch is parked, and a round lasts, at most this part of the fetch timeout (design 1, 5). */
export const fetchTimeoutParts = 4;

/** Rounds raised within this part of the fetch timeout share one time stamp, so that few are kept. */
export const roundTimeParts = 64;

/** Stops the program when the configured numbers do not fit together. */
export function assertConfig(config: RaftConfig): void {
  const { highWatermarkLingerMs, fetchLingerMs, ...others } = config;
  for (const [name, value] of Object.entries(others)) {
    assert(Number.isSafeInteger(value), `${name} is not an integer: ${value}`);
    assert(value > 0, `${name} is not positive: ${value}`);
  }
  // Lingering costs a round trip its time; beyond a parking the follower would seem to be away.
  for (const lingerMs of [highWatermarkLingerMs, fetchLingerMs]) {
    assert(Number.isSafeInteger(lingerMs), `a linger is not an integer: ${lingerMs}`);
    const lingerMaxMs = quarterOfFetchTimeoutMs(config);
    assert(
      lingerMs >= 0 && lingerMs <= lingerMaxMs,
      `a linger is not within 0 to ${lingerMaxMs}: ${lingerMs}`,
    );
  }
  // Below this the parts of a timeout would round to nothing and the leader would spin.
  assert(config.fetchTimeoutMs >= fetchTimeoutParts, `fetchTimeoutMs is too short: ${config.fetchTimeoutMs}`);
}

export function quarterOfFetchTimeoutMs(config: RaftConfig): number {
  return Math.trunc(config.fetchTimeoutMs / fetchTimeoutParts);
}

export function checkQuorumTimeoutMs(config: RaftConfig): number {
  return Math.trunc((config.fetchTimeoutMs * checkQuorumHalves) / 2);
}

/**
 * When an unanswered fetch is taken for lost. A leader answers within a quarter of the fetch timeout, so
 * that half of it leaves a second try before the follower gives the leader up.
 */
export function fetchRetryMs(config: RaftConfig): number {
  return Math.min(config.requestTimeoutMs, Math.max(1, Math.trunc(config.fetchTimeoutMs / 2)));
}

/** Pause between two rounds of the same vote requests, and between two questions for the leader. */
export function resendMs(config: RaftConfig): number {
  return Math.max(config.retryBackoffMs, Math.trunc(config.electionTimeoutMs / 8));
}
