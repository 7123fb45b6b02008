import type { HashedChance } from '../../src/testing/world/chance.ts';
import type { Fault } from './fault.ts';
import type { Schedule } from './schedule.ts';
import { chanceOf, chanceOfWorkload } from './salts.ts';

/** One run in so many has nothing but slow echoes. */
const oneRunIn = 32;

/** A way that takes no longer than the leader's loss of its followers is noticed by them, or by itself. */
const link = { lossPerMille: 0, duplicatePerMille: 0, delayUs: 200, jitterUs: 10, isOrdered: true };

export function withSlowEchoes(schedule: Schedule): Schedule {
  const chance = chanceOf(schedule.seed, 'slowEchoes');
  const isChosen = schedule.config.budget === 'minority damaged' && chance.oneIn(oneRunIn);
  return isChosen ? slowEchoes(schedule, chance) : schedule;
}

/** Slow echoes in every run. */
export function slowEchoesAlone(schedule: Schedule): Schedule {
  const config = { ...schedule.config, budget: 'minority damaged' } as const;
  return slowEchoes({ ...schedule, config }, chanceOfWorkload(schedule.seed, 'slowEchoes'));
}

/**
 * Again and again what the followers say to the leader takes about as long as they wait for its answer, while
 * they hear it at once. So they elect another, and what arrives at the old leader after that, while it has not
 * noticed yet, was said before: the echo of a read barrier, say, that began before others committed what a
 * later read must see (Raft thesis, 6.4).
 */
function slowEchoes(schedule: Schedule, chance: HashedChance): Schedule {
  const { raft, durationUs } = schedule.config;
  const fetchTimeoutMs = chance.pick([600, 1000]);
  const timeoutUs = fetchTimeoutMs * 1000;
  const faults: Fault[] = [];
  for (let atUs = 2_000_000; atUs < durationUs; ) {
    const delayUs = Math.floor(timeoutUs * (0.9 + chance.integer(700) / 1000));
    const factor = Math.floor(delayUs / (link.delayUs + link.jitterUs));
    const forUs = 2 * timeoutUs + chance.integer(timeoutUs);
    faults.push({ kind: 'clog', atUs, target: 'leader', direction: 'in', factor, forUs });
    atUs += forUs + delayUs + 500_000 + chance.integer(1_000_000);
  }
  const electionTimeoutMs = fetchTimeoutMs / 2;
  const quick = { ...raft, fetchTimeoutMs, requestTimeoutMs: fetchTimeoutMs, electionTimeoutMs };
  const roomy = {
    pendingProposalsMax: 1024,
    pendingBytesMax: 1_048_576,
    electionBackoffMaxMs: electionTimeoutMs,
  };
  // Several clients, so that some have stayed with the old leader and others have found the new one.
  const config = { ...schedule.config, link, raft: { ...quick, ...roomy }, clients: 8, diskSpread: 0 };
  return { ...schedule, config, faults };
}
