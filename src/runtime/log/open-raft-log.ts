import { assert } from '../../base/assert.ts';
import { epoch, offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { initialChainCrc } from '../../codec/crc.ts';
import type { FileError } from '../../ports/files.ts';
import { type FileTask, runFileTask, submitFile } from '../../ports/task.ts';
import { readExactly, removeDurably, type Step, writeAndFlush, writeZeros } from './file-steps.ts';
import type { LogRecovery, RaftLog } from './raft-log.ts';
import { type Corruption, type Scan, type ScanError, scanLog } from './scan-log.ts';
import { frameSectors } from './frame.ts';
import { groupBytesMax } from './limits.ts';
import { sectorBytes } from './sectors.ts';
import { encodeSegmentHeader, segmentName } from './segment-header.ts';
import { preparedName, SegmentMaker } from './segment-maker.ts';
import { SegmentedLog, type SegmentedLogOptions } from './segmented-log.ts';
import { setAside } from './set-aside.ts';

/**
 * The metadata log on disk, and what opening it may conclude (design 17, 19). `sectors.ts`, `frame.ts` and
 * `segment-header.ts` give the bytes; this is the argument why they suffice.
 *
 * What is assumed of the disk: a sector of 512 bytes is written whole or not at all; a completed
 * `fdatasync` means that the file's bytes are on disk; a completed `syncDirectory` means that its names are.
 * Between two flushes any subset of the written sectors may survive a crash, in any order.
 *
 * How it is written
 * 1. A segment is written full of zeros and flushed, gets its header, is flushed again, and only then
 *    gets its name, which is made durable before its first frame is written. It never grows, shrinks or
 *    serves twice. So under a segment's name there is always a file of full size with a valid header, and
 *    every sector that no frame was written to is zeros on disk.
 * 2. A frame is written where the last one ends, into zeros, and the next frame (in this segment or
 *    another) only after this one's flush has completed. So at any moment at most one frame, the last in
 *    order, is not on disk entirely. Each frame says so: `flushedBefore` is its own beginning.
 * 3. Nothing that was written is written over. A truncation is a frame like any other, without batches,
 *    whose base offset cuts the log. It is one sector, so it took effect or it did not. (Zeroing what was
 *    cut instead would leave, after a crash halfway, a hole before sound frames: the very picture
 *    of corruption.) The frames that it cut remain in the file and stay part of the chain of evidence.
 * 4. `onFlushed` and `onTruncated` follow the flush of the frame, and everything that a node acknowledges
 *    follows these. So an acknowledged record lies in a frame whose flush has completed.
 *
 * What an invalid frame at P means, P being the first
 * 5. If anything but one frame's remains was written after P (a sector that begins a frame, a sector
 *    beyond the frame's length, a later segment), then by 2 the frame at P was flushed whole. A crash does
 *    not change what was flushed, so this is corruption.
 * 6. If no sector of the frame is blank, every sector of it was written: guards are never zero. A crash
 *    leaves written sectors whole, and whole sectors make a valid frame. So this is corruption.
 * 7. Otherwise the frame at P is the last one and has a sector that was never written, or reads so. Had
 *    its flush completed, none of its sectors would be blank, unless the disk has lost one. So it was not
 *    acknowledged, and it is torn: everything from P on is zeroed and flushed before the log is used.
 *    A crash in that zeroing blanks more sectors of the same frame, and the same conclusion follows again.
 * 8. What remains (design 19): a last, acknowledged frame of which a whole sector later reads as zeros
 *    looks torn, on that one node. A log of which the last segments' files were taken away looks shorter.
 * 9. A segment that is not followed by the next number, that does not begin where the one before ends
 *    (offset and chain CRC), or whose file has another size than it was made with, is corruption. Only
 *    the oldest segments are ever removed, one after another, and those before one that begins anew.
 *
 * What opening does about it
 * 10. Corruption is told to `onCorruption` before anything on disk is changed. When the node has persisted
 *    `recovering`, the log is cut there, with the damaged files kept under another name. A crash before
 *    that finds the same corruption again, so no start ever takes the shorter log for the whole one.
 * 11. A sound last frame may be in the page cache only: the process may have died, or its fdatasync
 *    failed, before the disk had it. It is written again, byte for byte, and flushed, with its segment's
 *    header and the directory, before the log counts it as flushed. By 2 all earlier ones are on disk.
 * 12. So may the zeros that follow it: a start found a torn frame, its flush of the zeros failed, and the next
 *    start reads them from the page cache and finds nothing torn, while the disk has the remains. Later frames may
 *    go to another segment, and after a power failure the remains would stand in the midst of the log, as
 *    corruption (5). So zeros are written and flushed at every start, as far as remains can reach: by 2 they are
 *    those of one frame that began where the log ends, or of one before it that began no later.
 */
export type OpenLogOptions = SegmentedLogOptions & {
  /**
   * True when this node has held a log before: then a directory without one is corruption, and not a
   * new node's.
   */
  readonly expectsLog: boolean;
  /** Corruption was found and nothing was changed yet: persist `recovering`, then call `proceed`. */
  readonly onCorruption: (corruption: Corruption, proceed: () => void) => void;
};

export type OpenedLog = { readonly log: RaftLog; readonly recovery: LogRecovery };

export type LogOpenError = {
  /** `UNSUPPORTED_VERSION`: a newer Ottla wrote this log. The others are the file system's. */
  readonly code: FileError['code'] | 'UNSUPPORTED_VERSION';
  readonly file: string;
  readonly message: string;
};

type Completion = (result: Result<OpenedLog, LogOpenError>) => void;

/** A segment holds its header and at least one frame of a few sectors. */
export const segmentBytesMin = 8 * sectorBytes;
export const segmentBytesMax = 1_073_741_824;

const frameBytesMax = frameSectors(groupBytesMax) * sectorBytes;

/** Opens the log in `directory`, making it where missing. Calls `complete` once, never from within this call. */
export function openRaftLog(options: OpenLogOptions, complete: Completion): void {
  const { segmentBytes } = options;
  assert(segmentBytes % sectorBytes === 0, 'a segment is made of whole sectors');
  assert(segmentBytes >= segmentBytesMin, `a segment has at least ${segmentBytesMin} bytes`);
  assert(segmentBytes <= segmentBytesMax, `a segment has at most ${segmentBytesMax} bytes`);
  runFileTask(options.files, beginScan(options.directory), (scan) => {
    if (!scan.ok) complete(failed(openErrorOf(scan.error)));
    else judgeScan(options, scan.value, complete);
  });
}

function* beginScan(directory: string): FileTask<Result<Scan, ScanError>> {
  const made = yield* submitFile({ kind: 'makeDirectory', path: directory });
  if (!made.ok) return failed({ code: 'FILES', error: made.error });
  const parent = directory.slice(0, Math.max(0, directory.lastIndexOf('/'))) || '.';
  const synced = yield* submitFile({ kind: 'syncDirectory', path: parent });
  if (!synced.ok) return failed({ code: 'FILES', error: synced.error });
  return yield* scanLog(directory);
}

function judgeScan(options: OpenLogOptions, scan: Scan, complete: Completion): void {
  const { directory, expectsLog, onCorruption } = options;
  const missing = {
    file: directory,
    position: 0,
    reason: 'the node had a log, and no segment of it is there',
  };
  const isMissing = expectsLog && scan.sequences.length === 0;
  const found = scan.corruption ?? (isMissing ? missing : null);
  if (found === null) {
    settle(options, scan, null, complete);
    return;
  }
  const corruption = { file: found.file, position: found.position, reason: found.reason };
  let asked = false;
  onCorruption(corruption, () => {
    assert(!asked, 'the node proceeds from a corruption once');
    asked = true;
    if (scan.corruption === null) settle(options, scan, corruption, complete);
    else cutAndScanAgain(options, scan, scan.corruption, complete);
  });
}

function cutAndScanAgain(
  options: OpenLogOptions,
  scan: Scan,
  corruption: NonNullable<Scan['corruption']>,
  complete: Completion,
): void {
  const { sequence, file, position, reason } = corruption;
  const damaged = scan.contents.index.segments.find((segment) => segment.header.sequence === sequence);
  const damage = {
    sequence,
    soundBytes: damaged?.writePosition ?? 0,
    sizeBytes: damaged?.header.sizeBytes ?? 0,
    sequences: scan.sequences,
  };
  runFileTask(options.files, setAsideAndScan(options.directory, damage), (again) => {
    if (!again.ok) complete(failed(openErrorOf(again.error)));
    else if (again.value.corruption === null)
      settle(options, again.value, { file, position, reason }, complete);
    else complete(failed({ code: 'IO', file, message: `the log changes while it is read: ${reason}` }));
  });
}

function* setAsideAndScan(
  directory: string,
  damage: Parameters<typeof setAside>[1],
): FileTask<Result<Scan, ScanError>> {
  const done = yield* setAside(directory, damage);
  if (!done.ok) return failed({ code: 'FILES', error: done.error });
  return yield* scanLog(directory);
}

/** Brings the disk into the state that the log starts from, and starts it. */
function settle(
  options: OpenLogOptions,
  scan: Scan,
  corruption: Corruption | null,
  complete: Completion,
): void {
  const maker = new SegmentMaker(options.directory);
  runFileTask(options.files, settleSteps(options, scan, maker), (settled) => {
    if (!settled.ok) {
      complete(failed(openErrorOf({ code: 'FILES', error: settled.error })));
      return;
    }
    const { contents, torn } = scan;
    const { index, epochStarts, voterSets, kraftVersion } = contents;
    const { logStart, endOffset, lastEpoch } = index;
    const found = { epochStarts, voterSets, kraftVersion, tornTail: torn, corruption };
    const log = new SegmentedLog(options, contents, maker);
    complete(ok({ log, recovery: { logStart, endOffset, lastEpoch, ...found } }));
  });
}

function* settleSteps(options: OpenLogOptions, scan: Scan, maker: SegmentMaker): Step<null> {
  const { directory, segmentBytes } = options;
  const { index } = scan.contents;
  // One after another, so that a crash meanwhile leaves no gap among them.
  for (const name of [preparedName, ...scan.voidSequences.map(segmentName)]) {
    const removed = yield* removeDurably(directory, `${directory}/${name}`);
    if (!removed.ok) return removed;
  }
  if (index.segments.length > 0) {
    const settled = yield* settleLastSegment(scan);
    return settled.ok ? yield* submitFile({ kind: 'syncDirectory', path: directory }) : settled;
  }
  const prepared = yield* maker.prepare(segmentBytes);
  if (!prepared.ok) return prepared;
  const chainCrc = initialChainCrc;
  const made = yield* maker.make({
    sequence: 1,
    beginsAnew: false,
    baseOffset: offset(0),
    epoch: epoch(0),
    chainCrc,
  });
  if (!made.ok) return made;
  index.addSegment(made.value);
  return ok(null);
}

/**
 * Writes zeros behind the last frame, and the header and that frame once more (points 7, 11 and 12). The frame is
 * read before anything is written, and written last, after the header is there for good: what a disk puts in the
 * place of one of them is then repaired, or stays there to be seen.
 */
function* settleLastSegment(scan: Scan): Step<null> {
  const segment = scan.contents.index.last;
  const { handle, path, header, writePosition } = segment;
  const range = scan.lastFrame === null ? null : { handle, ...scan.lastFrame };
  const frame = range === null ? null : yield* readExactly(path, range);
  if (frame !== null && !frame.ok) return frame;
  const remainsEnd = scan.torn === null ? writePosition + frameBytesMax : header.sizeBytes;
  const zeroed = yield* writeZeros(handle, writePosition, Math.min(header.sizeBytes, remainsEnd));
  if (!zeroed.ok) return zeroed;
  const begun = yield* writeAndFlush(handle, 0, encodeSegmentHeader(header));
  if (!begun.ok || range === null || frame === null) return begun;
  return yield* writeAndFlush(handle, range.position, frame.value);
}

function openErrorOf(error: ScanError): LogOpenError {
  if (error.code === 'FILES')
    return { code: error.error.code, file: error.error.path, message: error.error.message };
  return { code: error.code, file: error.file, message: `at byte ${error.position}: ${error.message}` };
}
