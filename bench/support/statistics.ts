/** Median, least and most of a few trials, as fields of a report's row. */
export function summarise(timesMs: readonly number[]): {
  readonly trialCount: number;
  readonly medianMs: number;
  readonly minimumMs: number;
  readonly maximumMs: number;
} {
  const sorted = timesMs.toSorted((left, right) => left - right);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return {
    trialCount: sorted.length,
    medianMs: Math.round(middle.reduce((sum, timeMs) => sum + timeMs, 0) / Math.max(1, middle.length)),
    minimumMs: Math.round(sorted[0] ?? 0),
    maximumMs: Math.round(sorted.at(-1) ?? 0),
  };
}
