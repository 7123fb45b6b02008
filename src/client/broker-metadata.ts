import type { Random } from '../base/random.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { backoffMs, type Backoff } from './core/backoff.ts';
import { BrokerPartitions, type BrokerPartition, type PartitionChanges } from './core/broker-partitions.ts';
import type { Client } from './create-client.ts';
import { OttlaError, UnexpectedAnswerError } from './errors.ts';
import type { WatchEvent } from './watch/watch.ts';

/** Registrations, too: the broker has to see its own, and finds there where the others are reached. */
const watchedKinds = ['broker', 'topic'] as const;

const followBackoff: Backoff = { baseMs: 50, maxMs: 2_000 };

export type BrokerMetadataOptions = {
  readonly brokerId: number;
  readonly client: Pick<Client, 'localImage'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after everything that was taken in, with what it has changed for this broker. */
  readonly onTaken: (changes: PartitionChanges, offset: number) => void;
  /** It does not follow the cluster at present, and tries again. */
  readonly onRetrying: (failure: {
    readonly reason: string;
    readonly code: string | null;
    readonly afterMs: number;
  }) => void;
  /** The cluster says what this software does not understand: it cannot follow it any more. */
  readonly onUnreadable: (message: string) => void;
};

/** A broker's copy of the metadata that concerns it, pushed by a watch and begun again for as long as it runs. */
export class BrokerMetadata {
  readonly #options: BrokerMetadataOptions;
  readonly #partitions: BrokerPartitions;
  readonly #stop = new AbortController();
  #timer: Timer | null = null;
  #failures = 0;
  #offset = 0;
  #isBehind = false;

  constructor(options: BrokerMetadataOptions) {
    this.#options = options;
    this.#partitions = new BrokerPartitions(options.brokerId);
  }

  /** Exclusive. It never goes back. */
  get offset(): number {
    return this.#offset;
  }

  get partitions(): readonly BrokerPartition[] {
    return this.#partitions.partitions;
  }

  start(): void {
    void this.#follow().catch((error: unknown) => this.#failed(error));
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const copy = await this.#options.client.localImage({ kinds: watchedKinds, signal });
    this.#failures = 0;
    this.#take(copy.image, null);
    copy.subscribe((image, event) => this.#take(image, event));
    await copy.ended;
  }

  /** `event`: what has made this image of the one before; null for a copy's first. */
  #take(image: MetadataImage, event: WatchEvent | null): void {
    const { endOffset } = image;
    const wasBehind = this.#isBehind;
    // A copy that has to begin again may be given the state by a node that is behind: nothing is taken back.
    this.#isBehind = endOffset < this.#offset;
    if (this.#isBehind || this.#stop.signal.aborted) return;
    this.#offset = endOffset;
    if (event?.kind === 'bookmark' && !wasBehind) return;
    const isNext = event?.kind === 'delta' && !wasBehind;
    const changes = isNext ? this.#partitions.takeDelta(image, event) : this.#partitions.takeState(image);
    this.#options.onTaken(changes, endOffset);
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
    const afterMs = backoffMs(followBackoff, this.#failures, random);
    this.#timer = clock.setTimer(afterMs, () => this.start());
    onRetrying({ reason, code: error instanceof OttlaError ? error.code : null, afterMs });
  }
}
