import type { Rule, RuleName } from './rules.ts';

/** What came of looking at one rule. */
export type Outcome =
  | { readonly kind: 'kept' }
  | { readonly kind: 'broken'; readonly demanded: string; readonly seen: string }
  /** The check did not come to where it could have told, as on a machine that is too slow. */
  | { readonly kind: 'inconclusive'; readonly reason: string }
  /** This run had not what the check needs. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** No kit could tell. */
  | { readonly kind: 'unseen'; readonly reason: string };

export type RuleResult = {
  readonly rule: RuleName;
  readonly level: Rule['level'];
  readonly outcome: Outcome;
};

export type Verdict = 'pass' | 'fail' | 'undecided';

export type Report = {
  readonly brokerId: number | null;
  readonly results: readonly RuleResult[];
  /** `undecided`: nothing was found broken, and something could not be told. */
  readonly verdict: Verdict;
};

export function verdictOf(results: readonly RuleResult[]): Verdict {
  if (results.some(({ outcome }) => outcome.kind === 'broken')) return 'fail';
  return results.some(({ outcome }) => outcome.kind === 'inconclusive') ? 'undecided' : 'pass';
}

/** Ends a check: something was seen that the rule forbids whatever the machine is like. */
export class RuleBroken extends Error {
  readonly demanded: string;
  readonly seen: string;

  constructor(demanded: string, seen: string) {
    super(`${demanded} ${seen}`);
    this.demanded = demanded;
    this.seen = seen;
  }
}

/** Ends a check: it could not be told. The check is tried again. */
export class Inconclusive extends Error {}

/** Ends a check: the broker has nothing that the rule is about. */
export class NotApplicable extends Error {}
