import { assert, assertDefined } from '../../base/assert.ts';
import { ok } from '../../base/result.ts';
import {
  decodeRecordBatchHeader,
  recordBatchEndOffset,
  type RecordBatchHeader,
} from '../../codec/record-batch/header.ts';
import type { FileError, Files } from '../../ports/files.ts';
import { type FileTask, runFileTask, submitFile } from '../../ports/task.ts';
import { entryHeaderBytes, writeEntry } from './entry.ts';
import { removeDurably, type Step } from '../../runtime/log/file-steps.ts';
import { beginAnew, createSegment, cutFile, moveStart, putMark } from './file-steps.ts';
import { positionOf, type ReadAnswer, readSegment } from './read.ts';
import { retainedFrom, type Retention } from './retention.ts';
import { groupBytesLimit, noteBatch } from './scan.ts';
import { cutMark, damageMark, type LogStart, type Segment, startMark } from './segment.ts';

export type PartitionLogOptions = {
  readonly files: Files;
  readonly directory: string;
  /** A segment that is so large is the last to be written to no more. */
  readonly segmentBytes: number;
  /** And one whose first batch is by so much older than the next one; null: whatever its age. */
  readonly segmentMs: number | null;
  /**
   * Whether each append is flushed before it completes. Where not, only a log that was closed is known to be whole
   * (Kafka's default, which trusts in the other replicas).
   */
  readonly flushes: boolean;
  /** A write or a flush has failed: nothing completes any more, and the process must stop (design 20). */
  readonly onFailed: (error: FileError) => void;
};

type Batch = {
  readonly kind: 'batch';
  readonly bytes: Uint8Array;
  readonly header: RecordBatchHeader;
  /** Of the append whose last batch it is. */
  readonly complete: (() => void) | null;
};

/** What is to be done on disk, in the order of the calls. */
type Job = Batch | { readonly kind: 'task'; readonly run: () => Step<null>; readonly complete: () => void };

/** What is gathered into one write, unless its first batch alone is larger. */
const groupBytesMax = 4_194_304;
const segmentBytesMax = 2 ** 30;

/**
 * One partition's log on disk: record batches in segments that are appended to and never written over.
 *
 * Invariants
 * 1. Batches are contiguous, from the base offset of the first segment to `endOffset`; so are segments. The log begins
 *    at `startOffset`, in the first segment or at its end, and nothing below is given to anybody.
 * 2. With `flushes`, a group of batches is written only when everything before it is on disk, and an append completes
 *    when its own group is. So at most one group, the last, may be torn by a crash (`scan.ts` draws the conclusions).
 * 3. A segment's name is on disk before anything is written to it, and all before it is on disk, too.
 * 4. A cut is on disk before anything is appended behind it; one that a crash has interrupted is finished first.
 * 5. Where the log begins is on disk before anything below is removed, and what is below is removed oldest first; that
 *    all of it is to be removed is on disk before any is.
 * 6. Only `#drain` changes segments, one job at a time.
 */
