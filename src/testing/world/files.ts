import { failed, ok, type Result } from '../../base/result.ts';
import type { FileError, FileHandle, FileOperation, FileResults, Files } from '../../ports/files.ts';
import type { FileTask } from '../../ports/task.ts';
import { HashedChance, slowedDelay, spreadDelay } from './chance.ts';
import { Stalls } from './stalls.ts';
import { DurableReader } from './disk/durable-reader.ts';
import { Names, parentOf } from './disk/names.ts';
import { type FileRange, sectorBytes, StoredFile } from './disk/stored-file.ts';

/** Calls back after a delay of virtual time, unless the process has ended by then. */
export type Schedule = (delayUs: number, run: () => void) => void;

export type DiskOptions = {
  readonly seed: number;
  readonly capacityBytes?: number;
  /** Delays grow by an exponential distribution with this mean, as a multiple; 0 for an even disk. */
  readonly spread?: number;
  /** Folders that exist from the beginning, durably. */
  readonly directories?: readonly string[];
};

/** Which operation fails, and how often still. */
export type DiskFailures = { pread: number; pwrite: number; fdatasync: number };

/** The next write that lands elsewhere, and who is told of it. */
export type Misdirection = { readonly choice: number; onHappened(path: string): void };

/** Latencies in microseconds, each entry equally likely; a flush is measured at 130 to 320 with a long tail. */
const latencyUs: Readonly<Record<'read' | 'write' | 'flush' | 'name', readonly number[]>> = {
  read: [20, 25, 30, 35, 40, 60, 90, 200],
  write: [15, 20, 25, 30, 35, 40, 60, 150],
  flush: [110, 120, 130, 140, 150, 160, 180, 200, 220, 250, 280, 320, 400, 700, 1500, 5000],
  name: [15, 20, 25, 30, 35, 40, 60, 100],
};

/**
 * A disk in memory that does at a crash what disks do: whatever was not flushed is there, or is not, or
 * is there in part, sector by sector, and names behave likewise. It outlives its processes; each process
 * opens it by `attach` and loses its handles when it ends.
 */
export class SimulatedDisk {
  capacityBytes: number;
  /** Multiplies every latency; a stalled disk is one with a large factor. */
  slowness = 1;
  readonly spread: number;
  readonly failNext: DiskFailures = { pread: 0, pwrite: 0, fdatasync: 0 };
  /** So many succeed before the first that fails. */
  readonly spareNext: DiskFailures = { pread: 0, pwrite: 0, fdatasync: 0 };
  misdirectNext: Misdirection | null = null;
  /** Counts of what was done, for summaries and for the check that a run was not idle. */
  readonly counts = { writes: 0, flushes: 0, losses: 0 };
  readonly #seed: number;
  /** For latencies and for what the system writes back by itself. */
  readonly #chance: HashedChance;
  #names = new Names();
  #attachment = 0;
  #nextHandle = 1;
  readonly stalls = new Stalls();

  constructor(options: DiskOptions) {
    this.#seed = options.seed;
    this.spread = options.spread ?? 0;
    this.#chance = new HashedChance(options.seed, 0x6469736b);
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    for (const path of options.directories ?? []) this.#names.create(path, 'directory');
    this.#settleNames(options.directories ?? []);
  }

