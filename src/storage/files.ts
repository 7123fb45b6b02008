import * as fs from 'node:fs';
import { assertDefined } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { FileError, FileHandle, FileOperation, FileResults, Files } from '../ports/files.ts';

type Complete<Kind extends FileOperation['kind']> = (result: Result<FileResults[Kind], FileError>) => void;
type Operation<Kind extends FileOperation['kind']> = Extract<FileOperation, { kind: Kind }>;

type OpenFile = {
  readonly descriptor: number;
  /** The same file, where each write is on disk when it returns; null where there is none such. */
  readonly durableDescriptor: number | null;
  readonly path: string;
};

/** `ports/files` over the operating system, through Node's callbacks: a result never comes from within `submit`. */
export class NodeFiles implements Files {
  readonly #open = new Map<number, OpenFile>();
  #lastHandle = 0;

  submit<Kind extends FileOperation['kind']>(operation: Operation<Kind>, complete: Complete<Kind>): void {
    // The compiler does not relate Kind to the case that is met; the pairs below are those of FileResults.
    const answer = complete as (result: Result<unknown, FileError>) => void;
    this.#dispatch(operation, answer);
  }

  #dispatch(operation: FileOperation, complete: (result: Result<unknown, FileError>) => void): void {
    switch (operation.kind) {
      case 'open':
        return this.#openFile(operation, complete);
      case 'close':
        return this.#closeFile(operation, complete);
      case 'size':
        return this.#size(operation, complete);
      case 'pread':
        return this.#read(operation, complete);
      case 'pwrite':
        return this.#write(operation, complete);
      case 'pwriteDurably':
        return this.#writeDurably(operation, complete);
      case 'fdatasync': {
        const file = this.#fileOf(operation.handle);
        return fs.fdatasync(file.descriptor, done(file.path, complete));
      }
      case 'truncate': {
        const file = this.#fileOf(operation.handle);
        return fs.ftruncate(file.descriptor, operation.length, done(file.path, complete));
      }
      case 'rename':
        return fs.rename(operation.from, operation.to, done(operation.from, complete));
      case 'remove':
        return fs.unlink(operation.path, doneUnless('ENOENT', operation.path, complete));
      case 'makeDirectory':
        return fs.mkdir(operation.path, doneUnless('EEXIST', operation.path, complete));
      case 'list':
        return listFolder(operation.path, complete);
      case 'syncDirectory':
        return syncDirectory(operation.path, complete);
      case 'freeSpace':
        return freeSpace(operation.path, complete);
    }
  }

  #openFile(operation: Operation<'open'>, complete: Complete<'open'>): void {
    fs.open(operation.path, openFlags[operation.mode], 0o644, (error, descriptor) => {
      if (error !== null) {
        complete(failed(fileErrorOf(error, operation.path)));
        return;
      }
      const hand = (durableDescriptor: number | null): void => {
        const handle = ++this.#lastHandle;
        this.#open.set(handle, { descriptor, durableDescriptor, path: operation.path });
        complete(ok(handle as FileHandle));
      };
      if (operation.isDurable === true) openDurably(descriptor, hand);
      else hand(null);
    });
  }

  #closeFile(operation: Operation<'close'>, complete: Complete<'close'>): void {
    const file = this.#fileOf(operation.handle);
    this.#open.delete(operation.handle);
    const { descriptor, durableDescriptor, path } = file;
    const closeFirst = (): void => fs.close(descriptor, done(path, complete));
    if (durableDescriptor === null) closeFirst();
    else fs.close(durableDescriptor, closeFirst);
  }

  #size(operation: Operation<'size'>, complete: Complete<'size'>): void {
    const file = this.#fileOf(operation.handle);
    fs.fstat(file.descriptor, (error, stats) => {
      if (error !== null) complete(failed(fileErrorOf(error, file.path)));
      else complete(ok(stats.size));
    });
  }

  /** The operating system may give fewer bytes than there are, so it is asked until it gives none. */
  #read(operation: Operation<'pread'>, complete: Complete<'pread'>): void {
    const file = this.#fileOf(operation.handle);
    readFrom(file, operation, Buffer.allocUnsafe(0), complete);
  }

  #write(operation: Operation<'pwrite'>, complete: Complete<'pwrite'>): void {
    writeFrom(this.#fileOf(operation.handle), operation.bytes, operation.position, complete);
  }

  /** One call to the system where it has one for this, which saves the thread pool a trip for every flush. */
  #writeDurably(operation: Operation<'pwriteDurably'>, complete: Complete<'pwriteDurably'>): void {
    const file = this.#fileOf(operation.handle);
    const { bytes, position } = operation;
    if (file.durableDescriptor !== null) {
      writeFrom({ path: file.path, descriptor: file.durableDescriptor }, bytes, position, complete);
      return;
    }
    writeFrom(file, bytes, position, (written) => {
      if (written.ok) fs.fdatasync(file.descriptor, done(file.path, complete));
      else complete(written);
    });
  }

  #fileOf(handle: FileHandle): OpenFile {
    return assertDefined(this.#open.get(handle), `file handle ${handle} is not open`);
  }
}

