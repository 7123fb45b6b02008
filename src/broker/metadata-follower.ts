import type { Random } from '../base/random.ts';
import { backoffMs, type Backoff } from '../client/core/backoff.ts';
import type { Client } from '../client/create-client.ts';
import { UnexpectedAnswerError } from '../client/errors.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { Clock, Timer } from '../ports/clock.ts';

/** What a broker goes by: who there is, what each holds, and how topics want to be kept. */
const watchedKinds = ['broker', 'topic', 'config'] as const;
const followBackoff: Backoff = { baseMs: 50, maxMs: 2_000 };

export type MetadataFollowerOptions = {
  readonly client: Pick<Client, 'localImage'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onImage: (image: MetadataImage) => void;
  readonly onRetrying: (reason: string) => void;
  /** The cluster says what this software does not understand: it cannot follow it any more (unknown-records). */
  readonly onUnreadable: (message: string) => void;
};

/** A broker's copy of the metadata, begun again for as long as it runs; what is older than it had it leaves out. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #stop = new AbortController();
  #image: MetadataImage | null = null;
  #timer: Timer | null = null;
  #failures = 0;

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
  }

  /** Null until it has met the cluster. It never goes back. */
  get image(): MetadataImage | null {
    return this.#image;
  }

  start(): void {
    void this.#follow().catch((error: unknown) => this.#failed(error));
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  async #follow(): Promise<void> {
    const { client } = this.#options;
    const copy = await client.localImage({ kinds: watchedKinds, signal: this.#stop.signal });
    this.#failures = 0;
    this.#take(copy.image);
    copy.subscribe((image) => this.#take(image));
    await copy.ended;
  }

  #take(image: MetadataImage): void {
    const isOlder = this.#image !== null && image.endOffset < this.#image.endOffset;
    if (isOlder || this.#stop.signal.aborted) return;
    this.#image = image;
    this.#options.onImage(image);
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof UnexpectedAnswerError) {
      this.#options.onUnreadable(reason);
      return;
    }
    const { clock, random, onRetrying } = this.#options;
    this.#failures += 1;
    this.#timer = clock.setTimer(backoffMs(followBackoff, this.#failures, random), () => this.start());
    onRetrying(reason);
  }
}
