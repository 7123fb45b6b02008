import type { Segment } from './segment.ts';

/** What a log keeps (Kafka's `retention.ms` and `retention.bytes`); null: without end. */
export type Retention = {
  readonly nowMs: number;
  readonly retentionMs: number | null;
  readonly retentionBytes: number | null;
  /** Nothing is removed that is not committed. */
  readonly highWatermark: number;
};

/** How many of the oldest segments go. */
export function expiredSegments(segments: readonly Segment[], retention: Retention): number {
  let left = segments.reduce((total, segment) => total + segment.sizeInBytes, 0);
  let count = 0;
  for (const segment of segments.slice(0, -1)) {
    left -= segment.sizeInBytes;
    // As in Kafka: what stays is not less than what is to be kept.
    const isTooMuch = retention.retentionBytes !== null && left >= retention.retentionBytes;
    if (segment.endOffset > retention.highWatermark || !(isTooMuch || isTooOld(segment, retention))) break;
    count++;
  }
  return count;
}

/** Then a new segment is begun, so that the last one can go, too. */
export function isExpiredAsAWhole(segment: Segment, retention: Retention): boolean {
  if (segment.sizeInBytes === 0 || segment.endOffset > retention.highWatermark) return false;
  return isTooOld(segment, retention);
}

function isTooOld({ maxTimestampMs }: Segment, { nowMs, retentionMs }: Retention): boolean {
  // Without a timestamp nothing is known of an age.
  return retentionMs !== null && maxTimestampMs >= 0 && maxTimestampMs < nowMs - retentionMs;
}
