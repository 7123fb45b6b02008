import { assert } from '../../../base/assert.ts';
import type { HashedChance } from '../chance.ts';

export const sectorBytes = 512;

/**
 * A sector that was written and not yet flushed.
 *
 * `durable`: what stands on the platter; null when the file did not reach so far there.
 * `stable`: while a write is in flight, what the completed writes before it had left.
 * `lost`: a failed flush has dropped it. The cache still shows it, no later flush will write it, as
 *   Linux does after a failed fsync.
 */
type DirtySector = {
  durable: Uint8Array | null;
  stable: Uint8Array | null;
  pendingWrites: number;
  lost: boolean;
};

/**
 * What one flush will make durable: null stands for the content as it is now. A flush of the whole file settles
 * its length; that of a part sees to it that the file is at least so long.
 */
export type FlushInFlight = {
  readonly captured: Map<number, Uint8Array | null>;
  readonly length: number;
  readonly isWhole: boolean;
};

/** Bytes of a file. */
export type FileRange = { readonly position: number; readonly byteLength: number };

/**
 * One file's bytes, as the cache shows them and as the platter holds them, told apart by sector.
 *
 * Invariants
 * 1. A sector that is not in `#dirty` is the same in the cache and on the platter.
 * 2. A flush covers exactly the writes that had completed when it was submitted; that of a part, those to the
 *    part's sectors.
 */
export class StoredFile {
  length = 0;
  #content = new Uint8Array(sectorBytes);
  #durableLength = 0;
  #completedLength = 0;
  readonly #dirty = new Map<number, DirtySector>();
  readonly #flushes = new Set<FlushInFlight>();

  get isClean(): boolean {
    return this.#dirty.size === 0 && this.length === this.#durableLength;
  }

  read(position: number, length: number): Uint8Array {
    const end = Math.min(this.length, position + length);
    return this.#content.slice(position, Math.max(position, end));
  }

