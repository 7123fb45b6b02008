import { assert } from '../../base/assert.ts';
import type { FileHandle } from '../../ports/files.ts';
import { BatchColumns } from './batch-columns.ts';
import { sectorBytes } from './sectors.ts';
import type { SegmentHeader } from './segment-header.ts';

/**
 * One open segment file.
 *
 * Invariants
 * 1. Everything below `writePosition` is on disk, everything from there on is zeros on disk.
 * 2. `batches` are those of the file that the log still holds: a truncation takes them out here, and the
 *    file keeps their bytes.
 * 3. `lowestBase` is the lowest base offset that the segment's header or one of its frames states.
 */
export class Segment {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly handle: FileHandle;
  readonly batches = new BatchColumns();
  writePosition: number;
  lowestBase: number;
  /** Reads under way; the file of a dropped segment is closed after the last of them. */
  readers = 0;
  /** No longer of the log: its file is removed, and closed once nobody reads it. */
  dropped = false;

  constructor(header: SegmentHeader, path: string, handle: FileHandle) {
    this.header = header;
    this.path = path;
    this.handle = handle;
    this.writePosition = sectorBytes;
    this.lowestBase = header.baseOffset;
  }

  get freeSectors(): number {
    assert(this.writePosition <= this.header.sizeBytes, 'a segment never grows');
    return (this.header.sizeBytes - this.writePosition) / sectorBytes;
  }
}
