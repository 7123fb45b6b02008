import type { WorkloadName } from '../faults/generate.ts';
import type { HostName } from '../saved-run.ts';

/** A text of one source file and what stands in its place. `find` occurs exactly once. */
export type SourcePatch = { readonly file: string; readonly find: string; readonly replace: string };

/** A mistake, made on purpose in a copy of the sources, that the checkers have to find. */
export type PlantedBug = {
  /** A sentence in the present; unique. */
  readonly name: string;
  /** Where the mistake was made in earnest, or which rule it breaks. */
  readonly source: string;
  /** Where it is hunted. */
  readonly host: HostName;
  readonly workload: WorkloadName;
  /** A coverage mark whose presence shows that the place was reached. */
  readonly mark: string;
  readonly patches: readonly SourcePatch[];
};
