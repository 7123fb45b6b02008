import { assert, assertDefined } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Offset } from '../../base/brands.ts';
import { ok } from '../../base/result.ts';
import { statedCrc, statedPreviousCrc } from '../../codec/batch.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { FileError, FileHandle, Files } from '../../ports/files.ts';
import { type FileTask, runFileTask, submitFile } from '../../ports/task.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import type { IoId } from '../../raft/inputs.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { DiskIndex } from './disk-index.ts';
import { removeDurably, type Step } from './file-steps.ts';
import { groupBytesMax } from './limits.ts';
import { bodyBytesIn, FrameBuffer, frameHeaderBytes, type FramePlace, frameSectors } from './frame.ts';
import { payloadPositionOf, sectorBytes } from './sectors.ts';
import type { Segment } from './segment.ts';
import type { SegmentMaker } from './segment-maker.ts';

/** What is to be done on disk, in the order of the calls to the log. */
type Job =
  | { readonly kind: 'append'; readonly ioId: IoId; readonly batches: readonly LogBatch[]; written: number }
  | { readonly kind: 'truncate'; readonly ioId: IoId; readonly to: Offset }
  | { readonly kind: 'reset'; readonly ioId: IoId; readonly at: SnapshotId; readonly chainCrc: number };

export type LogWriterEvents = {
  /** A flush group is on disk; `ioId` is the last append that it completed, null when it completed none. */
  onGroupFlushed(ioId: IoId | null): void;
  onCutFlushed(ioId: IoId): void;
  onFailed(error: FileError): void;
};

export type LogWriterOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly directory: string;
  readonly segmentBytes: number;
  readonly index: DiskIndex;
  readonly maker: SegmentMaker;
  readonly events: LogWriterEvents;
};

type DrainEnd =
  | { readonly kind: 'idle' }
  | { readonly kind: 'needsSegment'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly error: FileError };

const retryPreparationMs = 1_000;

