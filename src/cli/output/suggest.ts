/** How much of a word may be wrong for it to be another one that was meant. */
const wrongShareMax = 0.4;

/** The known name that is nearest to what was written, if any is near. */
export function nearest(
  written: string,
  known: readonly string[],
  shareMax: number = wrongShareMax,
): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(written.length * shareMax)) + 1;
  for (const name of known) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `; did you mean orders?`, or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const name = nearest(written, known);
  return name === null ? '' : `; did you mean ${name}?`;
}

/** Letters to insert, delete, replace or swap with their neighbour (Damerau, optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const replaced = (last[column - 1] ?? 0) + (isSame ? 0 : 1);
      const changed = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(isSwap ? Math.min(changed, (beforeLast[column - 2] ?? 0) + 1) : changed);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
