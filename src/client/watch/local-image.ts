import { assertDefined } from '../../base/assert.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { Registry } from '../../metadata/registry.ts';
import { LocalImageCore } from '../core/local-image-core.ts';
import { UnexpectedAnswerError } from '../errors.ts';
import type { WatchEvent } from './watch.ts';

/** A copy of the cluster's metadata in this process, which follows it. */
export type LocalImage = {
  /** The state at `offset`; a new one for each change, so that one that was taken never changes. */
  readonly image: MetadataImage;
  /** Exclusive: the copy reflects every record below it. It never goes back. */
  readonly offset: number;
  /**
   * Resolves when the copy reflects everything below `offset`: after a write, give the offset of its answer.
   * Rejects when the copy ends before.
   */
  whenAt(offset: number): Promise<MetadataImage>;
  /**
   * Called after every change, with the event that made it; returns the function that ends it. A copy that had to begin
   * again may have passed over many: then the event is the end of a state.
   */
  subscribe(listener: (image: MetadataImage, event: WatchEvent) => void): () => void;
  /** Resolves when the copy was closed; rejects when it cannot be kept up any more. */
  readonly ended: Promise<void>;
  close(): void;
};

type Waiting = {
  readonly offset: number;
  readonly resolve: (image: MetadataImage) => void;
  readonly reject: (error: Error) => void;
};

/** Resolves with the copy once the first state is whole. */
export async function followImage(
  open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
  signal: AbortSignal | undefined,
  registry: Registry,
): Promise<LocalImage> {
  const follower = new Follower(open, signal, registry);
  await follower.whenAt(0);
  return follower;
}

class Follower implements LocalImage {
  readonly #core: LocalImageCore;
  /** What is shown: the newest that the core has had. */
  #shown: MetadataImage | null = null;
  /** The copy has begun again with the state of a node that lags, and catches up behind what is shown. */
  #isBehind = false;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(image: MetadataImage, event: WatchEvent) => void>();
  #waiting: Waiting[] = [];
  #end: Error | null = null;
  readonly ended: Promise<void>;

  constructor(
    open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
    signal: AbortSignal | undefined,
    registry: Registry,
  ) {
    this.#core = new LocalImageCore(registry);
    const both = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.ended = this.#follow(open(both));
    // Whoever does not ask how it ended is told by what it waits for.
    this.ended.catch(() => undefined);
  }

  get image(): MetadataImage {
    return assertDefined(this.#shown ?? undefined, 'a copy is handed out once it is whole');
  }

  get offset(): number {
    return this.image.endOffset;
  }

  whenAt(offset: number): Promise<MetadataImage> {
    const image = this.#shown;
    if (image !== null && image.endOffset >= offset) return Promise.resolve(image);
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }));
  }

  subscribe(listener: (image: MetadataImage, event: WatchEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stop.abort();
  }

  async #follow(events: AsyncIterable<WatchEvent>): Promise<void> {
    try {
      for await (const event of events) this.#take(event);
      this.#fail(new Error('The copy of the metadata was closed.'));
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  #take(event: WatchEvent): void {
    const before = this.#core.image;
    const taken = this.#core.take(event);
    if (!taken.ok) throw new UnexpectedAnswerError('watch', taken.error);
    const { image } = this.#core;
    if (image !== null && image !== before) this.#show(image, event);
  }

  /** Nothing is taken back: what is older than what was shown is kept from those who look until it has caught up. */
  #show(image: MetadataImage, event: WatchEvent): void {
    const wasBehind = this.#isBehind;
    this.#isBehind = this.#shown !== null && image.endOffset < this.#shown.endOffset;
    if (this.#isBehind) return;
    this.#shown = image;
    const told: WatchEvent = wasBehind ? { kind: 'stateEnd', offset: image.endOffset } : event;
    for (const listener of this.#listeners) listener(image, told);
    const isThere = ({ offset }: Waiting): boolean => offset <= image.endOffset;
    const there = this.#waiting.filter(isThere);
    this.#waiting = this.#waiting.filter((waiting) => !isThere(waiting));
    for (const { resolve } of there) resolve(image);
  }

  #fail(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
