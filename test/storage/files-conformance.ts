import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { Result } from '../../src/base/result.ts';
import type { FileError, FileHandle, FileOperation, FileResults, Files } from '../../src/ports/files.ts';

/** One adapter of `ports/files` under test. */
export type FilesUnderTest = {
  readonly files: () => Files;
  /** An empty folder that exists. */
  readonly root: string;
  /** Lets waiting completions happen; the real adapter needs nothing. */
  readonly settle: () => void;
  /** Loses power; only for a disk that `canLosePower`. */
  readonly losePower: () => void;
  readonly close: () => void;
};

type Submit = <Kind extends FileOperation['kind']>(
  operation: Extract<FileOperation, { kind: Kind }>,
) => Promise<Result<FileResults[Kind], FileError>>;

/** What every adapter of `ports/files` must do; `ports/files.ts` says it in words. */
export function describeFilesConformance(
  name: string,
  canLosePower: boolean,
  make: () => FilesUnderTest,
): void {
  describe(`files: ${name}`, () => {
    let under: FilesUnderTest;
    beforeAll(() => {
      under = make();
    });
    afterAll(() => under.close());

    const submit: Submit = (operation) =>
      new Promise((resolve) => {
        let returned = false;
        under.files().submit(operation, (result) => {
          expect(returned, 'a completion never comes from within submit').toBe(true);
          resolve(result);
        });
        returned = true;
        under.settle();
      });

    async function must<Value>(result: Promise<Result<Value, FileError>>): Promise<Value> {
      const settled = await result;
      assert(settled.ok, `it succeeds: ${JSON.stringify(settled)}`);
      return settled.value;
    }

    async function codeOf(result: Promise<Result<unknown, FileError>>): Promise<FileError['code'] | 'none'> {
      const settled = await result;
      if (settled.ok) return 'none';
      expect(settled.error.path).not.toBe('');
      return settled.error.code;
    }

    const at = (path: string): string => `${under.root}/${path}`;
    const make1 = (path: string): Promise<FileHandle> =>
      must(submit({ kind: 'open', path: at(path), mode: 'createNew' }));
    const write = (handle: FileHandle, position: number, text: string): Promise<null> =>
      must(submit({ kind: 'pwrite', handle, position, bytes: Buffer.from(text) }));
    const read = async (handle: FileHandle, position: number, length: number): Promise<string> =>
      Buffer.from(await must(submit({ kind: 'pread', handle, position, length }))).toString();

    it('opens by mode: existing, create, createNew', async () => {
      expect(await codeOf(submit({ kind: 'open', path: at('modes'), mode: 'existing' }))).toBe('NOT_FOUND');
      const first = await must(submit({ kind: 'open', path: at('modes'), mode: 'create' }));
      await write(first, 0, 'kept');
      expect(await codeOf(submit({ kind: 'open', path: at('modes'), mode: 'createNew' }))).toBe('EXISTS');
      const again = await must(submit({ kind: 'open', path: at('modes'), mode: 'create' }));
      expect(again).not.toBe(first);
      expect(await read(again, 0, 100)).toBe('kept');
      expect(await codeOf(submit({ kind: 'open', path: at('none/modes'), mode: 'create' }))).toBe(
        'NOT_FOUND',
      );
    });

    it('never gives a handle number twice', async () => {
      const first = await make1('handle-1');
      await must(submit({ kind: 'close', handle: first }));
      expect(await make1('handle-2')).not.toBe(first);
    });

    it('reads what was written, less only at the end of the file', async () => {
      const handle = await make1('bytes');
      await write(handle, 0, 'hello world');
      await write(handle, 6, 'there');
      expect(await read(handle, 0, 11)).toBe('hello there');
      expect(await read(handle, 6, 100)).toBe('there');
      expect(await read(handle, 11, 5)).toBe('');
      expect(await read(handle, 500, 5)).toBe('');
      expect(await read(handle, 0, 0)).toBe('');
      expect(await must(submit({ kind: 'size', handle }))).toBe(11);
    });

    it('fills with zeros what lies between the end of a file and a later write', async () => {
      const handle = await make1('gap');
      await write(handle, 5, 'x');
      expect(await read(handle, 0, 10)).toBe('\0\0\0\0\0x');
    });

    it('writes and reads megabytes whole', async () => {
      const handle = await make1('large');
      const bytes = Buffer.alloc(9_000_001, 'abcdefg');
      await must(submit({ kind: 'pwrite', handle, position: 3, bytes }));
      const found = await must(submit({ kind: 'pread', handle, position: 3, length: bytes.length }));
      expect(bytes.equals(found)).toBe(true);
      await must(submit({ kind: 'fdatasync', handle }));
    });

    it('cuts and lengthens', async () => {
      const handle = await make1('cut');
      await write(handle, 0, 'abcdef');
      await must(submit({ kind: 'truncate', handle, length: 2 }));
      expect(await read(handle, 0, 9)).toBe('ab');
      await must(submit({ kind: 'truncate', handle, length: 4 }));
      expect(await read(handle, 0, 9)).toBe('ab\0\0');
    });

    it('renames over an existing file, and the open one stays readable', async () => {
      const old = await make1('old');
      await write(old, 0, 'old');
      const fresh = await make1('new');
      await write(fresh, 0, 'new');
      await must(submit({ kind: 'rename', from: at('new'), to: at('old') }));
      const found = await must(submit({ kind: 'open', path: at('old'), mode: 'existing' }));
      expect(await read(found, 0, 9)).toBe('new');
      expect(await read(old, 0, 9)).toBe('old');
      expect(await codeOf(submit({ kind: 'open', path: at('new'), mode: 'existing' }))).toBe('NOT_FOUND');
      expect(await codeOf(submit({ kind: 'rename', from: at('new'), to: at('other') }))).toBe('NOT_FOUND');
    });

    it('removes a file, a missing one too, and one that is open stays readable', async () => {
      const handle = await make1('gone');
      await write(handle, 0, 'still');
      await must(submit({ kind: 'remove', path: at('gone') }));
      await must(submit({ kind: 'remove', path: at('gone') }));
      expect(await codeOf(submit({ kind: 'open', path: at('gone'), mode: 'existing' }))).toBe('NOT_FOUND');
      expect(await read(handle, 0, 9)).toBe('still');
    });

    it('lists names by code unit, within the folder alone', async () => {
      await must(submit({ kind: 'makeDirectory', path: at('folder') }));
      await must(submit({ kind: 'makeDirectory', path: at('folder') }));
      for (const name of ['b', 'a', 'B', 'ä', '10', '9']) await make1(`folder/${name}`);
      expect(await must(submit({ kind: 'list', path: at('folder') }))).toEqual([
        '10',
        '9',
        'B',
        'a',
        'b',
        'ä',
      ]);
      expect(await codeOf(submit({ kind: 'list', path: at('missing') }))).toBe('NOT_FOUND');
    });

    it('flushes folders and tells of free space', async () => {
      await must(submit({ kind: 'syncDirectory', path: under.root }));
      expect(await codeOf(submit({ kind: 'syncDirectory', path: at('missing') }))).toBe('NOT_FOUND');
      expect(await must(submit({ kind: 'freeSpace', path: under.root }))).toBeGreaterThan(1_000_000);
    });

    it('writes durably whether or not the file was opened for it, under its new name, too', async () => {
      for (const isDurable of [true, false]) {
        const name = `durably-${isDurable}`;
        const handle = await must(submit({ kind: 'open', path: at(name), mode: 'createNew', isDurable }));
        await write(handle, 0, 'abcdef');
        await must(submit({ kind: 'rename', from: at(name), to: at(`${name}-renamed`) }));
        await must(submit({ kind: 'pwriteDurably', handle, position: 2, bytes: Buffer.from('XY') }));
        expect(await read(handle, 0, 10)).toBe('abXYef');
        await must(submit({ kind: 'close', handle }));
        const again = await must(submit({ kind: 'open', path: at(`${name}-renamed`), mode: 'existing' }));
        expect(await read(again, 0, 10)).toBe('abXYef');
      }
    });

    if (!canLosePower) return;
    it('keeps over a power failure what was written durably', async () => {
      const path = at('at once');
      const handle = await must(submit({ kind: 'open', path, mode: 'createNew', isDurable: true }));
      await must(submit({ kind: 'syncDirectory', path: under.root }));
      await must(submit({ kind: 'pwriteDurably', handle, position: 0, bytes: Buffer.from('flushed') }));
      under.losePower();
      expect(await read(await must(submit({ kind: 'open', path, mode: 'existing' })), 0, 100)).toBe(
        'flushed',
      );
    });

    it('may lose over a power failure what was written before, and elsewhere, and was not flushed', async () => {
      const outcomes = new Set<string>();
      for (let round = 0; round < 20; round++) {
        const path = at(`elsewhere-${round}`);
        const handle = await must(submit({ kind: 'open', path, mode: 'createNew', isDurable: true }));
        await must(submit({ kind: 'pwrite', handle, position: 0, bytes: Buffer.alloc(32_768, '.') }));
        await must(submit({ kind: 'fdatasync', handle }));
        await must(submit({ kind: 'syncDirectory', path: under.root }));
        await write(handle, 0, 'earlier');
        await must(submit({ kind: 'pwriteDurably', handle, position: 16_384, bytes: Buffer.from('later') }));
        under.losePower();
        const found = await must(submit({ kind: 'open', path, mode: 'existing' }));
        expect(await read(found, 16_384, 6)).toBe('later.');
        outcomes.add(await read(found, 0, 7));
      }
      expect([...outcomes].toSorted()).toEqual(['.......', 'earlier']);
    });

    it('keeps over a power failure what was flushed, by content and by name', async () => {
      const handle = await make1('durable');
      await write(handle, 0, 'flushed');
      await must(submit({ kind: 'fdatasync', handle }));
      await must(submit({ kind: 'syncDirectory', path: under.root }));
      under.losePower();
      const found = await must(submit({ kind: 'open', path: at('durable'), mode: 'existing' }));
      expect(await read(found, 0, 100)).toBe('flushed');
    });
  });
}
