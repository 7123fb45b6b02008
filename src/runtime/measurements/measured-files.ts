import type { Result } from '../../base/result.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FileError, FileOperation, FileResults, Files } from '../../ports/files.ts';
import type { Histogram } from './histogram.ts';

/** What puts bytes on disk; while it hangs nothing is acknowledged. */
const writing: ReadonlySet<FileOperation['kind']> = new Set(['pwrite', 'pwriteDurably', 'fdatasync']);
/** Of these, what waits for the disk itself. */
const flushing: ReadonlySet<FileOperation['kind']> = new Set(['pwriteDurably', 'fdatasync']);

/** The files of a node, with a stopwatch: how long flushes take, and how long a write is under way by now. */
export class MeasuredFiles implements Files {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #flushSeconds: Histogram;
  /** Writes under way, by when they began, oldest first. */
  readonly #pending = new Map<number, number>();
  #nextId = 0;

  constructor(files: Files, clock: Clock, flushSeconds: Histogram) {
    this.#files = files;
    this.#clock = clock;
    this.#flushSeconds = flushSeconds;
  }

  submit<Kind extends FileOperation['kind']>(
    operation: Extract<FileOperation, { kind: Kind }>,
    complete: (result: Result<FileResults[Kind], FileError>) => void,
  ): void {
    const { kind } = operation;
    if (!writing.has(kind)) {
      this.#files.submit(operation, complete);
      return;
    }
    const id = this.#nextId++;
    const beganMs = this.#clock.monotonicMs();
    this.#pending.set(id, beganMs);
    this.#files.submit(operation, (result) => {
      this.#pending.delete(id);
      if (flushing.has(kind)) this.#flushSeconds.observe((this.#clock.monotonicMs() - beganMs) / 1_000);
      complete(result);
    });
  }

  /** For how long the oldest write that has not completed is under way; null when there is none. */
  oldestWriteMs(): number | null {
    for (const beganMs of this.#pending.values()) return Math.max(0, this.#clock.monotonicMs() - beganMs);
    return null;
  }
}
