import type { Random } from '../base/random.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { backoffMs, type Backoff } from './core/backoff.ts';
import type { Client } from './create-client.ts';
import { OttlaError, UnexpectedAnswerError } from './errors.ts';
import type { WatchEvent, WatchOptions } from './watch/watch.ts';

const backoff: Backoff = { baseMs: 50, maxMs: 2_000 };

/** It does not follow the cluster at present, and tries again. */
export type FollowFailure = {
  readonly reason: string;
  readonly code: string | null;
  readonly afterMs: number;
};

export type ImageFollowerOptions = {
  readonly client: Pick<Client, 'localImage'>;
  readonly kinds: NonNullable<WatchOptions['kinds']>;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * `event`: what has made this image of the one before; null for a copy's first. One that had to begin again may be
   * given the state by a node that is behind.
   */
  readonly onImage: (image: MetadataImage, event: WatchEvent | null) => void;
  readonly onRetrying: (failure: FollowFailure) => void;
  /** The cluster says what this software does not understand: it cannot follow it any more. */
  readonly onUnreadable: (message: string) => void;
};

/** Copies of the metadata that a watch pushes, one begun after the other until it is closed. */
export class ImageFollower {
  readonly #options: ImageFollowerOptions;
  readonly #stop = new AbortController();
  #timer: Timer | null = null;
  #failures = 0;

  constructor(options: ImageFollowerOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#follow().catch((error: unknown) => this.#failed(error));
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  async #follow(): Promise<void> {
    const { client, kinds } = this.#options;
    const copy = await client.localImage({ kinds, signal: this.#stop.signal });
    this.#failures = 0;
    this.#take(copy.image, null);
    copy.subscribe((image, event) => this.#take(image, event));
    await copy.ended;
  }

  #take(image: MetadataImage, event: WatchEvent | null): void {
    if (!this.#stop.signal.aborted) this.#options.onImage(image, event);
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
    const afterMs = backoffMs(backoff, this.#failures, random);
    this.#timer = clock.setTimer(afterMs, () => this.start());
    onRetrying({ reason, code: error instanceof OttlaError ? error.code : null, afterMs });
  }
}