export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #segments: Segment[];
  #start: LogStart;
  /** Where it begins as its mark on disk says. */
  #marked: LogStart;
  /** Not begun yet. */
  readonly #jobs: Job[] = [];
  /** What is appended and not written yet, the group that is being written included. */
  readonly #unwritten = new Set<Batch>();
  #endOffset: number;
  /** Of the last segment: below this all is on disk. */
  #flushedBefore: number;
  #isDraining = false;
  /** Whoever waits for it to be closed. */
  #closed: (() => void) | null = null;
  #state: 'open' | 'failed' | 'closed' = 'open';
  /** A read that another one of these has passed by begins anew. */
  #cuts = 0;

  /** For `openPartitionLog` alone: segments as they are on disk, at least one. */
  constructor(options: PartitionLogOptions, segments: readonly Segment[], start: LogStart) {
    assert(options.segmentBytes <= segmentBytesMax, 'positions within a segment are 32-bit numbers');
    this.#options = options;
    this.#segments = [...segments];
    this.#start = start;
    this.#marked = start;
    this.#endOffset = this.#active.endOffset;
    this.#flushedBefore = this.#active.sizeInBytes;
  }

  get startOffset(): number {
    return this.#start.offset;
  }

  /** Behind the last batch that was appended, on disk or not. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Of its files, as far as they are written. */
  get sizeInBytes(): number {
    return this.#segments.reduce((total, segment) => total + segment.sizeInBytes, 0);
  }

  /**
   * Appends batches that have their place already (`placeRecordBatch`); their bytes must not change any more.
   * `complete` is called when all of them are on disk, and never for what a truncation has cut off before.
   */
  append(batches: readonly Uint8Array[], complete: () => void): void {
    for (const [at, bytes] of batches.entries()) {
      const header = decodeRecordBatchHeader(bytes);
      assert(header.ok, 'only whole batches are appended');
      assert(header.value.sizeInBytes === bytes.length, 'batches are appended one by one');
      assert(
        header.value.baseOffset === this.#endOffset,
        `a batch at ${header.value.baseOffset} is out of place`,
      );
      this.#endOffset = recordBatchEndOffset(header.value);
      const isLast = at === batches.length - 1;
      const batch: Batch = { kind: 'batch', bytes, header: header.value, complete: isLast ? complete : null };
      this.#unwritten.add(batch);
      this.#jobs.push(batch);
    }
    this.#drain();
  }

  /** Cuts the log to `to`, where a batch begins. */
  truncate(to: number, complete: () => void): void {
    assert(to >= this.startOffset, `the log begins at ${this.startOffset}, above ${to}`);
    assert(to <= this.#endOffset, `the log ends at ${this.#endOffset}, below ${to}`);
    this.#dropFrom(to);
    this.#submit(() => this.#cutMarked(to), complete);
  }

  /** Where the log may begin by its settings: at a segment's end, none of it above the high watermark. */
  retainedFrom(retention: Retention): number {
    return Math.max(this.startOffset, retainedFrom(this.#segments, retention));
  }

  /** The log begins there from now on; segments that are wholly below are removed. All below is on disk. */
  advanceStart(start: LogStart, complete: () => void): void {
    assert(start.offset >= this.startOffset, `the log begins at ${this.startOffset} already`);
    assert(start.offset <= this.#endOffset, `the log ends at ${this.#endOffset}, below ${start.offset}`);
    this.#start = start;
    this.#submit(() => this.#removeBelow(start), complete);
  }

  /** Removes everything; the log begins anew. */
  reset(start: LogStart, complete: () => void): void {
    this.#start = start;
    this.#dropFrom(0);
    this.#endOffset = start.offset;
    this.#submit(() => this.#resetTo(start), complete);
  }

  /**
   * Whole batches, from the one that holds `from` on, of `bytesMax` together or the first alone; none at the log's
   * end. Each is verified. It may complete from within the call.
   */
  read(from: number, bytesMax: number, complete: (answer: ReadAnswer) => void): void {
    if (from < this.startOffset || from > this.#endOffset) {
      const message = `offset ${from} is not between ${this.startOffset} and ${this.#endOffset}`;
      complete({ ok: false, error: { code: 'OFFSET_OUT_OF_RANGE', message } });
      return;
    }
    const [firstUnwritten] = this.#unwritten;
    // What the disk has from here on is about to be cut off, or not there yet.
    const to = firstUnwritten?.header.baseOffset ?? this.#endOffset;
    if (from >= to) {
      complete(ok(this.#readUnwritten(from, bytesMax)));
      return;
    }
    const found = this.#segments.findLast(({ baseOffset }) => baseOffset <= from);
    const segment = assertDefined(found, 'what is written is in a segment');
    const cuts = this.#cuts;
    segment.readers++;
    runFileTask(this.#options.files, readSegment(segment, { from, to, bytesMax }), (answer) => {
      segment.readers--;
      this.#closeGone(segment);
      // What was read may have been cut off and written anew meanwhile.
      if (cuts === this.#cuts) complete(answer);
      else this.read(from, bytesMax, complete);
    });
  }

  /** The broker has taken note that this log may have lost something; the next start need not say so again. */
  forgetDamage(complete: () => void): void {
    const { directory } = this.#options;
    this.#submit(() => removeDurably(directory, `${directory}/${damageMark}`), complete);
  }

  /** Writes and flushes what was appended, as far as the disk does not fail, and closes the files. Asked for once. */
  close(complete: () => void): void {
    this.#closed = complete;
    if (this.#state === 'failed') this.#closeFiles();
    else
      this.#submit(
        () => this.#flushActive(),
        () => this.#closeFiles(),
      );
  }

  /** What was appended at or behind `to` is forgotten, written or not. */
  #dropFrom(to: number): void {
    this.#endOffset = to;
    this.#cuts++;
    for (const batch of this.#unwritten) if (batch.header.baseOffset >= to) this.#unwritten.delete(batch);
    const kept = this.#jobs.filter((job) => job.kind !== 'batch' || this.#unwritten.has(job));
    this.#jobs.splice(0, this.#jobs.length, ...kept);
  }

  get #active(): Segment {
    return assertDefined(this.#segments.at(-1), 'a log has a segment');
  }

  #readUnwritten(from: number, bytesMax: number): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    let total = 0;
    for (const { header, bytes } of this.#unwritten) {
      if (recordBatchEndOffset(header) <= from) continue;
      total += bytes.length;
      if (found.length > 0 && total > bytesMax) break;
      found.push(bytes);
    }
    return found;
  }

  #submit(run: () => Step<null>, complete: () => void): void {
    this.#jobs.push({ kind: 'task', run, complete });
    this.#drain();
  }

  #drain(): void {
    assert(this.#state !== 'closed', 'a closed log is asked for nothing');
    if (this.#isDraining || this.#state === 'failed') return;
    this.#isDraining = true;
    runFileTask(this.#options.files, this.#drainSteps(), (error) => {
      this.#isDraining = false;
      if (error === null) return;
      this.#state = 'failed';
      this.#options.onFailed(error);
      if (this.#closed !== null) this.#closeFiles();
    });
  }

  *#drainSteps(): FileTask<FileError | null> {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      const group = this.#takeGroup();
      if (job.kind === 'task') this.#jobs.shift();
      const done = job.kind === 'task' ? yield* job.run() : yield* this.#writeGroup(group);
      if (!done.ok) return done.error;
      if (job.kind === 'task') job.complete();
      for (const batch of group) if (this.#unwritten.delete(batch)) batch.complete?.();
    }
    return null;
  }

  /** The batches at the head of the queue that are written together. */
  #takeGroup(): readonly Batch[] {
    const group: Batch[] = [];
    let total = 0;
    for (let job = this.#jobs[0]; job?.kind === 'batch'; job = this.#jobs[0]) {
      total += entryHeaderBytes + job.bytes.length;
      if (group.length > 0 && total > groupBytesMax) break;
      group.push(job);
      this.#jobs.shift();
    }
    return group;
  }

  *#writeGroup(group: readonly Batch[]): Step<null> {
    const total = entryBytes(group);
    assert(total <= groupBytesLimit, 'a group is no longer than one may be');
    const { sizeInBytes } = this.#active;
    if (sizeInBytes > 0 && (sizeInBytes + total > this.#options.segmentBytes || this.#isOldFor(group))) {
      const rolled = yield* this.#roll();
      if (!rolled.ok) return rolled;
    }
    const segment = this.#active;
    const start = segment.sizeInBytes;
    const bytes = encodeGroup(segment, group, this.#flushedBefore);
    const kind = this.#options.flushes ? 'pwriteDurably' : 'pwrite';
    const written = yield* submitFile({ kind, handle: segment.handle, position: start, bytes });
    if (!written.ok) return written;
    for (const { header } of group) {
      noteBatch(segment, segment.sizeInBytes, header);
      segment.sizeInBytes += entryHeaderBytes + header.sizeInBytes;
    }
    if (this.#options.flushes) this.#flushedBefore = segment.sizeInBytes;
    return ok(null);
  }

  /** As Kafka: by what the batches say of their age. */
  #isOldFor([first]: readonly Batch[]): boolean {
    const { segmentMs } = this.#options;
    if (segmentMs === null || first === undefined || this.#active.firstTimestampMs < 0) return false;
    return first.header.maxTimestampMs - this.#active.firstTimestampMs > segmentMs;
  }

  /** All of the segment is on disk before the next one is there. */
  *#roll(): Step<null> {
    const flushed = yield* this.#flushActive();
    if (!flushed.ok) return flushed;
    const created = yield* createSegment(this.#options.directory, this.#active.endOffset);
    if (!created.ok) return created;
    this.#segments.push(created.value);
    this.#flushedBefore = 0;
    return ok(null);
  }

  *#cutMarked(to: number): Step<null> {
    const { directory } = this.#options;
    const marked = yield* putMark(directory, cutMark(to));
    if (!marked.ok) return marked;
    const cut = yield* this.#cutTo(to);
    return cut.ok ? yield* removeDurably(directory, `${directory}/${cutMark(to)}`) : cut;
  }

  *#cutTo(to: number): Step<null> {
    while (this.#active.baseOffset >= to && this.#segments.length > 1) {
      const removed = yield* this.#remove(assertDefined(this.#segments.pop(), 'there is one'));
      if (!removed.ok) return removed;
    }
    const segment = this.#active;
    if (to < segment.endOffset) {
      const position = yield* positionOf(segment, to);
      if (!position.ok) return position;
      segment.index.truncate(to);
      segment.sizeInBytes = position.value;
      segment.endOffset = to;
      // Whoever reads now may have asked for bytes that are about to go.
      this.#cuts++;
      const cut = yield* cutFile(segment, position.value);
      if (!cut.ok) return cut;
    }
    this.#flushedBefore = Math.min(segment.sizeInBytes, this.#flushedBefore);
    return ok(null);
  }

  *#removeBelow(start: LogStart): Step<null> {
    const moved = yield* moveStart(this.#options.directory, this.#marked, start);
    if (!moved.ok) return moved;
    this.#marked = start;
    if (this.#active.sizeInBytes > 0 && this.#active.endOffset <= start.offset) {
      const rolled = yield* this.#roll();
      if (!rolled.ok) return rolled;
    }
    // The oldest first, each for good before the next, so that a crash leaves no gap.
    while ((this.#segments[1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= start.offset) {
      const removed = yield* this.#remove(assertDefined(this.#segments.shift(), 'there is one'));
      if (!removed.ok) return removed;
    }
    return ok(null);
  }

  *#resetTo(start: LogStart): Step<null> {
    const { directory } = this.#options;
    const marked = yield* putMark(directory, startMark(start, 'reset'));
    if (!marked.ok) return marked;
    const begun = yield* beginAnew(directory, start);
    if (!begun.ok) return begun;
    for (const segment of this.#segments.splice(0, this.#segments.length, begun.value)) {
      segment.isGone = true;
      this.#closeGone(segment);
    }
    this.#marked = start;
    this.#flushedBefore = 0;
    return ok(null);
  }

  *#remove(segment: Segment): Step<null> {
    const removed = yield* removeDurably(this.#options.directory, segment.path);
    segment.isGone = true;
    this.#closeGone(segment);
    return removed;
  }

  #closeGone(segment: Segment): void {
    if (!segment.isGone || segment.readers > 0) return;
    runFileTask(this.#options.files, submitFile({ kind: 'close', handle: segment.handle }), () => undefined);
  }

  #flushActive(): Step<null> {
    return submitFile({ kind: 'fdatasync', handle: this.#active.handle });
  }

  #closeFiles(): void {
    this.#state = 'closed';
    for (const segment of this.#segments) {
      segment.isGone = true;
      this.#closeGone(segment);
    }
    this.#closed?.();
  }
}

function entryBytes(group: readonly Batch[]): number {
  return group.reduce((bytes, batch) => bytes + entryHeaderBytes + batch.bytes.length, 0);
}

function encodeGroup(segment: Segment, group: readonly Batch[], flushedBefore: number): Uint8Array {
  const target = Buffer.alloc(entryBytes(group));
  let at = 0;
  for (const { bytes } of group) {
    const place = { segmentBaseOffset: segment.baseOffset, position: segment.sizeInBytes + at };
    writeEntry(target, at, place, { flushedBefore, batchBytes: bytes.length }, bytes);
    at += entryHeaderBytes + bytes.length;
  }
  return target;
}
