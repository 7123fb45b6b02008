import { violated } from '../../../base/assert.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import type { FileError, FileHandle, FileOperation } from '../../../ports/files.ts';
import type { FileTask } from '../../../ports/task.ts';
import type { Names } from './names.ts';

type AnyResult = Result<unknown, FileError>;

/**
 * Reads what the worst power failure would leave of a disk, now and in no time. It takes no
 * longer than a moment, so that a file with nothing unflushed is read where it is.
 */
export class DurableReader {
  readonly #names: Names;
  readonly #held = new Map<FileHandle, Uint8Array>();
  #nextHandle = 1;

  constructor(names: Names) {
    this.#names = names;
  }

  /** Drives a task that only reads to its end. */
  run<Value>(task: FileTask<Value>): Value {
    let next = task.next();
    while (next.done !== true) next = task.next(this.#answer(next.value));
    return next.value;
  }

  #answer(operation: FileOperation): AnyResult {
    switch (operation.kind) {
      case 'list': {
        const names = this.#names.durableNamesIn(operation.path);
        return names === null ? notFound(operation.path) : ok(names);
      }
      case 'open':
        return this.#open(operation.path);
      case 'close':
        return this.#held.delete(operation.handle) ? ok(null) : badHandle;
      case 'size': {
        const bytes = this.#held.get(operation.handle);
        return bytes === undefined ? badHandle : ok(bytes.length);
      }
      case 'pread': {
        const { handle, position, length } = operation;
        const bytes = this.#held.get(handle);
        return bytes === undefined ? badHandle : ok(bytes.subarray(position, position + length));
      }
      default:
        return violated(`what is durable is only read, and a task asks for ${operation.kind}`);
    }
  }

  #open(path: string): AnyResult {
    const bytes = this.#names.durableFile(path)?.peekDurable() ?? null;
    if (bytes === null) return notFound(path);
    const handle = this.#nextHandle++ as FileHandle;
    this.#held.set(handle, bytes);
    return ok(handle);
  }
}

function notFound(path: string): AnyResult {
  return failed({ code: 'NOT_FOUND', path, message: 'no such file or folder' });
}

const badHandle: AnyResult = failed({ code: 'IO', path: '', message: 'the handle is not open' });
