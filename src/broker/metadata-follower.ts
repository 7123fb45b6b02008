import { ImageFollower, type ImageFollowerOptions } from '../client/image-follower.ts';
import type { MetadataImage } from '../metadata/image.ts';

/** What a broker goes by: who there is, what each holds, and how topics want to be kept. */
const watchedKinds = ['broker', 'topic', 'config'] as const;

export type MetadataFollowerOptions = Omit<ImageFollowerOptions, 'kinds' | 'onImage'> & {
  readonly onImage: (image: MetadataImage) => void;
};

/** A broker's copy of the metadata, begun again for as long as it runs; what is older than it had it leaves out. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #follower: ImageFollower;
  #image: MetadataImage | null = null;

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
    const onImage = (image: MetadataImage): void => this.#take(image);
    this.#follower = new ImageFollower({ ...options, kinds: watchedKinds, onImage });
  }

  /** Null until it has met the cluster. It never goes back. */
  get image(): MetadataImage | null {
    return this.#image;
  }

  start(): void {
    this.#follower.start();
  }

  close(): void {
    this.#follower.close();
  }

  #take(image: MetadataImage): void {
    if (this.#image !== null && image.endOffset < this.#image.endOffset) return;
    this.#image = image;
    this.#options.onImage(image);
  }
}
