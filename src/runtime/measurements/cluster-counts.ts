import type { MetadataImage } from '../../metadata/image.ts';
import { countImbalanced } from '../../metadata/resources/topic/imbalance.ts';
import type { Clock } from '../../ports/clock.ts';
import { runSequence, type Sequence } from '../sequence.ts';
import { SlicedLoop } from '../work-slices.ts';

/** How much there is of everything in one image. */
export type ClusterCounts = {
  readonly activeBrokers: number;
  readonly fencedBrokers: number;
  readonly topics: number;
  readonly partitions: number;
  /** Partitions that nobody leads. */
  readonly offlinePartitions: number;
  /** Partitions that another than their first replica leads. */
  readonly imbalancedPartitions: number;
  readonly sessions: number;
};

/**
 * Counts an image for whoever asks. All but one number stand in the image; that of partitions without their
 * preferred leader is counted in slices, once for all who ask meanwhile, and again only when topics have
 * changed.
 */
export class ClusterCounter {
  readonly #clock: Clock;
  #waiting: ((imbalanced: number) => void)[] = [];
  #last: { readonly topic: MetadataImage['topic']; readonly imbalanced: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(image: MetadataImage, complete: (counts: ClusterCounts) => void): void {
    const counts = countRows(image);
    const finish = (imbalancedPartitions: number): void => complete({ ...counts, imbalancedPartitions });
    if (this.#last?.topic === image.topic) {
      finish(this.#last.imbalanced);
      return;
    }
    this.#waiting.push(finish);
    if (this.#waiting.length > 1) return;
    runSequence(this.#countSlices(image.topic), (imbalanced) => {
      this.#last = { topic: image.topic, imbalanced };
      for (const each of this.#waiting.splice(0)) each(imbalanced);
    });
  }

  *#countSlices(topic: MetadataImage['topic']): Sequence<number> {
    const slices = new SlicedLoop(this.#clock);
    let sum = 0;
    for (const ofPage of countImbalanced(topic)) {
      sum += ofPage;
      yield* slices.pause();
    }
    return sum;
  }
}

function countRows({ broker, topic, session }: MetadataImage): Omit<ClusterCounts, 'imbalancedPartitions'> {
  let fencedBrokers = 0;
  for (const row of broker.brokers.values()) if (row.fenced) fencedBrokers += 1;
  return {
    activeBrokers: broker.brokers.size - fencedBrokers,
    fencedBrokers,
    topics: topic.byName.size,
    partitions: topic.partitions.size,
    offlinePartitions: topic.leaderless.size,
    sessions: session.sessions.size,
  };
}
