import { ok, type Result } from '../../base/result.ts';
import { recordBatchEndOffset, type RecordBatchHeader } from '../../codec/record-batch/header.ts';
import type { FileError } from '../../ports/files.ts';
import { runFileTask, submitFile } from '../../ports/task.ts';
import { type LeaderEpochEntry, LeaderEpochs } from '../../replica/leader-epochs.ts';
import { type ProducedBatch, ProducerState } from '../../replica/producer-state.ts';
import { removeDurably, type Step } from '../../runtime/log/file-steps.ts';
import { beginAnew, createSegment, cutFile, emptySegment, putMark, readRange } from './file-steps.ts';
import { PartitionLog, type PartitionLogOptions } from './partition-log.ts';
import { type Damage, scanSegment } from './scan.ts';
import {
  baseOffsetOf,
  cutOf,
  damageMark,
  type LogStart,
  noStart,
  type Segment,
  segmentName,
  startMark,
  startOf,
} from './segment.ts';

/** What a replica needs of its log when it starts (`RecoveredReplica`), and how sound the log was. */
export type LogRecovery = {
  readonly epochs: readonly LeaderEpochEntry[];
  readonly produced: readonly ProducedBatch[];
  /**
   * False where the log may have lost what was acknowledged: then its broker must not claim to be as it was before
   * (protocols 3), at this start and at every other until `forgetDamage`.
   */
  readonly isClean: boolean;
  /** What was found and cut off; null where nothing was. */
  readonly damage: string | null;
};

export type OpenedPartitionLog = { readonly log: PartitionLog; readonly recovery: LogRecovery };

/**
 * Opens one partition's log, or begins it. All of it is read and verified, and what is found is flushed before it
 * counts as on disk. The parent of the directory exists.
 */
export function openPartitionLog(
  options: PartitionLogOptions,
  complete: (result: Result<OpenedPartitionLog, FileError>) => void,
): void {
  runFileTask(options.files, openSteps(options), complete);
}

function* openSteps(options: PartitionLogOptions): Step<OpenedPartitionLog> {
  const { directory } = options;
  const made = yield* submitFile({ kind: 'makeDirectory', path: directory });
  if (!made.ok) return made;
  const parent = directory.slice(0, Math.max(1, directory.lastIndexOf('/')));
  const placed = yield* submitFile({ kind: 'syncDirectory', path: parent });
  if (!placed.ok) return placed;
  const names = yield* listLog(directory);
  if (!names.ok) return names;
  const settled = yield* settleStart(directory, names.value);
  if (!settled.ok) return settled;
  const start = settled.value;
  const opened = yield* openSegments(directory, names.value, start);
  if (!opened.ok) return opened;
  const cuts = names.value.filter((name) => cutOf(name) !== null);
  const recovered = new Recovered(Math.min(...cuts.map((name) => cutOf(name) ?? 0)), start);
  const scanned = yield* scanAll(opened.value, start, recovered);
  if (!scanned.ok) return scanned;
  const found = scanned.value;
  // What is gone below its start had been there.
  const isShort = recovered.endOffset < start.offset;
  const isFlushedLoss =
    found !== null && (found.damage.wasFlushed || (!options.flushes && !recovered.isCutHere));
  const isLoss = isShort || isFlushedLoss;
  if (isLoss) {
    // Before anything else: a second start would find the log sound.
    const marked = yield* putMark(directory, damageMark);
    if (!marked.ok) return marked;
  }
  if (found !== null) {
    const cut = yield* cutOff(directory, opened.value, found);
    if (!cut.ok) return cut;
  }
  const segments = found === null ? opened.value : opened.value.slice(0, found.at + 1);
  if (isShort || segments.length === 0) {
    for (const { handle } of segments.splice(0)) yield* submitFile({ kind: 'close', handle });
    const anew = yield* beginAnew(directory, start);
    if (!anew.ok) return anew;
    segments.push(anew.value);
  }
  const flushed = yield* settle(options, segments, recovered.lastGroup);
  if (!flushed.ok) return flushed;
  for (const name of cuts) {
    const removed = yield* removeDurably(directory, `${directory}/${name}`);
    if (!removed.ok) return removed;
  }
  const recovery = {
    epochs: recovered.epochs.entries,
    produced: recovered.producers.snapshot(),
    isClean: !isLoss && !names.value.includes(damageMark),
    damage: found === null ? null : `${found.path} at ${found.damage.position}: ${found.damage.reason}`,
  };
  return ok({ log: new PartitionLog(options, segments, start), recovery });
}

/** What stands in the directory, once a log that was being begun anew has been. */
function* listLog(directory: string): Step<readonly string[]> {
  const names = yield* submitFile({ kind: 'list', path: directory });
  if (!names.ok) return names;
  const [reset] = names.value.flatMap((name) => startOf(name, 'reset') ?? []);
  if (reset === undefined) return names;
  const begun = yield* beginAnew(directory, reset);
  if (!begun.ok) return begun;
  yield* submitFile({ kind: 'close', handle: begun.value.handle });
  return yield* submitFile({ kind: 'list', path: directory });
}

/** Where the log begins; a crash may have left the mark of where it began before. */
function* settleStart(directory: string, names: readonly string[]): Step<LogStart> {
  const starts = names.flatMap((name) => startOf(name, 'start') ?? []);
  const ascending = starts.toSorted((left, right) => left.offset - right.offset);
  for (const earlier of ascending.slice(0, -1)) {
    const removed = yield* removeDurably(directory, `${directory}/${startMark(earlier, 'start')}`);
    if (!removed.ok) return removed;
  }
  return ok(ascending.at(-1) ?? noStart);
}

