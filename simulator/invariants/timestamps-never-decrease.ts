import type { Checker, ClusterObservation } from '../observation.ts';

/** The time that stands with the records never goes back in the log, whatever the leaders' wall clocks do. */
export function timestampsNeverDecrease(cluster: ClusterObservation): Checker {
  let latestMs = 0;
  const checker: Checker = {
    name: 'timestamps never decrease in the log',
    source: 'design 11',
    onCommitted(batch) {
      // The shell raises the time of a control batch when it encodes it, after the observer saw it.
      if (batch.payload === null) return;
      const { appendTimestampMs, baseOffset } = batch;
      if (appendTimestampMs < latestMs) {
        cluster.fail(
          checker,
          `batch ${baseOffset} was appended at ${appendTimestampMs}, and one before it at ${latestMs}`,
        );
      }
      latestMs = appendTimestampMs;
    },
  };
  return checker;
}
