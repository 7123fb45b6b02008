import type { Kit } from './kit.ts';
import type { RuleName } from './rules.ts';

/** Looks whether one rule is kept: it returns where it is, and ends by an exception of `verdict.ts` otherwise. */
export type Check = {
  readonly rule: RuleName;
  /** It starts or ends the broker. */
  readonly needsCommand?: true;
  /** It asks the broker as producers, consumers and other brokers do. */
  readonly needsData?: true;
  /** A broker that breaks this rule would break the check's own, too, and nothing more would be known. */
  readonly after?: RuleName;
  readonly run: (kit: Kit) => Promise<void>;
};
