import type { Result } from '../../src/base/result.ts';
import type { FileError, FileHandle, FileOperation, FileResults, Files } from '../../src/ports/files.ts';
import { NodeFiles } from '../../src/storage/files.ts';

type Operation<Kind extends FileOperation['kind']> = Extract<FileOperation, { kind: Kind }>;
type Complete<Kind extends FileOperation['kind']> = (result: Result<FileResults[Kind], FileError>) => void;

/**
 * More than any file here has. A node asks for as much as a file may have at most, and the memory for that,
 * taken for each start anew, would cost more than the start itself.
 */
const readBytesMax = 65_536;

/**
 * The real files of one node, until it is killed: from then on nothing is written and nothing completes, as
 * when a process ends. What the operating system was told before is carried out, as it is then, too.
 */
export class KillableFiles implements Files {
  readonly #files = new NodeFiles();
  readonly #handles = new Set<FileHandle>();
  #running = 0;
  #whenIdle: (() => void) | null = null;
  #isKilled = false;

  submit<Kind extends FileOperation['kind']>(
    operation: Extract<FileOperation, { kind: Kind }>,
    complete: (result: Result<FileResults[Kind], FileError>) => void,
  ): void {
    if (this.#isKilled) return;
    const submitted: FileOperation = operation;
    if (submitted.kind === 'pread' && submitted.length > readBytesMax) {
      this.#readWhatIsThere(submitted, complete as Complete<'pread'>);
      return;
    }
    if (submitted.kind === 'close') this.#handles.delete(submitted.handle);
    this.#running++;
    this.#files.submit<Kind>(operation, (result) => {
      this.#running--;
      if (submitted.kind === 'open' && result.ok) this.#handles.add(result.value as FileHandle);
      if (!this.#isKilled) complete(result);
      else if (this.#running === 0) this.#whenIdle?.();
    });
  }

  #readWhatIsThere(operation: Operation<'pread'>, complete: Complete<'pread'>): void {
    this.submit<'size'>({ kind: 'size', handle: operation.handle }, (size) => {
      if (!size.ok) {
        complete(size);
        return;
      }
      const length = Math.max(0, Math.min(readBytesMax, size.value - operation.position));
      this.submit<'pread'>({ ...operation, length }, complete);
    });
  }

  /** Resolves when nothing is under way any more and every file is closed. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    const closing = [...this.#handles].map(
      (handle) =>
        new Promise<void>((resolve) => this.#files.submit({ kind: 'close', handle }, () => resolve())),
    );
    await Promise.all(closing);
  }
}
