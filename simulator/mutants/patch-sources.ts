import { failed, ok, type Result } from '../../src/base/result.ts';
import type { SourcePatch } from './planted-bug.ts';

/** Why a bug cannot be planted: the sources have changed under its patches, or a patch is wrong. */
export type PlantingError = {
  readonly code: 'FILE_NOT_FOUND' | 'TEXT_NOT_FOUND' | 'TEXT_FOUND_TWICE' | 'DOES_NOT_PARSE';
  readonly file: string;
  readonly message: string;
};

/** The files that `patches` change, as they read afterwards. `read` gives a file's text, null for none. */
export function patchSources(
  patches: readonly SourcePatch[],
  read: (file: string) => string | null,
): Result<ReadonlyMap<string, string>, PlantingError> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const text = texts.get(file) ?? read(file);
    if (text === null) return failed({ code: 'FILE_NOT_FOUND', file, message: `there is no ${file}` });
    const at = text.indexOf(find);
    if (at < 0) {
      return failed({ code: 'TEXT_NOT_FOUND', file, message: `${file} does not hold: ${find}` });
    }
    if (text.includes(find, at + 1)) {
      return failed({ code: 'TEXT_FOUND_TWICE', file, message: `${file} holds more than once: ${find}` });
    }
    texts.set(file, text.slice(0, at) + replace + text.slice(at + find.length));
  }
  return ok(texts);
}
