import { coverageMark } from '../../base/coverage-marks.ts';
import { ok } from '../../base/result.ts';
import { decodeBatch } from '../../codec/batch.ts';
import {
  decodeFrameBody,
  decodeFrameHeader,
  type FrameHeader,
  frameHeaderBytes,
  frameSectors,
  hasBlankSector,
} from './frame.ts';
import type { Step } from './file-steps.ts';
import type { LogContents } from './log-contents.ts';
import { continuationGuard, isBlank, payloadPositionOf, sectorBytes } from './sectors.ts';
import type { Segment } from './segment.ts';
import type { SegmentReader } from './segment-reader.ts';

/** How the frames of one segment end. */
export type SegmentEnd =
  | { readonly kind: 'clean'; readonly lastFrame: FrameExtent | null }
  | { readonly kind: 'torn'; readonly position: number; readonly lastFrame: FrameExtent | null }
  | { readonly kind: 'corrupt'; readonly position: number; readonly reason: string }
  /** A frame cuts the log below where the scan began: this segment and those before it are remains. */
  | { readonly kind: 'cutBelowStart'; readonly position: number }
  | { readonly kind: 'unsupported'; readonly position: number; readonly message: string };

export type FrameExtent = { readonly position: number; readonly length: number };

type Verdict =
  | { readonly kind: 'blank' }
  | { readonly kind: 'valid'; readonly header: FrameHeader; readonly body: Buffer; readonly length: number }
  | {
      readonly kind: 'invalid';
      readonly reason: string;
      /** A sector of it was never written; with `length`, where it would end. */
      readonly blankSectorIn: number | null;
    };

/**
 * Reads the frames of `segment` into `contents` up to the first that is not valid, and judges that one
 * (design 19; the argument stands in `open-raft-log.ts`). `isLast`: no later segment exists.
 */
export function* scanSegment(
  contents: LogContents,
  segment: Segment,
  reader: SegmentReader,
  isLast: boolean,
): Step<SegmentEnd> {
  let lastFrame: FrameExtent | null = null;
  for (;;) {
    const position = segment.writePosition;
    if (position + sectorBytes > reader.size) return ok(endOfFile(segment, reader, lastFrame));
    const judged = yield* judgeFrame(segment, reader, position);
    if (!judged.ok) return judged;
    const verdict = judged.value;
    if (verdict.kind === 'valid') {
      const refused = addFrame(contents, position, verdict.header, verdict.body);
      if (refused !== null) return ok(refused);
      lastFrame = { position, length: verdict.length };
      segment.writePosition = position + verdict.length;
      continue;
    }
    const end = yield* judgeEnd(reader, position, verdict, isLast);
    if (!end.ok) return end;
    if (end.value.kind === 'corrupt') return end;
    return ok(sizeObjection(segment, reader) ?? { ...end.value, lastFrame });
  }
}

function endOfFile(segment: Segment, reader: SegmentReader, lastFrame: FrameExtent | null): SegmentEnd {
  return sizeObjection(segment, reader) ?? { kind: 'clean', lastFrame };
}

/** Segments have their full size before they are used, so another size is damage (design 17). */
function sizeObjection(segment: Segment, reader: SegmentReader): SegmentEnd | null {
  if (reader.fileBytes === segment.header.sizeBytes) return null;
  const position = Math.min(reader.fileBytes, segment.header.sizeBytes);
  const reason = `the file has ${reader.fileBytes} bytes and was made with ${segment.header.sizeBytes}`;
  return { kind: 'corrupt', position, reason };
}

