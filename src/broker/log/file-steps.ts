import { ok } from '../../base/result.ts';
import type { FileHandle } from '../../ports/files.ts';
import { submitFile } from '../../ports/task.ts';
import { readExactly, removeDurably, type Step } from '../../runtime/log/file-steps.ts';
import {
  baseOffsetOf,
  cutOf,
  type LogStart,
  noStart,
  type Segment,
  segmentName,
  SparseIndex,
  startMark,
  startOf,
} from './segment.ts';

/** Reads bytes of a segment that it is known to have. */
export function readRange(
  { path, handle }: Pick<Segment, 'handle' | 'path'>,
  position: number,
  length: number,
): Step<Uint8Array> {
  return readExactly(path, { handle, position, length });
}

/** Makes an empty segment, whose name is on disk when this ends. */
export function* createSegment(directory: string, baseOffset: number): Step<Segment> {
  const path = `${directory}/${segmentName(baseOffset)}`;
  const opened = yield* submitFile({ kind: 'open', path, mode: 'createNew', isDurable: true });
  if (!opened.ok) return opened;
  const synced = yield* submitFile({ kind: 'syncDirectory', path: directory });
  return synced.ok ? ok(emptySegment(path, baseOffset, opened.value)) : synced;
}

export function emptySegment(path: string, baseOffset: number, handle: FileHandle): Segment {
  return {
    baseOffset,
    path,
    handle,
    index: new SparseIndex(),
    sizeInBytes: 0,
    endOffset: baseOffset,
    firstTimestampMs: -1,
    maxTimestampMs: -1,
    readers: 0,
    isGone: false,
  };
}

/** Makes an empty file whose name alone says something, durably. */
export function* putMark(directory: string, name: string): Step<null> {
  const opened = yield* submitFile({ kind: 'open', path: `${directory}/${name}`, mode: 'create' });
  if (!opened.ok) return opened;
  yield* submitFile({ kind: 'close', handle: opened.value });
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}

/** Moves the mark of where a log begins, which is in the way of nothing that a crash may leave to be done again. */
export function* moveStart(directory: string, from: LogStart, to: LogStart): Step<null> {
  if (to.offset > 0) {
    const marked = yield* putMark(directory, startMark(to, 'start'));
    if (!marked.ok) return marked;
  }
  if (from.offset === 0 || startMark(from, 'start') === startMark(to, 'start')) return ok(null);
  return yield* removeDurably(directory, `${directory}/${startMark(from, 'start')}`);
}

/** Removes all that a log holds, and begins it where a mark says that stands there already. */
export function* beginAnew(directory: string, start: LogStart): Step<Segment> {
  const names = yield* submitFile({ kind: 'list', path: directory });
  if (!names.ok) return names;
  for (const name of names.value) {
    if (baseOffsetOf(name) === null && cutOf(name) === null && startOf(name, 'start') === null) continue;
    const removed = yield* removeDurably(directory, `${directory}/${name}`);
    if (!removed.ok) return removed;
  }
  const segment = yield* createSegment(directory, start.offset);
  if (!segment.ok) return segment;
  const moved = yield* moveStart(directory, noStart, start);
  if (!moved.ok) return moved;
  const unmarked = yield* removeDurably(directory, `${directory}/${startMark(start, 'reset')}`);
  return unmarked.ok ? segment : unmarked;
}

export function* cutFile(segment: Segment, length: number): Step<null> {
  const { handle } = segment;
  const cut = yield* submitFile({ kind: 'truncate', handle, length });
  if (!cut.ok) return cut;
  return yield* submitFile({ kind: 'fdatasync', handle });
}
