import type { Segment } from './segment.ts';

/** What a log keeps (Kafka's `retention.ms` and `retention.bytes`); null: without end. */
export type Retention = {
  readonly nowMs: number;
  readonly retentionMs: number | null;
  readonly retentionBytes: number | null;
  /** Nothing is removed that is not committed. */
  readonly highWatermark: number;
};

/** Where a log begins once whole segments have gone, the oldest first; the last one goes for its age alone. */
export function retainedFrom(segments: readonly Segment[], retention: Retention): number {
  let left = segments.reduce((total, segment) => total + segment.sizeInBytes, 0);
  let start = 0;
  for (const [at, segment] of segments.entries()) {
    left -= segment.sizeInBytes;
    // As in Kafka: what stays is not less than what is to be kept.
    const isTooMuch =
      retention.retentionBytes !== null && left >= retention.retentionBytes && at < segments.length - 1;
    if (segment.endOffset > retention.highWatermark || !(isTooMuch || isTooOld(segment, retention))) break;
    start = segment.endOffset;
  }
  return start;
}

function isTooOld({ maxTimestampMs }: Segment, { nowMs, retentionMs }: Retention): boolean {
  // Without a timestamp nothing is known of an age.
  return retentionMs !== null && maxTimestampMs >= 0 && maxTimestampMs < nowMs - retentionMs;
}
