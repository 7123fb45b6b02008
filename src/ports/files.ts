import type { Result } from '../base/result.ts';

/**
 * The file system as the log needs it, by submit and completion: an operation is data, and its result
 * comes later through a callback, never from within `submit`. There are no promises here, so that the
 * simulator can run the same code under virtual time and with a faulty disk below it.
 *
 * Contract
 * 1. Operations on one handle complete in any order unless one is submitted after another has completed.
 *    Whoever needs an order waits for the completion.
 * 2. What was written and not followed by a completed `fdatasync` of that file may be lost, or partly
 *    lost, at a crash. What `pwriteDurably` has completed is on disk, and so is the file's length as far as it
 *    reaches; it does not cover what was written to the file before, which is as lost without an `fdatasync` as
 *    ever. A created, renamed or removed name may be lost until `syncDirectory` of its folder.
 * 3. Errors are values. After a failed `pwrite`, `pwriteDurably` or `fdatasync` nothing is known of the file's
 *    content.
 * 4. `remove` of a missing file and `makeDirectory` of an existing one succeed.
 */
export type Files = {
  submit<Kind extends FileOperation['kind']>(
    operation: Extract<FileOperation, { kind: Kind }>,
    complete: (result: Result<FileResults[Kind], FileError>) => void,
  ): void;
};

/** An open file. Numbers are given by the adapter and are not used again within its lifetime. */
export type FileHandle = number & { readonly __handle: unique symbol };

export type FileOperation =
  | {
      readonly kind: 'open';
      readonly path: string;
      /** `existing` fails with NOT_FOUND; `create` makes it where missing; `createNew` fails with EXISTS. */
      readonly mode: 'existing' | 'create' | 'createNew';
      /** That `pwriteDurably` will be asked for, so that it costs no more than it must. */
      readonly isDurable?: boolean;
    }
  | { readonly kind: 'close'; readonly handle: FileHandle }
  | { readonly kind: 'size'; readonly handle: FileHandle }
  | {
      /** Reads up to `length` bytes; fewer only at the end of the file. */
      readonly kind: 'pread';
      readonly handle: FileHandle;
      readonly position: number;
      readonly length: number;
    }
  | {
      /** Writes all of `bytes`. They must not change until the completion. */
      readonly kind: 'pwrite';
      readonly handle: FileHandle;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  | {
      /** Writes all of `bytes`, and completes when these are on disk. They must not change until then. */
      readonly kind: 'pwriteDurably';
      readonly handle: FileHandle;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'fdatasync'; readonly handle: FileHandle }
  | { readonly kind: 'truncate'; readonly handle: FileHandle; readonly length: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  | { readonly kind: 'makeDirectory'; readonly path: string }
  | { readonly kind: 'syncDirectory'; readonly path: string }
  | {
      /** Bytes that an unprivileged process may still write on the file system that holds `path`. */
      readonly kind: 'freeSpace';
      readonly path: string;
    };

export type FileResults = {
  open: FileHandle;
  close: null;
  size: number;
  pread: Uint8Array;
  pwrite: null;
  pwriteDurably: null;
  fdatasync: null;
  truncate: null;
  rename: null;
  remove: null;
  /** Names within the folder, sorted by code unit. */
  list: readonly string[];
  makeDirectory: null;
  syncDirectory: null;
  freeSpace: number;
};

export type FileError = {
  readonly code: 'NOT_FOUND' | 'EXISTS' | 'NO_SPACE' | 'IO' | 'PERMISSION';
  readonly path: string;
  readonly message: string;
};
