import { type FileHandle, open } from 'node:fs/promises';
import { failed, type Result } from '../base/result.ts';

/** What the system says of a file that is not there, or not as a file. */
const lostCodes: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/**
 * Reads a file that a sound database has. The error tells the damage, beginning with the file's path: what
 * `read` found, or that the file is lost. Any other failure of the system is no damage, and is thrown.
 */
export async function readLevelFile<Value>(
  path: string,
  read: (file: FileHandle) => Promise<Result<Value, string>>,
): Promise<Result<Value, string>> {
  try {
    const file = await open(path, 'r');
    try {
      const found = await read(file);
      return found.ok ? found : failed(`${path}: ${found.error}`);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && lostCodes.has(error.code)) return failed(error.message);
    throw error;
  }
}

/** Fewer bytes than `length` only at the end of the file. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
