import { coverageMark } from '../base/coverage-marks.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { SpaceStatus } from '../raft/messages.ts';

export type DiskSpaceOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly directory: string;
  /** Below this many free bytes client writes are refused: one full checkpoint and two segments (design 20). */
  readonly reserveBytes: () => number;
  readonly pollIntervalMs: number;
  readonly onChanged: (space: SpaceStatus, freeBytes: number) => void;
  /** After every look at which space is short: who could not help before may be able to now. */
  readonly onShort: () => void;
};

/** Below this part of the reserve nothing more is taken, of other leaders neither. */
const exhaustedParts = 4;

/**
 * Watches the free space below the data directory. What is refused while it is low resumes by itself
 * when space returns; a margin of a tenth keeps it from changing its mind with every poll.
 *
 * There are two marks, so that fencing and control go on where all nodes are low (design 20): below the
 * reserve clients' writes are refused, and only below a quarter of it a follower takes no more records.
 */
export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  #space: SpaceStatus = 'enough';
  #isClosed = false;
  #timer: Timer | null = null;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
  }

  get isLow(): boolean {
    return this.#space !== 'enough';
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
    const space = this.#spaceOf(freeBytes, reserveBytes);
    const isNews = space !== this.#space;
    if (isNews && space === 'low') coverageMark('disk space: low');
    if (isNews && space === 'enough') coverageMark('disk space: has returned');
    this.#space = space;
    if (isNews) this.#options.onChanged(space, freeBytes);
    if (space !== 'enough') this.#options.onShort();
  }

  #spaceOf(freeBytes: number, reserveBytes: number): SpaceStatus {
    const exhaustedBytes = reserveBytes / exhaustedParts;
    if (freeBytes < withMargin(exhaustedBytes, this.#space === 'exhausted')) return 'exhausted';
    return freeBytes < withMargin(reserveBytes, this.#space !== 'enough') ? 'low' : 'enough';
  }
}

function withMargin(markBytes: number, isBelow: boolean): number {
  return isBelow ? markBytes + markBytes / 10 : markBytes;
}
