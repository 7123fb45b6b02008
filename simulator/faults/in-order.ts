/** What two plans hold, by time; of two things at one time that of the first plan comes first. */
export function inOrder<Planned extends { readonly atUs: number }>(
  first: readonly Planned[],
  second: readonly Planned[],
): readonly Planned[] {
  return [...first, ...second].toSorted((left, right) => left.atUs - right.atUs);
}
