import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { CodecError } from '../../codec/codec-error.ts';
import type { FileError, FileHandle } from '../../ports/files.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';
import type { Step } from './file-steps.ts';
import { LogContents } from './log-contents.ts';
import { type FrameExtent, scanSegment, type SegmentEnd } from './scan-segment.ts';
import { sectorBytes } from './sectors.ts';
import { decodeSegmentHeader, type SegmentHeader, segmentName, sequenceOfName } from './segment-header.ts';
import { Segment } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';

export type Corruption = { readonly file: string; readonly position: number; readonly reason: string };

/** What reading all segments has found; nothing on disk was changed for it. */
export type Scan = {
  readonly contents: LogContents;
  /** The last frame of the last segment. */
  readonly lastFrame: FrameExtent | null;
  readonly torn: { readonly file: string; readonly position: number } | null;
  /** With the sequence of the segment that is damaged or missing; it and later ones are to be set aside. */
  readonly corruption: (Corruption & { readonly sequence: number }) | null;
  /** Sequences of segments that the log no longer needs, the oldest first: to be removed. */
  readonly voidSequences: readonly number[];
  /** Sequences of all segment files that are there. */
  readonly sequences: readonly number[];
};

export type ScanError =
  | { readonly code: 'FILES'; readonly error: FileError }
  | {
      readonly code: 'UNSUPPORTED_VERSION';
      readonly file: string;
      readonly position: number;
      readonly message: string;
    };

type OpenedFile = {
  readonly sequence: number;
  readonly path: string;
  readonly handle: FileHandle;
  readonly fileBytes: number;
  readonly header: Result<SegmentHeader, CodecError>;
};

/** Opens and reads every segment in `directory`. After anything but a sound log all files are closed again. */
export function* scanLog(directory: string): FileTask<Result<Scan, ScanError>> {
  const listed = yield* submitFile({ kind: 'list', path: directory });
  if (!listed.ok) return failed({ code: 'FILES', error: listed.error });
  const sequences = listed.value.map(sequenceOfName).filter((sequence) => sequence !== null);
  const files: OpenedFile[] = [];
  let scan: Result<Scan, ScanError> | null = null;
  for (const sequence of sequences) {
    const opened = yield* openFile(directory, sequence);
    if (opened.ok) files.push(opened.value);
    else scan ??= failed({ code: 'FILES', error: opened.error });
  }
  scan ??= yield* scanFiles(directory, files, sequences);
  const inUse = scan.ok && scan.value.corruption === null ? scan.value.contents.index.segments : [];
  for (const { handle } of files) {
    if (!inUse.some((segment) => segment.handle === handle)) yield* submitFile({ kind: 'close', handle });
  }
  return scan;
}

function* openFile(directory: string, sequence: number): Step<OpenedFile> {
  const path = `${directory}/${segmentName(sequence)}`;
  const opened = yield* submitFile({ kind: 'open', path, mode: 'existing', isDurable: true });
  if (!opened.ok) return opened;
  const handle = opened.value;
  const size = yield* submitFile({ kind: 'size', handle });
  const sector = yield* submitFile({ kind: 'pread', handle, position: 0, length: sectorBytes });
  if (size.ok && sector.ok) {
    return ok({ sequence, path, handle, fileBytes: size.value, header: decodeSegmentHeader(sector.value) });
  }
  yield* submitFile({ kind: 'close', handle });
  return size.ok ? failedStep(sector) : failedStep(size);
}

/** The failure of `result`, which is known to be one. */
function failedStep(result: Result<unknown, FileError>): Result<never, FileError> {
  assert(!result.ok, 'only a failure is handed on');
  return result;
}

/**
 * Scans from the latest segment that begins anew. When that meets a cut to below its start, cleaning the log
 * was interrupted (`dropBelow` chose a later beginning), and the scan begins again after it.
 */
function* scanFiles(
  directory: string,
  files: readonly OpenedFile[],
  sequences: readonly number[],
): FileTask<Result<Scan, ScanError>> {
  let start = Math.max(0, files.findLastIndex(beginsAnew));
  for (;;) {
    const found = { voidSequences: files.slice(0, start).map((file) => file.sequence), sequences };
    const scanned = yield* scanFrom(directory, files.slice(start), found);
    if (!scanned.ok) return scanned;
    if (!('scanAgainAfter' in scanned.value)) return ok(scanned.value);
    start += scanned.value.scanAgainAfter;
  }
}

function* scanFrom(
  directory: string,
  files: readonly OpenedFile[],
  known: Pick<Scan, 'voidSequences' | 'sequences'>,
): FileTask<Result<Scan | { readonly scanAgainAfter: number }, ScanError>> {
  const contents = new LogContents();
  const found: Scan = { ...known, contents, lastFrame: null, torn: null, corruption: null };
  let lastFrame: FrameExtent | null = null;
  for (const [at, file] of files.entries()) {
    const isLast = at === files.length - 1;
    const { sequence } = file;
    const due = at === 0 ? sequence : contents.index.last.header.sequence + 1;
    if (sequence !== due) {
      const missing = { sequence: due, file: `${directory}/${segmentName(due)}`, position: 0 };
      return ok({
        ...found,
        corruption: { ...missing, reason: 'the segment is missing and later ones are there' },
      });
    }
    const scanned = yield* scanFile(contents, file, isLast);
    if (!scanned.ok) return failed({ code: 'FILES', error: scanned.error });
    const end = scanned.value;
    const place = { file: file.path, position: 'position' in end ? end.position : 0 };
    switch (end.kind) {
      case 'unsupported':
        return failed({ code: 'UNSUPPORTED_VERSION', ...place, message: end.message });
      case 'corrupt':
        return ok({ ...found, corruption: { ...place, sequence, reason: end.reason } });
      case 'cutBelowStart': {
        if (!isLast && !contents.index.beginsAnew) {
          coverageMark('log: its cleaning was interrupted');
          return ok({ scanAgainAfter: at + 1 });
        }
        const reason = 'a frame cuts the log to below its beginning';
        return ok({ ...found, corruption: { ...place, sequence, reason } });
      }
      case 'torn':
        return ok({ ...found, lastFrame: end.lastFrame, torn: place });
      case 'clean':
        lastFrame = end.lastFrame;
    }
  }
  return ok({ ...found, lastFrame });
}

function beginsAnew(file: OpenedFile): boolean {
  return file.header.ok && file.header.value.beginsAnew && file.header.value.sequence === file.sequence;
}

function* scanFile(contents: LogContents, file: OpenedFile, isLast: boolean): Step<SegmentEnd> {
  const corrupt = (reason: string): Result<SegmentEnd, never> => ok({ kind: 'corrupt', position: 0, reason });
  if (!file.header.ok) {
    const { code, message } = file.header.error;
    if (code === 'UNSUPPORTED_VERSION') return ok({ kind: 'unsupported', position: 0, message });
    return corrupt(message);
  }
  const header = file.header.value;
  const { index } = contents;
  if (header.sequence !== file.sequence) return corrupt('the segment header names another sequence');
  const isFirst = index.segments.length === 0;
  if (!isFirst && header.baseOffset !== index.endOffset) {
    return corrupt(
      `the segment begins at ${header.baseOffset} and the log before it ends at ${index.endOffset}`,
    );
  }
  if (!isFirst && header.chainCrc !== index.chainCrc) return corrupt('the segment breaks the chain');
  const segment = new Segment(header, file.path, file.handle);
  contents.addSegment(segment);
  const reader = new SegmentReader(file.path, file.handle, file.fileBytes);
  return yield* scanSegment(contents, segment, reader, isLast);
}
