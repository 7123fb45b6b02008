import type { WorkloadName } from '../faults/generate.ts';
import type { HostName } from '../saved-run.ts';

/** A text of one source file and what stands in its place. */
export type SourcePatch = { readonly file: string; readonly find: string; readonly replace: string };

/** A mistake in production code, as it would be made in earnest: applied to a copy, and hunted there. */
export type PlantedBug = {
  /** A sentence in the present; no two bugs have the same. */
  readonly name: string;
  /** Where the mistake was made in earnest, or which rule it breaks. */
  readonly source: string;
  readonly host: HostName;
  readonly workload: WorkloadName;
  /** A coverage mark whose presence shows that the place was reached. */
  readonly mark: string;
  /** The text to find occurs exactly once in its file. */
  readonly patches: readonly SourcePatch[];
};
