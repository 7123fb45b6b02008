import { failed, type Result } from '../../../src/base/result.ts';
import type { FileError, FileOperation, FileResults, Files } from '../../../src/ports/files.ts';
import { NodeFiles } from '../../../src/storage/files.ts';

type Complete<Kind extends FileOperation['kind']> = (result: Result<FileResults[Kind], FileError>) => void;

const failing: ReadonlySet<FileOperation['kind']> = new Set(['pwriteDurably', 'fdatasync']);

/** The machine's files, of which every durable write and every flush fails once `failure` is set. */
export class FailingFiles implements Files {
  failure: FileError['code'] | null = null;
  readonly #files = new NodeFiles();

  submit<Kind extends FileOperation['kind']>(
    operation: Extract<FileOperation, { kind: Kind }>,
    complete: Complete<Kind>,
  ): void {
    const { failure } = this;
    if (!failing.has(operation.kind) || failure === null) {
      this.#files.submit(operation, complete);
      return;
    }
    setImmediate(() => complete(failed({ code: failure, path: 'the log', message: 'it was made to fail' })));
  }
}