/**
 * Carries jobs to disk one after another, one flush at a time: whatever was appended while a flush ran
 * forms the next group. It owns the index, which always says what is on disk.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #frames = new FrameBuffer();
  readonly #jobs: Job[] = [];
  #state: 'open' | 'failed' | 'closed' = 'open';
  #isDraining = false;
  #isPreparing = false;
  /** A preparation found no space and is tried again when this fires (design 20). */
  #retry: Timer | null = null;
  /** Segments that the index has dropped and that are still on disk, oldest first. */
  readonly #dropped: Segment[] = [];
  #isRemoving = false;
  /** Tasks under way; closing waits for them. */
  #tasks = 0;
  #whenClosed: (() => void) | null = null;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** False once the writer failed or closes: nothing more will complete. */
  get isOpen(): boolean {
    return this.#state === 'open' && this.#whenClosed === null;
  }

  start(): void {
    this.#prepare(this.#options.segmentBytes);
  }

  append(ioId: IoId, batches: readonly LogBatch[]): void {
    this.#submit({ kind: 'append', ioId, batches, written: 0 });
  }

  truncate(ioId: IoId, to: Offset): void {
    this.#submit({ kind: 'truncate', ioId, to });
  }

  resetTo(ioId: IoId, at: SnapshotId, chainCrc: number): void {
    this.#submit({ kind: 'reset', ioId, at, chainCrc });
  }

  /** Removes segments that the index has dropped, after those that were handed in before. */
  removeSegments(segments: readonly Segment[]): void {
    this.#dropped.push(...segments);
    this.#removeDropped();
  }

  /** One removal at a time: two at once could leave a gap among the oldest segments. */
  #removeDropped(): void {
    if (this.#isRemoving || this.#dropped.length === 0 || this.#state !== 'open') return;
    this.#isRemoving = true;
    this.#run(this.#removeSteps(this.#dropped.splice(0)), (result) => {
      this.#isRemoving = false;
      if (result.ok) this.#removeDropped();
      else this.#fail(result.error);
    });
  }

  /** Runs `task` so that closing waits for it. */
  runTask<Value>(task: FileTask<Value>, done: (value: Value) => void): void {
    this.#run(task, done);
  }

  /** Closes the file of a dropped segment that nobody reads any more. */
  closeFile(handle: FileHandle): void {
    this.#run(submitFile({ kind: 'close', handle }), () => {});
  }

  /** Finishes what was submitted, as far as there is space, and closes the files. */
  close(complete: () => void): void {
    assert(this.#whenClosed === null, 'a log is closed once');
    this.#whenClosed = complete;
    this.#retry?.cancel();
    this.#closeWhenIdle();
  }

  #submit(job: Job): void {
    this.#jobs.push(job);
    this.#drain();
  }

  #drain(): void {
    if (this.#state !== 'open' || this.#isDraining) return;
    if (this.#jobs.length === 0) return;
    this.#isDraining = true;
    this.#run(this.#drainSteps(), (end) => {
      this.#isDraining = false;
      if (end.kind === 'failed') this.#fail(end.error);
      if (end.kind === 'needsSegment') this.#prepare(end.sizeBytes);
    });
  }

  *#drainSteps(): FileTask<DrainEnd> {
    for (;;) {
      const job = this.#jobs[0];
      if (job === undefined || this.#state !== 'open') return { kind: 'idle' };
      const sectors = job.kind === 'append' ? sectorsForFirst(job) : frameSectors(0);
      const rolls = job.kind === 'reset' || sectors > this.#options.index.last.freeSectors;
      const sizeBytes = Math.max(this.#options.segmentBytes, (sectors + 1) * sectorBytes);
      const isPrepared = !this.#isPreparing && this.#options.maker.hasPrepared(sizeBytes);
      if (rolls && !isPrepared) {
        coverageMark('log: waits for a prepared segment');
        return { kind: 'needsSegment', sizeBytes };
      }
      const done = rolls ? yield* this.#roll(job) : yield* this.#write(job);
      if (!done.ok) return { kind: 'failed', error: done.error };
    }
  }

  *#write(job: Job): Step<null> {
    switch (job.kind) {
      case 'append':
        return yield* this.#writeGroup();
      case 'truncate':
        return yield* this.#writeCut(job.ioId, job.to);
      case 'reset':
        return yield* this.#roll(job);
    }
  }

  /** Writes and flushes one frame with all that waits and fits. */
  *#writeGroup(): Step<null> {
    const { index, events } = this.#options;
    const segment = index.last;
    const batches = this.#gather(bodyBytesIn(segment.freeSectors));
    const place = { sequence: segment.header.sequence, position: segment.writePosition };
    const last = assertDefined(batches.at(-1), 'a group has a batch');
    const range = { baseOffset: index.endOffset, endOffset: batchEndOffset(last), chainCrc: index.chainCrc };
    const flushed = yield* this.#writeFrame(segment, place, range, batches.map(encodedBytes));
    if (!flushed.ok) return flushed;
    let payloadPosition = payloadPositionOf(place.position) + frameHeaderBytes;
    for (const batch of batches) {
      const { baseOffset, epoch, sizeInBytes } = batch;
      const crcs = { previousCrc: statedPreviousCrc(batch), crc: statedCrc(batch) };
      index.addBatch({
        baseOffset,
        endOffset: batchEndOffset(batch),
        epoch,
        payloadPosition,
        length: sizeInBytes,
        ...crcs,
      });
      payloadPosition += sizeInBytes;
    }
    const completed = this.#takeWritten(batches.length);
    if (this.#mayTell()) events.onGroupFlushed(completed);
    return ok(null);
  }

  /** The batches at the head of the queue that fit into one frame; at least one. */
  #gather(bodyBytesMax: number): readonly LogBatch[] {
    const batches: LogBatch[] = [];
    let bytes = 0;
    for (const job of this.#jobs) {
      if (job.kind !== 'append') return batches;
      for (let at = job.written; at < job.batches.length; at++) {
        const batch = assertDefined(job.batches[at], 'within the list');
        bytes += batch.sizeInBytes;
        if (batches.length > 0 && bytes > Math.min(bodyBytesMax, groupBytesMax)) return batches;
        batches.push(batch);
      }
    }
    return batches;
  }

  /** Takes `count` written batches off the queue; gives the last append that is complete by that. */
  #takeWritten(count: number): IoId | null {
    let left = count;
    let completed: IoId | null = null;
    let jobs = 0;
    for (const job of this.#jobs) {
      if (job.kind !== 'append') break;
      const taken = Math.min(left, job.batches.length - job.written);
      job.written += taken;
      left -= taken;
      if (job.written < job.batches.length) {
        if (taken > 0) coverageMark('log: an append takes several frames');
        break;
      }
      completed = job.ioId;
      jobs++;
    }
    assert(left === 0, 'only batches of the queue are written');
    this.#jobs.splice(0, jobs);
    return completed;
  }

  /** An empty frame whose base offset cuts the log (see `open-raft-log.ts`). */
  *#writeCut(ioId: IoId, to: Offset): Step<null> {
    const { index, events } = this.#options;
    const segment = index.last;
    const place = { sequence: segment.header.sequence, position: segment.writePosition };
    const chainCrc = index.chainCrcAt(to);
    assert(chainCrc !== null, `the log cannot be cut at ${to}, where no batch begins`);
    const range = { baseOffset: to, endOffset: to, chainCrc };
    const flushed = yield* this.#writeFrame(segment, place, range, []);
    if (!flushed.ok) return flushed;
    index.truncateTo(to);
    index.noteBase(to);
    this.#jobs.shift();
    if (this.#mayTell()) events.onCutFlushed(ioId);
    return ok(null);
  }

  *#writeFrame(
    segment: Segment,
    place: FramePlace,
    range: { readonly baseOffset: Offset; readonly endOffset: Offset; readonly chainCrc: number },
    batches: readonly Uint8Array[],
  ): Step<null> {
    const bytes = this.#frames.encode(place, range, batches);
    assert(place.position + bytes.length <= segment.header.sizeBytes, 'a frame stays within its segment');
    const flushed = yield* submitFile({
      kind: 'pwriteDurably',
      handle: segment.handle,
      position: place.position,
      bytes,
    });
    if (flushed.ok) segment.writePosition = place.position + bytes.length;
    return flushed;
  }

  /** Begins the next segment: where the log ends on disk, or anew where a reset says. */
  *#roll(job: Job): Step<null> {
    const { index, maker, events, segmentBytes } = this.#options;
    const sequence = index.last.header.sequence + 1;
    const beginning =
      job.kind === 'reset'
        ? { baseOffset: job.at.endOffset, epoch: job.at.epoch, chainCrc: job.chainCrc, beginsAnew: true }
        : {
            baseOffset: index.endOffset,
            epoch: index.lastEpoch,
            chainCrc: index.chainCrc,
            beginsAnew: false,
          };
    const made = yield* maker.make({ sequence, ...beginning });
    if (!made.ok) return made;
    const before = index.segments;
    index.addSegment(made.value);
    this.#prepare(segmentBytes);
    if (job.kind !== 'reset') {
      coverageMark('log: rolls to the next segment');
      return ok(null);
    }
    // From here on the earlier segments are void, so their names may vanish in any order.
    const removed = yield* this.#removeSteps(before);
    if (!removed.ok) return removed;
    this.#jobs.shift();
    if (this.#mayTell()) events.onCutFlushed(job.ioId);
    return ok(null);
  }

  /** The oldest first, each for good before the next, so that a crash leaves no gap among them. */
  *#removeSteps(segments: readonly Segment[]): Step<null> {
    for (const segment of segments) {
      const removed = yield* removeDurably(this.#options.directory, segment.path);
      if (!removed.ok) return removed;
      segment.dropped = true;
      if (segment.readers === 0) yield* submitFile({ kind: 'close', handle: segment.handle });
    }
    return ok(null);
  }

  /** Prepares the next segment in the background. No space postpones; any other failure stops the log. */
  #prepare(sizeBytes: number): void {
    if (this.#isPreparing || this.#retry !== null || this.#state !== 'open') return;
    if (this.#options.maker.hasPrepared(sizeBytes)) {
      this.#drain();
      return;
    }
    this.#isPreparing = true;
    this.#run(this.#options.maker.prepare(sizeBytes), (result) => {
      this.#isPreparing = false;
      if (result.ok) this.#drain();
      else if (result.error.code === 'NO_SPACE') this.#prepareLater(sizeBytes);
      else this.#fail(result.error);
    });
  }

  #prepareLater(sizeBytes: number): void {
    if (this.#whenClosed !== null) return;
    coverageMark('log: no room to prepare a segment');
    this.#retry = this.#options.clock.setTimer(retryPreparationMs, () => {
      this.#retry = null;
      this.#prepare(sizeBytes);
    });
  }

  #run<Value>(task: FileTask<Value>, done: (value: Value) => void): void {
    this.#tasks++;
    runFileTask(this.#options.files, task, (value) => {
      this.#tasks--;
      done(value);
      this.#closeWhenIdle();
    });
  }

  /** What was under way when another task failed may still end well, and nobody is to hear of it. */
  #mayTell(): boolean {
    return this.#state === 'open';
  }

  #fail(error: FileError): void {
    if (this.#state !== 'open') return;
    coverageMark('log: a failed write ends it');
    this.#state = 'failed';
    this.#options.events.onFailed(error);
  }

  #closeWhenIdle(): void {
    const complete = this.#whenClosed;
    if (complete === null || this.#tasks > 0 || this.#state === 'closed') return;
    this.#state = 'closed';
    runFileTask(this.#options.files, this.#closeSteps(), complete);
  }

  *#closeSteps(): FileTask<void> {
    yield* this.#options.maker.close();
    for (const segment of this.#options.index.segments) {
      yield* submitFile({ kind: 'close', handle: segment.handle });
    }
  }
}

function sectorsForFirst(job: Extract<Job, { kind: 'append' }>): number {
  const batch = assertDefined(job.batches[job.written], 'a finished append has left the queue');
  return frameSectors(batch.sizeInBytes);
}

function encodedBytes(batch: LogBatch): Uint8Array {
  assert(batch.body.form === 'encoded', 'only encoded batches are written');
  return batch.body.bytes;
}
