import { ok } from '../../base/result.ts';
import type { FileHandle } from '../../ports/files.ts';
import { submitFile } from '../../ports/task.ts';
import { readExactly, type Step } from '../../runtime/log/file-steps.ts';
import { type Segment, segmentName, SparseIndex } from './segment.ts';

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

export function* cutFile(segment: Segment, length: number): Step<null> {
  const { handle } = segment;
  const cut = yield* submitFile({ kind: 'truncate', handle, length });
  if (!cut.ok) return cut;
  return yield* submitFile({ kind: 'fdatasync', handle });
}
