import fc from 'fast-check';

/**
 * A smaller number with which `stillFails`, searched as fast-check shrinks an integer: towards `least` by
 * halving the distance. At most `triesMax` numbers are tried.
 */
export function shrinkNumber(
  value: number,
  least: number,
  triesMax: number,
  stillFails: (smaller: number) => boolean,
): number {
  if (!Number.isSafeInteger(value) || value <= least) return value;
  const range = fc.integer({ min: least, max: value });
  let best = value;
  let triesLeft = triesMax;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of range.shrink(best, undefined)) {
      if (triesLeft-- <= 0) return best;
      if (!stillFails(candidate.value)) continue;
      best = candidate.value;
      isSmaller = best > least;
      break;
    }
  }
  return best;
}
