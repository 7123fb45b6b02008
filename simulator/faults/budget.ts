import type { FaultKind } from './fault.ts';

/** Under which assumptions about the world a run takes place. */
export type BudgetName = 'fault free' | 'short stalls' | 'minority damaged' | 'majority damaged';

export type Budget = {
  readonly name: BudgetName;
  /** The assumption in words, for people who read a report. */
  readonly assumes: string;
  readonly kinds: ReadonlySet<FaultKind>;
  /** Messages are lost, repeated and delayed by the network itself, as the run's link says. */
  readonly badLinks: boolean;
  /**
   * How many of the voters may lose what they have acknowledged, within one run. Where voters come and go it
   * is reckoned by the smallest set that anybody has asked for, and no set is asked for that has more such
   * voters than may be.
   */
  damagedMax(voters: number): number;
  /** What holds all the same. Safety, which is every property but progress, always does. */
  readonly promises: {
    /** Once everything is healed the quorum serves, and everybody catches up. */
    readonly liveness: boolean;
    /** The first leader stays the only one. */
    readonly noFurtherElection: boolean;
  };
};

/** What takes away what a node has acknowledged: a voter that suffers it is a voter less (design 19). */
export const damagingKinds: ReadonlySet<FaultKind> = new Set(['rot', 'misdirect', 'wipe']);

/** Of all kinds in one place, in the order in which they are listed. */
export const faultKinds: readonly FaultKind[] = [
  'crash',
  'crashAll',
  'crashBetweenEffects',
  'stop',
  'rollingRestart',
  'pause',
  'stall',
  'isolate',
  'split',
  'bridge',
  'cutPair',
  'flap',
  'reset',
  'clog',
  'storm',
  'slowDisk',
  'stallDisk',
  'failDisk',
  'fullDisk',
  'lowDisk',
  'rot',
  'misdirect',
  'wipe',
  'wallJump',
  'drift',
  'suspend',
  'addVoter',
  'removeVoter',
  'upgrade',
  'finalize',
];

/**
 * The combinations of faults under which the design promises something, and what it promises.
 *
 * What no budget contains, because the design promises nothing then: a disk that says that it has flushed
 * and has not (mutants have one); a voter whose last acknowledged group of records is replaced by zeros
 * (design 19, "What remains"), and so a misdirected write that leaves no trace where it landed; an empty disk in the
 * place of every founding voter's, after which nobody can know that there was a cluster; clocks that
 * drift by more than the timeouts' margins; and that a broker whose machine was suspended knows that its lease is
 * over. (Design 13: clocks stop in suspend, so data is fenced by leader epoch all the same. Its records are kept, its
 * reads are consistent, and a suspended controller takes no lease from anybody: those hold under every budget.)
 */
export const budgets: Readonly<Record<BudgetName, Budget>> = {
  'fault free': {
    name: 'fault free',
    assumes: 'nothing fails',
    kinds: new Set(),
    badLinks: false,
    damagedMax: () => 0,
    promises: { liveness: true, noFurtherElection: true },
  },
  'short stalls': {
    name: 'short stalls',
    assumes: 'nothing fails but that processes stall, for less than a timeout',
    kinds: new Set(['pause', 'stall', 'wallJump']),
    badLinks: false,
    damagedMax: () => 0,
    promises: { liveness: true, noFurtherElection: true },
  },
  'minority damaged': {
    name: 'minority damaged',
    assumes:
      'anything fails and comes back, voters come and go, and fewer than half of them lose what they had acknowledged',
    kinds: new Set(faultKinds),
    badLinks: true,
    damagedMax: (voters) => Math.ceil(voters / 2) - 1,
    promises: { liveness: true, noFurtherElection: false },
  },
  'majority damaged': {
    name: 'majority damaged',
    assumes:
      'anything fails, voters come and go, and any number of them loses what it had acknowledged, but not all of them everything',
    kinds: new Set(faultKinds),
    badLinks: true,
    damagedMax: (voters) => voters,
    // A majority that recovers without a leader stays down on purpose (design 19).
    promises: { liveness: false, noFurtherElection: false },
  },
};

export const budgetNames = Object.keys(budgets) as readonly BudgetName[];
