import type { Result } from '../base/result.ts';
import type { FileError, FileOperation, FileResults, Files } from './files.ts';

/**
 * A procedure over files, written in sequence: it yields one file operation at a time and is resumed
 * with its result. `runFileTask` drives it over any `Files`, so recovery code reads from top to bottom
 * and still has no promises in it.
 */
export type FileTask<Value> = Generator<FileOperation, Value, Result<unknown, FileError>>;

/** Yields one operation and gives its typed result. */
export function* submitFile<Kind extends FileOperation['kind']>(
  operation: Extract<FileOperation, { kind: Kind }>,
): FileTask<Result<FileResults[Kind], FileError>> {
  const result = yield operation;
  return result as Result<FileResults[Kind], FileError>;
}

/** Drives `task` to its end. `done` is called once, and from within this call only if the task yields nothing. */
export function runFileTask<Value>(files: Files, task: FileTask<Value>, done: (value: Value) => void): void {
  const settle = (next: IteratorResult<FileOperation, Value>): void => {
    if (next.done === true) {
      done(next.value);
      return;
    }
    const resume = (result: Result<unknown, FileError>): void => settle(task.next(result));
    files.submit(next.value, resume);
  };
  settle(task.next());
}