function* openSegments(directory: string, names: readonly string[], start: LogStart): Step<Segment[]> {
  const segments: Segment[] = [];
  const bases = names.flatMap((name) => baseOffsetOf(name) ?? []);
  for (const [at, baseOffset] of bases.entries()) {
    const path = `${directory}/${segmentName(baseOffset)}`;
    const next = bases[at + 1];
    if (next !== undefined && next <= start.offset) {
      // A crash has kept it from being removed.
      const removed = yield* removeDurably(directory, path);
      if (!removed.ok) return removed;
      continue;
    }
    const opened = yield* submitFile({ kind: 'open', path, mode: 'existing', isDurable: true });
    if (!opened.ok) return opened;
    segments.push(emptySegment(path, baseOffset, opened.value));
  }
  if (segments.length > 0 || start.offset > 0) return ok(segments);
  const created = yield* createSegment(directory, 0);
  return created.ok ? ok([created.value]) : created;
}

/** What the batches say, one after another. */
class Recovered {
  readonly epochs = new LeaderEpochs();
  readonly producers = new ProducerState();
  /** Where the last group begins in the last segment that has any. */
  lastGroup = 0;
  endOffset = 0;
  readonly #cutTo: number;
  readonly #start: LogStart;

  /** The log was about to be cut to `cutTo`; infinite where it was not. */
  constructor(cutTo: number, start: LogStart) {
    this.#cutTo = cutTo;
    this.#start = start;
    this.epochs.reset(start.offset, start.epochBefore);
  }

  get isCutHere(): boolean {
    return this.endOffset >= this.#cutTo;
  }

  /** A reason where the batch does not continue the log. */
  take(header: RecordBatchHeader): string | null {
    const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = header;
    if (this.isCutHere) return 'it was being cut off';
    if (baseOffset !== this.endOffset) return `offset ${baseOffset} follows ${this.endOffset}`;
    // What is below the log's start is gone, whether its segment is or not.
    const isBelow = recordBatchEndOffset(header) <= this.#start.offset;
    if (!isBelow && partitionLeaderEpoch < Math.max(0, this.epochs.latestEpoch)) {
      return `leader epoch ${partitionLeaderEpoch} follows ${this.epochs.latestEpoch}`;
    }
    this.endOffset = recordBatchEndOffset(header);
    if (isBelow) return null;
    this.epochs.begin(partitionLeaderEpoch, Math.max(baseOffset, this.#start.offset));
    if (producerId < 0) return null;
    const batch = { producerId, producerEpoch, baseSequence, baseOffset, endOffset: this.endOffset };
    this.producers.append(batch, this.endOffset);
    return null;
  }
}

/** Where the log stops being sound: in which segment, and how. */
type Found = { readonly at: number; readonly path: string; readonly damage: Damage };

function* scanAll(segments: readonly Segment[], start: LogStart, recovered: Recovered): Step<Found | null> {
  recovered.endOffset = Math.min(segments[0]?.baseOffset ?? 0, start.offset);
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1;
    if (segment.baseOffset !== recovered.endOffset) {
      const reason = `it begins at ${segment.baseOffset}, where ${recovered.endOffset} was due`;
      const before = segments[at - 1]?.sizeInBytes ?? 0;
      const damage = { position: before, reason, wasFlushed: !recovered.isCutHere };
      return ok({ at: at - 1, path: segment.path, damage });
    }
    const size = yield* submitFile({ kind: 'size', handle: segment.handle });
    if (!size.ok) return size;
    const scanned = yield* scanSegment(segment, size.value, (header) => recovered.take(header));
    if (!scanned.ok) return scanned;
    const { damage, lastGroup } = scanned.value;
    recovered.lastGroup = lastGroup;
    if (damage === null) continue;
    // A segment is begun once all of the one before is on disk.
    const wasFlushed = !recovered.isCutHere && (damage.wasFlushed || !isLast);
    return ok({ at, path: segment.path, damage: { ...damage, wasFlushed } });
  }
  return ok(null);
}

function* cutOff(directory: string, segments: readonly Segment[], { at, damage }: Found): Step<null> {
  for (const segment of segments.slice(at + 1).toReversed()) {
    yield* submitFile({ kind: 'close', handle: segment.handle });
    const removed = yield* removeDurably(directory, segment.path);
    if (!removed.ok) return removed;
  }
  const last = segments[at];
  return last === undefined ? ok(null) : yield* cutFile(last, damage.position);
}

/**
 * The last group may be in the page cache alone: its process has died, or its flush has failed and will not be tried
 * again. It is written once more. All before it was flushed before it was written.
 */
function* settle(
  { directory, flushes }: PartitionLogOptions,
  segments: readonly Segment[],
  lastGroup: number,
): Step<null> {
  const last = segments.at(-1);
  if (last === undefined) return ok(null);
  if (flushes && lastGroup < last.sizeInBytes) {
    const read = yield* readRange(last, lastGroup, last.sizeInBytes - lastGroup);
    if (!read.ok) return read;
    const write = { position: lastGroup, bytes: read.value, handle: last.handle };
    const written = yield* submitFile({ kind: 'pwrite', ...write });
    if (!written.ok) return written;
  }
  const flushed = yield* submitFile({ kind: 'fdatasync', handle: last.handle });
  if (!flushed.ok) return flushed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}
