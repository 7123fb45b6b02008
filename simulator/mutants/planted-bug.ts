import type { WorkloadName } from '../faults/generate.ts';
import type { HostName } from '../saved-run.ts';

/** A text of one source file and what stands in its place. */
export type SourcePatch = { readonly file: string; readonly find: string; readonly replace: string };

/**
 * A mistake that could be made, or was made, in earnest. It is planted in a copy of the program
 * (`plant-bug.ts`) and hunted there; the checkers know nothing of it.
 */
export type PlantedBug = {
  /** A sentence in the present, unlike any other bug's. */
  readonly name: string;
  /** Where the mistake was made in earnest, or which rule it breaks. */
  readonly source: string;
  readonly host: HostName;
  readonly workload: WorkloadName;
  /** The coverage mark that shows whether a run has reached the place. */
  readonly mark: string;
  /** The text of each is found in its file once. */
  readonly patches: readonly SourcePatch[];
};