  /** The files as a new process sees them. A process that was attached before can do nothing more. */
  attach(schedule: Schedule): Files {
    this.#attachment++;
    return new AttachedFiles(this, this.#attachment, schedule);
  }

  /** The process ended and the machine did not: the cache survives, and what was in flight may be done in part. */
  killProcess(): void {
    this.#attachment++;
    this.#names.dropInFlight(this.#chanceOfLoss());
  }

  /** The machine lost power: what was not flushed is lost, kept or torn. */
  losePower(): void {
    this.#attachment++;
    this.counts.losses++;
    const chance = this.#chanceOfLoss();
    this.#names.dropInFlight(chance);
    this.#names.losePower(chance);
  }

  /** An empty disk stands in its place; `directories` exist on it. */
  wipe(directories: readonly string[] = []): void {
    this.#attachment++;
    this.#names.wipe();
    for (const path of directories) this.#names.create(path, 'directory');
    this.#settleNames(directories);
  }

  /** A disk that holds only what is durable now: what the worst power failure would leave. */
  durableCopy(): SimulatedDisk {
    const copy = new SimulatedDisk({ seed: 0 });
    copy.#names = this.#names.durableCopy();
    return copy;
  }

  /** What a task that only reads finds on such a disk, at once. */
  readDurable<Value>(task: FileTask<Value>): Value {
    return new DurableReader(this.#names).run(task);
  }

  /** The durable bytes of one file; null when its name is not durable. */
  durableBytes(path: string): Uint8Array | null {
    return this.#names.durableFile(path)?.durableBytes() ?? null;
  }

  /** Every fault that can end ends. */
  heal(): void {
    this.slowness = 1;
    this.capacityBytes = Number.MAX_SAFE_INTEGER;
    this.failNext.pread = 0;
    this.failNext.pwrite = 0;
    this.failNext.fdatasync = 0;
    this.misdirectNext = null;
    this.stalls.endAll();
  }

  /** Paths of all files as processes see them. */
  paths(): readonly string[] {
    return this.#names.filePaths();
  }

  /** A file's bytes as processes see them. */
  bytes(path: string): Uint8Array | null {
    const file = this.#names.file(path);
    return file === null ? null : file.read(0, file.length);
  }

  /** Bit rot: changes one stored byte; false when there is no such byte. */
  corrupt(path: string, position: number, mask: number): boolean {
    const file = this.#names.file(path);
    if (file === null || position >= file.length) return false;
    file.corrupt(position, mask);
    return true;
  }

  /** Cuts a file to a length, durably; false when there is no such file. */
  cut(path: string, length: number): boolean {
    const file = this.#names.file(path);
    if (file === null) return false;
    file.forceLength(length);
    return true;
  }

  /** For the attached files alone. */
  isCurrent(attachment: number): boolean {
    return attachment === this.#attachment;
  }

  get names(): Names {
    return this.#names;
  }

  get chance(): HashedChance {
    return this.#chance;
  }

  freshHandle(): FileHandle {
    return this.#nextHandle++ as FileHandle;
  }

  freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.#names.bytesUsed());
  }

  /** What a crash leaves depends on its number, not on how much was written before. */
  #chanceOfLoss(): HashedChance {
    return new HashedChance(this.#seed, 0x6c6f7373, this.#attachment);
  }

  #settleNames(directories: readonly string[]): void {
    for (const path of directories) this.#names.settle(this.#names.pendingOf(parentOf(path)));
  }
}

type OpenFile = { readonly file: StoredFile; readonly path: string };

type AnyResult = Result<unknown, FileError>;

/** Operations that do nothing at submission. */
type FinishedAtOnce = Exclude<
  FileOperation,
  { kind: 'pwrite' | 'pwriteDurably' | 'fdatasync' | 'syncDirectory' }
>;

/** One process's view of the disk, with its handles. */
class AttachedFiles implements Files {
  readonly #disk: SimulatedDisk;
  readonly #attachment: number;
  readonly #schedule: Schedule;
  readonly #handles = new Map<FileHandle, OpenFile>();

  constructor(disk: SimulatedDisk, attachment: number, schedule: Schedule) {
    this.#disk = disk;
    this.#attachment = attachment;
    this.#schedule = schedule;
  }

  submit<Kind extends FileOperation['kind']>(
    operation: Extract<FileOperation, { kind: Kind }>,
    complete: (result: Result<FileResults[Kind], FileError>) => void,
  ): void {
    if (!this.#disk.isCurrent(this.#attachment)) return;
    // The compiler does not relate Kind to the case that is met; the pairs are those of FileResults.
    this.#run(operation, complete as (result: AnyResult) => void);
  }

  #run(operation: FileOperation, complete: (result: AnyResult) => void): void {
    if (operation.kind === 'pwriteDurably') {
      this.#writeDurably(operation, complete);
      return;
    }
    this.#finishLater(operation.kind, this.#begin(operation), complete);
  }

