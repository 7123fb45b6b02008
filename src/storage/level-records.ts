import { failed, ok, type Result } from '../base/result.ts';
import { crc32c } from '../codec/crc32c.ts';
import { unmaskedCrc } from './unmasked-crc.ts';

/** LevelDB's logs, of which the MANIFEST is one, consist of such blocks; only the last may be shorter. */
export const recordBlockBytes = 32_768;

/**
 * Each record stands in fragments, none of which goes over the end of a block (LevelDB, doc/log_format.md):
 *
 * | bytes | what it is |
 * |-------|------------|
 * | 4 | masked CRC-32C of type and content, little-endian |
 * | 2 | bytes of content, little-endian |
 * | 1 | type: the whole record, its first, a middle, or its last fragment |
 * | … | content |
 */
const headerBytes = 7;
const fragmentTypes = { none: 0, full: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * Puts the records of a log together from its blocks, and judges as LevelDB does (db/log_reader.cc), or the two
 * would take different records for those that count: what breaks off at the file's end was never written
 * whole and is no fault, and nor are zeros up to a block's end; anything else is one.
 */
export class LevelRecords {
  /** The fragments so far of a record that is not whole yet. */
  #begun: readonly Buffer[] | null = null;

  /** The records that end in `block`; the error is the fault, and the byte of the block at which it is. */
  ofBlock(block: Buffer): Result<readonly Buffer[], { readonly at: number; readonly fault: string }> {
    const records: Buffer[] = [];
    let at = 0;
    while (at + headerBytes <= block.length) {
      const length = block.readUInt16LE(at + 4);
      const type = block.readUInt8(at + 6);
      const end = at + headerBytes + length;
      if (end > block.length) {
        if (block.length < recordBlockBytes) break;
        return failed({ at, fault: 'a fragment beyond the end of its block' });
      }
      if (type === fragmentTypes.none && length === 0) {
        if (this.#begun !== null) return failed({ at, fault: 'zeros in the midst of a record' });
        break;
      }
      if (crc32c(block.subarray(at + 6, end)) !== unmaskedCrc(block.readUInt32LE(at)))
        return failed({ at, fault: 'a fragment fails its checksum' });
      const taken = this.#take(type, block.subarray(at + headerBytes, end));
      if (!taken.ok) return failed({ at, fault: taken.error });
      if (taken.value !== null) records.push(taken.value);
      at = end;
    }
    return ok(records);
  }

  /** Gives the record that `content` makes whole. */
  #take(type: number, content: Buffer): Result<Buffer | null, string> {
    const begun = this.#begun;
    switch (type) {
      case fragmentTypes.full:
      case fragmentTypes.first:
        // An early LevelDB left an empty first fragment at the end of a block.
        if (begun?.some((fragment) => fragment.length > 0) === true) return failed('a record without an end');
        this.#begun = type === fragmentTypes.first ? [content] : null;
        return ok(type === fragmentTypes.first ? null : content);
      case fragmentTypes.middle:
      case fragmentTypes.last:
        if (begun === null) return failed('a record without a beginning');
        this.#begun = type === fragmentTypes.middle ? [...begun, content] : null;
        return ok(type === fragmentTypes.middle ? null : Buffer.concat([...begun, content]));
      default:
        return failed(`a fragment of the unknown type ${type}`);
    }
  }
}