function* judgeFrame(segment: Segment, reader: SegmentReader, position: number): Step<Verdict> {
  const sector = yield* reader.bytes(position, sectorBytes);
  if (!sector.ok) return sector;
  if (isBlank(sector.value)) return ok({ kind: 'blank' });
  const header = decodeFrameHeader(sector.value, { sequence: segment.header.sequence, position });
  if (!header.ok) return ok({ kind: 'invalid', reason: header.error, blankSectorIn: null });
  const length = frameSectors(header.value.bodyBytes) * sectorBytes;
  if (position + length > reader.size) {
    return ok({ kind: 'invalid', reason: 'a frame reaches beyond the file', blankSectorIn: null });
  }
  const frame = yield* reader.bytes(position, length);
  if (!frame.ok) return frame;
  const body = decodeFrameBody(frame.value, header.value);
  if (body.ok) return ok({ kind: 'valid', header: header.value, body: body.value, length });
  const blankSectorIn = hasBlankSector(frame.value) ? position + length : null;
  return ok({ kind: 'invalid', reason: body.error, blankSectorIn });
}

/** What ends the frames at `position`: nothing more, a torn frame, or corruption. */
function* judgeEnd(
  reader: SegmentReader,
  position: number,
  verdict: Exclude<Verdict, { kind: 'valid' }>,
  isLast: boolean,
): Step<Extract<SegmentEnd, { kind: 'clean' | 'torn' | 'corrupt' }>> {
  if (verdict.kind === 'invalid') {
    const { reason, blankSectorIn } = verdict;
    if (!isLast || blankSectorIn === null) {
      coverageMark('log: a damaged frame');
      return ok({ kind: 'corrupt', position, reason });
    }
    // A torn frame was the last thing ever written: all after it must be as it was made, zeros.
    const after = yield* reader.firstWritten(blankSectorIn);
    if (!after.ok) return after;
    if (after.value === null) {
      coverageMark('log: a torn frame');
      return ok({ kind: 'torn', position, lastFrame: null });
    }
    return ok({
      kind: 'corrupt',
      position,
      reason: `${reason}, and ${after.value.position} was written after it`,
    });
  }
  let after = yield* reader.firstWritten(position + sectorBytes);
  if (after.ok && after.value === null) return ok({ kind: 'clean', lastFrame: null });
  // The header sector is blank and others are not: torn, if these all belong to one frame that began here.
  while (after.ok && after.value !== null) {
    if (!isLast || after.value.guard !== continuationGuard) {
      const reason = `nothing is here, and ${after.value.position} was written`;
      return ok({ kind: 'corrupt', position, reason });
    }
    after = yield* reader.firstWritten(after.value.position + sectorBytes);
  }
  if (!after.ok) return after;
  coverageMark('log: a torn frame without its header');
  return ok({ kind: 'torn', position, lastFrame: null });
}

/** Takes a valid frame's cut and batches into `contents`; gives the objection when they do not fit. */
function addFrame(
  contents: LogContents,
  position: number,
  header: FrameHeader,
  body: Buffer,
): SegmentEnd | null {
  const corrupt = (reason: string): SegmentEnd => ({ kind: 'corrupt', position, reason });
  const { index } = contents;
  if (header.baseOffset < index.logStart.endOffset) return { kind: 'cutBelowStart', position };
  if (header.baseOffset > index.endOffset) return corrupt(`a frame at ${header.baseOffset} leaves a gap`);
  if (index.chainCrcAt(header.baseOffset) !== header.chainCrc) return corrupt('a frame breaks the chain');
  if (header.baseOffset < index.endOffset) contents.truncateTo(header.baseOffset);
  index.noteBase(header.baseOffset);
  const payloadStart = payloadPositionOf(position) + frameHeaderBytes;
  for (let at = 0; at < body.length; ) {
    const decoded = decodeBatch(body, at);
    if (!decoded.ok && decoded.error.code === 'UNSUPPORTED_VERSION') {
      return { kind: 'unsupported', position, message: decoded.error.message };
    }
    if (!decoded.ok) return corrupt(decoded.error.message);
    const objection = contents.objectionTo(decoded.value);
    if (objection !== null) return corrupt(objection);
    contents.addBatch(decoded.value, payloadStart + at);
    at += decoded.value.header.length;
  }
  if (index.endOffset !== header.endOffset) return corrupt('a frame does not end where it says');
  return null;
}
