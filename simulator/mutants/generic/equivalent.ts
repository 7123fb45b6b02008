/**
 * Mutants that nobody can tell from the program, by hash, each with its place when it was judged and the
 * reason in a sentence. A change of the line or of the mistake makes another hash, and asks for another look.
 */
export const equivalentMutants: Readonly<
  Record<string, { readonly place: string; readonly reason: string }>
> = {};
