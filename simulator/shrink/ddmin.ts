/**
 * Delta debugging (Zeller and Hildebrandt 2002, ddmin by complements): the items without which the failure
 * does not show, such that taking out any single one of them makes it vanish, as far as `stillFails` is
 * willing to try. `stillFails` gets fewer items each time, in their order.
 */
export function ddmin<Item>(
  items: readonly Item[],
  stillFails: (fewer: readonly Item[]) => boolean,
): readonly Item[] {
  if (items.length === 0 || stillFails([])) return [];
  let left = items;
  let parts = 2;
  while (left.length > 1) {
    const size = Math.ceil(left.length / parts);
    const rest = firstThatFails(left, size, stillFails);
    if (rest !== null) {
      left = rest;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) {
      return left;
    } else {
      parts = Math.min(left.length, 2 * parts);
    }
  }
  return left;
}

function firstThatFails<Item>(
  items: readonly Item[],
  size: number,
  stillFails: (fewer: readonly Item[]) => boolean,
): readonly Item[] | null {
  // From the end: what happened last often only followed.
  for (let end = items.length; end > 0; end -= size) {
    const from = Math.max(0, end - size);
    const rest = [...items.slice(0, from), ...items.slice(end)];
    if (rest.length > 0 && stillFails(rest)) return rest;
  }
  return null;
}
