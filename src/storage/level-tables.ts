import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, ok } from '../base/result.ts';
import { crc32c } from '../codec/crc32c.ts';
import { unmaskedCrc } from './unmasked-crc.ts';
import { readAt, readLevelFile } from './level-file.ts';
import type { LiveTable } from './level-manifest.ts';
import { VarintReader } from './varint-reader.ts';

/**
 * LevelDB's sorted tables, checked block by block (its doc/table_format.md). LevelDB itself does not look at
 * these checksums where it reads or compacts: what is damaged comes back as it is, and a key that is out of
 * its order ends the whole process by an assertion, at whichever later compaction.
 *
 * | part | what it is |
 * |------|------------|
 * | blocks, one after another | content, one byte for its compression, masked CRC-32C of both (little-endian) |
 * | the last 48 bytes | handles of the metaindex and of the index, zeros, the magic |
 *
 * A handle is offset and size of a block's content as varints. The index's values are the handles of the data
 * blocks in order, the metaindex's that of the filter.
 */
const footerBytes = 48;
const trailerBytes = 5;
const magic = 0xdb4775248b80fb57n;
/** Read, and checked in one slice of work, at most, unless one block is larger. */
const bytesPerStep = 1_048_576;

type BlockHandle = { readonly offset: number; readonly size: number };

/** What is wrong with a table of the database in `location`; null when it is as it was written. */
export async function findTableDamage(location: string, table: LiveTable): Promise<string | null> {
  const path = join(location, `${String(table.number).padStart(6, '0')}.ldb`);
  const checked = await readLevelFile(path, async (file) => {
    const fault = await checkTable(file, table.sizeBytes);
    return fault === null ? ok(null) : failed(fault);
  });
  return checked.ok ? null : checked.error;
}

async function checkTable(file: FileHandle, sizeBytes: number): Promise<string | null> {
  const { size } = await file.stat();
  if (size !== sizeBytes || size < footerBytes)
    return `a table of ${size} bytes, where the MANIFEST says ${sizeBytes}`;
  const footer = await readAt(file, size - footerBytes, footerBytes);
  if (footer.readBigUInt64LE(footerBytes - 8) !== magic)
    return `at byte ${size - 8}: no table ends like this`;
  const reader = new VarintReader(footer.subarray(0, footerBytes - 8));
  const [metaindex, index] = [readHandle(reader), readHandle(reader)];
  const blocksEnd = size - footerBytes;
  if (metaindex === null || index === null || !reader.isZerosFromHere())
    return `at byte ${blocksEnd}: a malformed footer`;
  const handles: BlockHandle[] = [metaindex, index];
  for (const handle of [metaindex, index]) {
    if (!isWithin(handle, blocksEnd)) return `at byte ${blocksEnd}: a block beyond the table's end`;
    const block = await readAt(file, handle.offset, handle.size + trailerBytes);
    const found = findBlockDamage(block) === null ? handlesIn(block.subarray(0, handle.size)) : null;
    if (found === null) return `at byte ${handle.offset}: a damaged index block`;
    handles.push(...found);
  }
  return await checkBlocks(file, handles, blocksEnd);
}

/** Checks that the blocks fill the table without a gap, and each one's checksum. */
async function checkBlocks(
  file: FileHandle,
  handles: readonly BlockHandle[],
  blocksEnd: number,
): Promise<string | null> {
  const inOrder = handles.toSorted((left, right) => left.offset - right.offset);
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;
  let end = 0;
  for (const handle of inOrder) {
    const { offset } = handle;
    if (offset !== end || !isWithin(handle, blocksEnd)) return `at byte ${end}: no block where one should be`;
    end = offset + handle.size + trailerBytes;
    if (end > windowStart + window.length) {
      const length = Math.min(blocksEnd - offset, Math.max(bytesPerStep, end - offset));
      window = await readAt(file, offset, length);
      windowStart = offset;
    }
    const fault = findBlockDamage(window.subarray(offset - windowStart, end - windowStart));
    if (fault !== null) return `at byte ${offset}: ${fault}`;
  }
  return end === blocksEnd ? null : `at byte ${end}: no block where one should be`;
}

function isWithin({ offset, size }: BlockHandle, blocksEnd: number): boolean {
  return offset + size + trailerBytes <= blocksEnd;
}

/** Content, compression and checksum. Ours are never compressed. */
function findBlockDamage(block: Buffer): string | null {
  const checked = block.subarray(0, block.length - 4);
  if (crc32c(checked) !== unmaskedCrc(block.readUInt32LE(block.length - 4)))
    return 'a block fails its checksum';
  return checked.at(-1) === 0 ? null : 'a block is compressed';
}

/** The handles that are the values of an index block; null when it is malformed. */
function handlesIn(content: Buffer): readonly BlockHandle[] | null {
  if (content.length < 4) return null;
  const restartsBytes = 4 * (content.readUInt32LE(content.length - 4) + 1);
  if (restartsBytes > content.length) return null;
  const reader = new VarintReader(content.subarray(0, content.length - restartsBytes));
  const handles: BlockHandle[] = [];
  while (!reader.isAtEnd) {
    // Bytes shared with the key before, those of its own, and those of the value.
    const [shared, own, valueBytes] = [reader.varint(), reader.varint(), reader.varint()];
    if (shared === null || own === null || valueBytes === null || !reader.skip(own)) return null;
    const handle = readHandle(reader);
    if (handle === null) return null;
    handles.push(handle);
  }
  return handles;
}

function readHandle(reader: VarintReader): BlockHandle | null {
  const [offset, size] = [reader.varint(), reader.varint()];
  return offset === null || size === null ? null : { offset, size };
}
