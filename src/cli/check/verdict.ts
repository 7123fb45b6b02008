/** How much is asked of the cluster, and what it must show. */
export type LoadProfile = {
  /** Writes in a second, and as many linearizable reads. */
  readonly writesPerSecond: number;
  /** Of the load that was meant, how much must have been served in time. */
  readonly servedShareMin: number;
  /** Nine writes of ten must be answered within this, and ninety-nine of a hundred. */
  readonly write90thMaxMs: number;
  readonly write99thMaxMs: number;
};

/**
 * The first is what a cluster does in its sleep, the last what one of some thousand brokers asks for. What is
 * asked of latencies is that of etcd's own check, which calls a cluster sound below half a second.
 */
export const loadProfiles = {
  small: { writesPerSecond: 50, servedShareMin: 0.9, write90thMaxMs: 100, write99thMaxMs: 500 },
  medium: { writesPerSecond: 500, servedShareMin: 0.9, write90thMaxMs: 100, write99thMaxMs: 500 },
  large: { writesPerSecond: 2_000, servedShareMin: 0.9, write90thMaxMs: 100, write99thMaxMs: 500 },
} as const satisfies Readonly<Record<string, LoadProfile>>;

export type LoadName = keyof typeof loadProfiles;

export type Latencies = {
  readonly count: number;
  readonly medianMs: number;
  readonly percentile90Ms: number;
  readonly percentile99Ms: number;
  readonly maxMs: number;
};

export type Measurement = {
  readonly seconds: number;
  /** Requests of each kind that the profile asks for. */
  readonly planned: number;
  readonly writes: Latencies;
  readonly reads: Latencies;
  /** Answers that were errors, by code. */
  readonly failures: Readonly<Record<string, number>>;
};

/** What a measurement falls short of, each as a sentence; nothing when the cluster is as it should be. */
export function findShortfalls(profile: LoadProfile, measured: Measurement): readonly string[] {
  const { writes, reads, planned, failures } = measured;
  const due = Math.floor(planned * profile.servedShareMin);
  const failureText = Object.entries(failures).map(([code, count]) => `${count} × ${code}`);
  return [
    ...(writes.count < due ? [`Of ${planned} writes ${writes.count} were served in time.`] : []),
    ...(reads.count < due ? [`Of ${planned} reads ${reads.count} were served in time.`] : []),
    ...tooSlow('One write of ten', writes.percentile90Ms, profile.write90thMaxMs),
    ...tooSlow('One write of a hundred', writes.percentile99Ms, profile.write99thMaxMs),
    ...(failureText.length > 0 ? [`Requests failed: ${failureText.join(', ')}.`] : []),
  ];
}

function tooSlow(which: string, foundMs: number, maxMs: number): readonly string[] {
  return foundMs > maxMs
    ? [`${which} took longer than ${Math.round(foundMs)} ms, of at most ${maxMs} ms.`]
    : [];
}