  #finishLater(
    kind: FileOperation['kind'],
    finish: () => AnyResult,
    complete: (result: AnyResult) => void,
  ): void {
    const settle = (): void => {
      // A process that has ended hears of nothing, even when its timers outlive it.
      if (!this.#disk.isCurrent(this.#attachment)) return;
      if (this.#disk.stalls.holdBack(() => this.#schedule(this.#delayUs(kind), settle))) return;
      complete(finish());
    };
    this.#schedule(this.#delayUs(kind), settle);
  }

  /**
   * As a write and a flush after it: what lies between them, a crash included, happens to it, too. It flushes
   * what it wrote and nothing else, as `O_DSYNC` does.
   */
  #writeDurably(
    { handle, position, bytes }: Extract<FileOperation, { kind: 'pwriteDurably' }>,
    complete: (result: AnyResult) => void,
  ): void {
    this.#run({ kind: 'pwrite', handle, position, bytes }, (written) => {
      if (!written.ok) {
        complete(written);
        return;
      }
      const flush = this.#beginFlush(handle, { position, byteLength: bytes.length });
      this.#finishLater('fdatasync', flush, complete);
    });
  }

  /** Does what happens at submission; what it returns does the rest, at completion. */
  #begin(operation: Exclude<FileOperation, { kind: 'pwriteDurably' }>): () => AnyResult {
    switch (operation.kind) {
      case 'pwrite':
        return this.#beginWrite(operation.handle, operation.position, operation.bytes);
      case 'fdatasync':
        return this.#beginFlush(operation.handle, null);
      case 'syncDirectory':
        return this.#beginSyncDirectory(operation.path);
      default:
        return () => this.#finish(operation);
    }
  }

  #finish(operation: FinishedAtOnce): AnyResult {
    const names = this.#disk.names;
    switch (operation.kind) {
      case 'open':
        return this.#open(operation.path, operation.mode);
      case 'close':
        return this.#handles.delete(operation.handle) ? ok(null) : badHandle;
      case 'size': {
        const held = this.#handles.get(operation.handle);
        return held === undefined ? badHandle : ok(held.file.length);
      }
      case 'pread':
        return this.#read(operation.handle, operation.position, operation.length);
      case 'truncate': {
        const held = this.#handles.get(operation.handle);
        if (held === undefined) return badHandle;
        held.file.truncate(operation.length);
        return ok(null);
      }
      case 'rename':
        if (names.get(operation.from) === null) return notFound(operation.from);
        names.rename(operation.from, operation.to);
        return ok(null);
      case 'remove':
        if (names.get(operation.path) !== null) names.remove(operation.path);
        return ok(null);
      case 'list':
        if (names.get(operation.path) !== 'directory') return notFound(operation.path);
        return ok(names.list(operation.path));
      case 'makeDirectory':
        return this.#makeDirectory(operation.path);
      case 'freeSpace':
        return ok(this.#disk.freeBytes());
    }
  }

  #open(path: string, mode: 'existing' | 'create' | 'createNew'): AnyResult {
    const names = this.#disk.names;
    const entry = names.get(path);
    if (entry === 'directory') return failure('IO', path, 'is a directory');
    if (entry !== null && mode === 'createNew') return failure('EXISTS', path, 'exists already');
    if (entry === null && mode === 'existing') return notFound(path);
    if (names.get(parentOf(path)) !== 'directory') return notFound(path);
    const file = entry ?? new StoredFile();
    if (entry === null) names.create(path, file);
    const handle = this.#disk.freshHandle();
    this.#handles.set(handle, { file, path });
    return ok(handle);
  }

  #makeDirectory(path: string): AnyResult {
    const names = this.#disk.names;
    const entry = names.get(path);
    if (entry === 'directory') return ok(null);
    if (entry !== null) return failure('EXISTS', path, 'is a file');
    if (names.get(parentOf(path)) !== 'directory') return notFound(path);
    names.create(path, 'directory');
    return ok(null);
  }

  #read(handle: FileHandle, position: number, length: number): AnyResult {
    const held = this.#handles.get(handle);
    if (held === undefined) return badHandle;
    if (this.#takeFailure('pread')) return failure('IO', held.path, 'read failed');
    return ok(held.file.read(position, length));
  }

  #beginWrite(handle: FileHandle, position: number, bytes: Uint8Array): () => AnyResult {
    const held = this.#handles.get(handle);
    if (held === undefined) return () => badHandle;
    const disk = this.#disk;
    disk.counts.writes++;
    if (this.#takeFailure('pwrite')) {
      // Some of its sectors may have been written; each is written whole or not at all.
      const part = Math.min(bytes.length, disk.chance.integer(bytes.length + 1) & ~(sectorBytes - 1));
      held.file.write(position, bytes.subarray(0, part), disk.chance);
      return () => {
        held.file.completeWrite(position, part);
        return failure('IO', held.path, 'write failed');
      };
    }
    const growth = position + bytes.length - held.file.length;
    if (growth > 0 && growth > disk.freeBytes()) {
      return () => failure('NO_SPACE', held.path, 'no space left on the disk');
    }
    held.file.write(position, bytes, disk.chance);
    if (disk.misdirectNext !== null) this.#misdirect(held, position, bytes, disk.misdirectNext);
    return () => {
      held.file.completeWrite(position, bytes.length);
      return ok(null);
    };
  }

  /**
   * The cache shows the write where it belongs, and the platter gets it over something else in the file. Where
   * there is nothing else, the next write is misdirected instead: a newest frame that left no trace elsewhere
   * would look like one that was never written (design 19, "What remains").
   */
  #misdirect(held: OpenFile, position: number, bytes: Uint8Array, misdirection: Misdirection): void {
    if (!held.file.misdirect(position, bytes, misdirection.choice)) return;
    this.#disk.misdirectNext = null;
    misdirection.onHappened(held.path);
  }

  /** Of the whole file, or of one write to it. */
  #beginFlush(handle: FileHandle, written: FileRange | null): () => AnyResult {
    const held = this.#handles.get(handle);
    if (held === undefined) return () => badHandle;
    this.#disk.counts.flushes++;
    const flush = written === null ? held.file.beginFlush() : held.file.beginFlushOf(written);
    return () => {
      if (this.#takeFailure('fdatasync')) {
        held.file.failFlush(flush, this.#disk.chance);
        return failure('IO', held.path, 'flush failed');
      }
      held.file.completeFlush(flush);
      return ok(null);
    };
  }

  #beginSyncDirectory(path: string): () => AnyResult {
    const names = this.#disk.names;
    if (names.get(path) !== 'directory') return () => notFound(path);
    const changes = names.pendingOf(path);
    return () => {
      names.settle(changes);
      return ok(null);
    };
  }

  #takeFailure(kind: keyof DiskFailures): boolean {
    const { failNext: failures, spareNext } = this.#disk;
    if (failures[kind] === 0) return false;
    if (spareNext[kind] > 0) {
      spareNext[kind]--;
      return false;
    }
    failures[kind]--;
    return true;
  }

  #delayUs(kind: FileOperation['kind']): number {
    const { chance, slowness, spread } = this.#disk;
    const delayUs = spreadDelay(chance, chance.pick(latencyUs[latencyClass(kind)]), spread);
    return slowedDelay(delayUs, slowness);
  }
}

function latencyClass(kind: FileOperation['kind']): keyof typeof latencyUs {
  switch (kind) {
    case 'fdatasync':
    case 'syncDirectory':
      return 'flush';
    case 'pwrite':
      return 'write';
    case 'pread':
      return 'read';
    default:
      return 'name';
  }
}

function failure(code: FileError['code'], path: string, message: string): AnyResult {
  return failed({ code, path, message });
}

function notFound(path: string): AnyResult {
  return failure('NOT_FOUND', path, 'no such file or folder');
}

const badHandle = failure('IO', '', 'the handle is not open');