  write(position: number, bytes: Uint8Array, chance: HashedChance): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#reserve(end);
    const last = Math.floor((end - 1) / sectorBytes);
    for (let sector = Math.floor(position / sectorBytes); sector <= last; sector++) {
      this.#dirtyForWrite(sector, chance).pendingWrites++;
    }
    this.#content.set(bytes, position);
    if (end > this.length) this.length = end;
  }

  completeWrite(position: number, byteLength: number): void {
    if (byteLength === 0) return;
    const end = position + byteLength;
    const last = Math.floor((end - 1) / sectorBytes);
    for (let sector = Math.floor(position / sectorBytes); sector <= last; sector++) {
      const record = this.#dirty.get(sector);
      // A truncation meanwhile may have taken the sector away.
      if (record === undefined) continue;
      if (record.pendingWrites > 0) record.pendingWrites--;
      if (record.pendingWrites === 0) record.stable = null;
    }
    this.#completedLength = Math.min(this.length, Math.max(this.#completedLength, end));
  }

  truncate(length: number): void {
    this.#reserve(length);
    const firstGone = Math.floor(length / sectorBytes);
    const end = Math.ceil(this.length / sectorBytes);
    for (let sector = firstGone; sector < end; sector++) this.#dirtyOf(sector);
    if (length < this.length) this.#content.fill(0, length, this.length);
    this.length = length;
    this.#completedLength = length;
  }

  beginFlush(): FlushInFlight {
    const flush: FlushInFlight = { captured: new Map(), length: this.#completedLength, isWhole: true };
    for (const sector of this.#dirty.keys()) this.#capture(sector, flush);
    this.#flushes.add(flush);
    return flush;
  }

  /** Flushes one write alone: nothing that was written elsewhere in the file becomes durable by it. */
  beginFlushOf({ position, byteLength }: FileRange): FlushInFlight {
    const end = position + byteLength;
    const flush: FlushInFlight = {
      captured: new Map(),
      length: Math.min(this.#completedLength, end),
      isWhole: false,
    };
    for (let sector = Math.floor(position / sectorBytes); sector * sectorBytes < end; sector++)
      this.#capture(sector, flush);
    this.#flushes.add(flush);
    return flush;
  }

  completeFlush(flush: FlushInFlight): void {
    if (!this.#flushes.delete(flush)) return;
    for (const [sector, bytes] of flush.captured) this.#settle(sector, bytes);
    this.#durableLength = flush.isWhole ? flush.length : Math.max(this.#durableLength, flush.length);
  }

  /** Some of it reached the platter, and of the rest nobody will ever hear. */
  failFlush(flush: FlushInFlight, chance: HashedChance): void {
    if (!this.#flushes.delete(flush)) return;
    for (const [sector, bytes] of flush.captured) {
      const record = this.#dirty.get(sector);
      if (chance.oneIn(2)) this.#settle(sector, bytes);
      else if (record !== undefined && bytes === null) record.lost = true;
    }
  }

  /** The process ended: what it had in flight took place, or not, or in part. The cache survives. */
  dropInFlight(chance: HashedChance): void {
    this.#flushes.clear();
    const style = chance.integer(3);
    for (const [sector, record] of this.#dirty) {
      if (record.pendingWrites > 0) {
        const undo = style === 0 || (style === 1 && chance.oneIn(2));
        if (undo) this.#restore(sector, record.stable ?? record.durable);
      }
      record.pendingWrites = 0;
      record.stable = null;
    }
    if (style === 0)
      this.length = Math.min(this.length, Math.max(this.#completedLength, this.#durableLength));
    this.#completedLength = this.length;
  }

  /** The power failed: every sector that was not flushed is there or is not, each by itself. */
  losePower(chance: HashedChance): void {
    const style = chance.integer(4);
    for (const [sector, record] of this.#dirty) {
      const lose = record.lost || style === 0 || (style !== 1 && chance.oneIn(2));
      if (lose) this.#restore(sector, record.durable);
    }
    this.length = this.#lengthAfterPowerLoss(style, chance);
    this.#content.fill(0, this.length);
    this.#settleAll();
  }

  /** The bytes that would be left if everything unflushed were lost. */
  durableBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#durableLength);
    bytes.set(this.#content.subarray(0, Math.min(this.#durableLength, this.#content.length)));
    for (const [sector, record] of this.#dirty) {
      const from = sector * sectorBytes;
      if (from >= bytes.length) continue;
      const room = Math.min(sectorBytes, bytes.length - from);
      if (record.durable === null) bytes.fill(0, from, from + room);
      else bytes.set(record.durable.subarray(0, room), from);
    }
    return bytes;
  }

  /** The same for a moment: it may be the file's own memory, and is valid until something happens to the file. */
  peekDurable(): Uint8Array {
    return this.isClean ? this.#content.subarray(0, this.length) : this.durableBytes();
  }

  /** A copy that holds only what is durable. */
  durableCopy(): StoredFile {
    const copy = new StoredFile();
    const bytes = this.durableBytes();
    copy.#reserve(bytes.length);
    copy.#content.set(bytes);
    copy.length = bytes.length;
    copy.#settleAll();
    return copy;
  }

  /** Changes a stored byte behind everybody's back. */
  corrupt(position: number, mask: number): void {
    assert(position < this.length, `there is no byte ${position} to corrupt`);
    this.#content[position] = (this.#content[position] ?? 0) ^ mask;
    const durable = this.#dirty.get(Math.floor(position / sectorBytes))?.durable;
    const at = position % sectorBytes;
    if (durable !== undefined && durable !== null) durable[at] = (durable[at] ?? 0) ^ mask;
  }

  /**
   * What was written here went elsewhere and will never be written back: over a sector that was in use, which
   * `choice` says, or out of a file that has no other sector. False when there is no such place.
   */
  misdirect(position: number, bytes: Uint8Array, choice: number): boolean {
    const first = Math.floor(position / sectorBytes);
    const last = Math.floor((position + bytes.length - 1) / sectorBytes);
    const targets = this.#sectorsInUse().filter((sector) => sector < first || sector > last);
    const target = targets[choice % Math.max(1, targets.length)];
    if (target === undefined && this.length > sectorBytes) return false;
    for (let sector = first; sector <= last; sector++) this.#dirtyOf(sector).lost = true;
    if (target !== undefined) this.#overwriteOnPlatter(target, bytes);
    return true;
  }

  /** Cuts or extends the file behind everybody's back, durably. */
  forceLength(length: number): void {
    this.truncate(length);
    this.#settleAll();
  }

  /** Sectors on the platter that do not hold zeros alone. */
  #sectorsInUse(): readonly number[] {
    const count = Math.floor(Math.min(this.length, this.#durableLength) / sectorBytes);
    const sectors = Array.from({ length: count }, (_, sector) => sector);
    return sectors.filter((sector) => this.#sector(sector).some((byte) => byte !== 0));
  }

  #overwriteOnPlatter(sector: number, bytes: Uint8Array): void {
    const written = new Uint8Array(sectorBytes);
    written.set(bytes.subarray(0, sectorBytes));
    const record = this.#dirty.get(sector);
    if (record === undefined) this.#content.set(written, sector * sectorBytes);
    else record.durable = written;
  }

  #capture(sector: number, { captured }: FlushInFlight): void {
    const record = this.#dirty.get(sector);
    if (record === undefined || record.lost) return;
    if (record.pendingWrites === 0) captured.set(sector, null);
    else if (record.stable !== null) captured.set(sector, record.stable);
  }

  #settle(sector: number, bytes: Uint8Array | null): void {
    const record = this.#dirty.get(sector);
    if (record === undefined) return;
    if (bytes === null) this.#dirty.delete(sector);
    else record.durable = bytes;
  }

  #settleAll(): void {
    this.#dirty.clear();
    this.#flushes.clear();
    this.#durableLength = this.length;
    this.#completedLength = this.length;
  }

  #lengthAfterPowerLoss(style: number, chance: HashedChance): number {
    if (this.length === this.#durableLength || style === 0) return this.#durableLength;
    if (style === 1 || this.length < this.#durableLength) return this.length;
    const grown = Math.ceil((this.length - this.#durableLength) / sectorBytes);
    return Math.min(this.length, this.#durableLength + chance.integer(grown + 1) * sectorBytes);
  }

  #dirtyForWrite(sector: number, chance: HashedChance): DirtySector {
    const known = this.#dirty.get(sector);
    if (known === undefined) return this.#dirtyOf(sector);
    let copy: Uint8Array | null = null;
    const content = (): Uint8Array => (copy ??= this.#sector(sector));
    for (const flush of this.#flushes) {
      if (flush.captured.get(sector) === null) flush.captured.set(sector, content());
    }
    if (known.pendingWrites === 0) known.stable = content();
    // The system writes dirty pages back when it likes, so a version between may be what remains.
    if (chance.oneIn(4)) known.durable = content();
    known.lost = false;
    return known;
  }

  #dirtyOf(sector: number): DirtySector {
    const known = this.#dirty.get(sector);
    if (known !== undefined) return known;
    const onPlatter = sector * sectorBytes < this.#durableLength;
    const record: DirtySector = {
      durable: onPlatter ? this.#sector(sector) : null,
      stable: null,
      pendingWrites: 0,
      lost: false,
    };
    this.#dirty.set(sector, record);
    return record;
  }

  #sector(sector: number): Uint8Array {
    const from = sector * sectorBytes;
    // Of the pool, since each write keeps what stood there before, mostly for a moment.
    const bytes = Buffer.allocUnsafe(sectorBytes);
    bytes.set(this.#content.subarray(from, from + sectorBytes));
    return bytes;
  }

  #restore(sector: number, bytes: Uint8Array | null): void {
    const from = sector * sectorBytes;
    this.#reserve(from + sectorBytes);
    if (bytes === null) this.#content.fill(0, from, from + sectorBytes);
    else this.#content.set(bytes, from);
  }

  /** Content is kept in whole sectors, so that a sector can be copied without a look at the length. */
  #reserve(length: number): void {
    if (length <= this.#content.length) return;
    const needed = Math.ceil(length / sectorBytes) * sectorBytes;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#content.length));
    grown.set(this.#content);
    this.#content = grown;
  }
}
