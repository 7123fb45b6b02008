/** Where a mutant stood when it was judged, and why nobody can tell it from the program. */
export type Equivalence = { readonly place: string; readonly reason: string };

/**
 * Mutants that do nothing wrong, by hash. A change of the line or of the mistake makes another hash, and
 * asks for another look.
 */
export const equivalentMutants: Readonly<Record<string, Equivalence>> = {
  '042d371cd6a4': {
    place: 'src/raft/fetch-response.ts:18:7 condition side dropped',
    reason: 'Only a follower has a leaderId, and undefined is nobody who could have sent the answer.',
  },
};
