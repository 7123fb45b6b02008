import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from './crc32c.ts';

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
const maskDelta = 0xa282ead8;
/** Read, and checked in one slice of work, at most, unless one block is larger. */
const bytesPerStep = 1_048_576;

type BlockHandle = { readonly offset: number; readonly size: number };

/** What is wrong with the table `number` of the database in `location`; null when it is as it was written. */
export async function findTableDamage(location: string, number: number): Promise<string | null> {
  const path = join(location, `${String(number).padStart(6, '0')}.ldb`);
  const file = await open(path, 'r');
  try {
    const fault = await checkTable(file);
    return fault === null ? null : `${path}: ${fault}`;
  } finally {
    await file.close();
  }
}

/** The numbers of the tables that a database consists of, as its property `leveldb.sstables` tells them. */
export function tablesOf(property: string): readonly number[] {
  return [...property.matchAll(/^ (\d+):\d+\[/gm)].map((match) => Number(match[1]));
}

async function checkTable(file: FileHandle): Promise<string | null> {
  const { size } = await file.stat();
  if (size < footerBytes) return `a table of ${size} bytes`;
  const footer = await readAt(file, size - footerBytes, footerBytes);
  if (footer.readBigUInt64LE(footerBytes - 8) !== magic)
    return `at byte ${size - 8}: no table ends like this`;
  const reader = new VarintReader(footer.subarray(0, footerBytes - 8));
  const [metaindex, index] = [reader.handle(), reader.handle()];
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
  const masked = block.readUInt32LE(block.length - 4);
  const rotated = (masked - maskDelta) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc32c(checked) !== crc) return 'a block fails its checksum';
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
    const handle = reader.handle();
    if (handle === null) return null;
    handles.push(handle);
  }
  return handles;
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** Seven bits a byte, the least first; null where there is none, or none that is a safe integer. */
  varint(): number | null {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) return null;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : null;
    }
    return null;
  }

  handle(): BlockHandle | null {
    const offset = this.varint();
    const size = this.varint();
    return offset === null || size === null ? null : { offset, size };
  }

  skip(count: number): boolean {
    this.#position += count;
    return this.#position <= this.#bytes.length;
  }

  isZerosFromHere(): boolean {
    return this.#bytes.subarray(this.#position).every((byte) => byte === 0);
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