const openFlags = {
  existing: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  createNew: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const;

/**
 * Opens a file that is open already once more, by its descriptor, so that it is the same one whatever its name
 * is by now. `O_DSYNC` is Linux's word for what `fdatasync` does after each write; elsewhere it may stop at
 * the drive's own cache, so that other systems flush by a call of its own.
 */
function openDurably(descriptor: number, complete: (descriptor: number | null) => void): void {
  if (process.platform !== 'linux') {
    complete(null);
    return;
  }
  const flags = fs.constants.O_WRONLY | fs.constants.O_DSYNC;
  // Without /proc there is no such way, and every write is followed by a flush.
  fs.open(`/proc/self/fd/${descriptor}`, flags, (error, opened) => complete(error === null ? opened : null));
}

/** More than this is allocated only once the file is known to have it. */
const firstReadBytes = 4_194_304;

function readFrom(
  file: Pick<OpenFile, 'descriptor' | 'path'>,
  wanted: { readonly position: number; readonly length: number },
  soFar: Buffer,
  complete: Complete<'pread'>,
): void {
  const length = Math.min(wanted.length - soFar.length, firstReadBytes);
  if (length === 0) {
    // Even a read of nothing answers later.
    setImmediate(() => complete(ok(soFar)));
    return;
  }
  const target = Buffer.allocUnsafe(length);
  const position = wanted.position + soFar.length;
  fs.read(file.descriptor, target, 0, length, position, (error, count) => {
    if (error !== null) {
      complete(failed(fileErrorOf(error, file.path)));
      return;
    }
    const read = target.subarray(0, count);
    const all = soFar.length === 0 ? read : Buffer.concat([soFar, read]);
    if (count === 0 || all.length === wanted.length) complete(ok(all));
    else readFrom(file, wanted, all, complete);
  });
}

function writeFrom(
  file: Pick<OpenFile, 'descriptor' | 'path'>,
  bytes: Uint8Array,
  position: number,
  complete: (result: Result<null, FileError>) => void,
): void {
  fs.write(file.descriptor, bytes, 0, bytes.length, position, (error, count) => {
    if (error !== null) complete(failed(fileErrorOf(error, file.path)));
    else if (count === bytes.length) complete(ok(null));
    else writeFrom(file, bytes.subarray(count), position + count, complete);
  });
}

function listFolder(path: string, complete: Complete<'list'>): void {
  fs.readdir(path, (error, names) => {
    if (error !== null) {
      complete(failed(fileErrorOf(error, path)));
      return;
    }
    // By code unit, which is what comparing strings does, and what no locale changes.
    complete(ok(names.toSorted((left, right) => (left < right ? -1 : Number(left > right)))));
  });
}

/** A name is durable once its folder was flushed, which needs a descriptor of the folder. */
function syncDirectory(path: string, complete: Complete<'syncDirectory'>): void {
  fs.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY, (openError, descriptor) => {
    if (openError !== null) {
      complete(failed(fileErrorOf(openError, path)));
      return;
    }
    fs.fsync(descriptor, (syncError) => {
      fs.close(descriptor, (closeError) => {
        const error = syncError ?? closeError ?? null;
        complete(error === null ? ok(null) : failed(fileErrorOf(error, path)));
      });
    });
  });
}

function freeSpace(path: string, complete: Complete<'freeSpace'>): void {
  fs.statfs(path, (error, stats) => {
    if (error !== null) complete(failed(fileErrorOf(error, path)));
    else complete(ok(stats.bavail * stats.bsize));
  });
}

type NodeCallback = (error: NodeJS.ErrnoException | null) => void;

function done(path: string, complete: (result: Result<null, FileError>) => void): NodeCallback {
  return doneUnless(null, path, complete);
}

/** Succeeds also when the system answers `benign`. */
function doneUnless(
  benign: string | null,
  path: string,
  complete: (result: Result<null, FileError>) => void,
): NodeCallback {
  return (error) => {
    // Node hands null or undefined on success, by the function that was called.
    const isSuccess = (error ?? null) === null || error?.code === benign;
    if (error === null || isSuccess) complete(ok(null));
    else complete(failed(fileErrorOf(error, path)));
  };
}

const codes: ReadonlyMap<string, FileError['code']> = new Map([
  ['ENOENT', 'NOT_FOUND'],
  ['EEXIST', 'EXISTS'],
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['EACCES', 'PERMISSION'],
  ['EPERM', 'PERMISSION'],
  ['EROFS', 'PERMISSION'],
]);

function fileErrorOf(error: NodeJS.ErrnoException, path: string): FileError {
  return { code: codes.get(error.code ?? '') ?? 'IO', path, message: error.message };
}
