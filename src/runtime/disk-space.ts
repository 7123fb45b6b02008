import type { Clock, Timer } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';

export type DiskSpaceOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly directory: string;
  /** Below this many free bytes client writes are refused: one full checkpoint and two segments (design 20). */
  readonly reserveBytes: () => number;
  readonly pollIntervalMs: number;
  readonly onChanged: (isLow: boolean, freeBytes: number) => void;
};

/**
 * Watches the free space below the data directory. What is refused while it is low resumes by itself
 * when space returns; a margin of a tenth keeps it from changing its mind with every poll.
 */
export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  #isLow = false;
  #isClosed = false;
  #timer: Timer | null = null;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
  }

  get isLow(): boolean {
    return this.#isLow;
  }

  /** Looks now, and again after every interval. */
  start(): void {
    const { files, directory } = this.#options;
    files.submit({ kind: 'freeSpace', path: directory }, (result) => {
      if (this.#isClosed) return;
      // Where the file system does not say, writes themselves will: their failure stops the node safely.
      if (result.ok) this.#judge(result.value);
      this.#timer = this.#options.clock.setTimer(this.#options.pollIntervalMs, () => this.start());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #judge(freeBytes: number): void {
    const reserveBytes = this.#options.reserveBytes();
    const threshold = this.#isLow ? reserveBytes + reserveBytes / 10 : reserveBytes;
    const isLow = freeBytes < threshold;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    this.#options.onChanged(isLow, freeBytes);
  }
}
