import type { MetadataImage } from '../metadata/image.ts';
import { BrokerPartitions, type BrokerPartition, type PartitionChanges } from './core/broker-partitions.ts';
import { ImageFollower, type ImageFollowerOptions } from './image-follower.ts';
import type { WatchEvent } from './watch/watch.ts';

/** Registrations, too: the broker has to see its own, and finds there where the others are reached. */
const watchedKinds = ['broker', 'topic'] as const;

export type BrokerMetadataOptions = Omit<ImageFollowerOptions, 'kinds' | 'onImage'> & {
  readonly brokerId: number;
  /** Called after everything that was taken in, with what it has changed for this broker. */
  readonly onTaken: (changes: PartitionChanges, offset: number) => void;
};

/** A broker's copy of the metadata that concerns it, pushed by a watch and begun again for as long as it runs. */
export class BrokerMetadata {
  readonly #options: BrokerMetadataOptions;
  readonly #partitions: BrokerPartitions;
  readonly #follower: ImageFollower;
  #offset = 0;
  #isBehind = false;

  constructor(options: BrokerMetadataOptions) {
    this.#options = options;
    this.#partitions = new BrokerPartitions(options.brokerId);
    const onImage = (image: MetadataImage, event: WatchEvent | null): void => this.#take(image, event);
    this.#follower = new ImageFollower({ ...options, kinds: watchedKinds, onImage });
  }

  /** Exclusive. It never goes back. */
  get offset(): number {
    return this.#offset;
  }

  get partitions(): readonly BrokerPartition[] {
    return this.#partitions.partitions;
  }

  start(): void {
    this.#follower.start();
  }

  close(): void {
    this.#follower.close();
  }

  #take(image: MetadataImage, event: WatchEvent | null): void {
    const { endOffset } = image;
    const wasBehind = this.#isBehind;
    // A copy that has to begin again may be given the state by a node that is behind: nothing is taken back.
    this.#isBehind = endOffset < this.#offset;
    if (this.#isBehind) return;
    this.#offset = endOffset;
    if (event?.kind === 'bookmark' && !wasBehind) return;
    const isNext = event?.kind === 'delta' && !wasBehind;
    const changes = isNext ? this.#partitions.takeDelta(image, event) : this.#partitions.takeState(image);
    this.#options.onTaken(changes, endOffset);
  }
}
