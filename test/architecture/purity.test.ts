import { describe, expect, it } from 'vitest';
import { purityViolations } from './purity.ts';
import { parseSource } from './source-file.ts';

function messagesOf(path: string, text: string): string[] {
  return purityViolations(parseSource(path, text)).map(({ message }) => message);
}

describe('the check of purity', () => {
  it.each([
    '// Date.now() and Math.random() are forbidden here.',
    "const text = 'await new Promise(setTimeout)';",
    'const pattern = /Date|Math\\.random/;',
    'const largest = Math.max(1, Math.floor(2), Math.imul(3, 4)) + 2 ** 31;',
    'interface Row { readonly Date: number; readonly process: string }',
    'const row = { Date: 1, console: 2 }; const date = row.Date;',
    'function fetch(process: number): number { return process; } fetch(1);',
    'function take({ crypto }: { crypto: number }, [performance]: number[]) { return [crypto, performance]; }',
    'const kinds = new Map([[1, 2]]); export const get = (key: number) => kinds.get(key);',
    'const table = new Uint32Array(256); for (let index = 0; index < 256; index += 1) table[index] = index;',
    'function count() { let total = 0; const seen = new Set(); seen.add(1); total += 1; return total; }',
    'class Image { static readonly empty = 0; private rows = 0; add() { this.rows += 1; } }',
    'function* ids() { yield 1; }',
    'label: for (;;) break label;',
  ])('allows %s', (text) => {
    expect(messagesOf('src/raft/step.ts', text)).toEqual([]);
  });

  it.each([
    ['const now = Date.now();', 'uses Date'],
    ['const now = new Date();', 'uses Date'],
    ['export interface Row { at: Date }', 'uses Date'],
    ['const now = performance.now();', 'uses performance'],
    ['const row = { Date };', 'uses Date'],
    ['const row = { [Date]: 1 };', 'uses Date'],
    ['const a = Math.random();', 'uses Math.random'],
    ['const a = Math.log(2);', 'uses Math.log'],
    ['const a = Math.log2(2);', 'uses Math.log2'],
    ['const a = Math.exp(2);', 'uses Math.exp'],
    ['const a = Math.pow(2, 3);', 'uses Math.pow'],
    ['const { random } = Math;', 'uses Math as a value, which hides what is taken from it'],
    ["const a = Math['random']();", 'uses Math as a value, which hides what is taken from it'],
    ['const a = (b: number) => 2 ** b;', 'uses ** with operands that are not literals, which is Math.pow'],
    ["const a = 'a'.localeCompare('b');", 'uses localeCompare'],
    ['const a = (1).toLocaleString();', 'uses toLocaleString'],
    ["const a = 'a'?.toLocaleLowerCase();", 'uses toLocaleLowerCase'],
    ['const a = new Intl.Collator();', 'uses Intl'],
    ['async function a() {}', 'has an async function'],
    ['const a = async () => 1;', 'has an async function'],
    ['const a = { async b() {} };', 'has an async function'],
    ['export type A = Promise<void>;', 'uses Promise'],
    ['const a = await b;', 'awaits'],
    ['for await (const a of b) c(a);', 'awaits'],
    ['setTimeout(a, 1);', 'uses setTimeout'],
    ['setImmediate(a);', 'uses setImmediate'],
    ['queueMicrotask(a);', 'uses queueMicrotask'],
    ["console.log('a');", 'uses console'],
    ['const a = process.env;', 'uses process'],
    ['const a = crypto.randomUUID();', 'uses crypto'],
    ['const a = globalThis;', 'uses globalThis'],
    ['let count = 0;', 'has a module-level let'],
    ['export let count = 0;', 'has a module-level let'],
    ['var count = 0;', 'has a module-level var'],
    ['class A { static count = 0; }', 'has a static field that is not readonly'],
    [
      'const seen = new Map(); export const see = () => seen.set(1, 1);',
      'changes the module-level seen in a function',
    ],
    [
      'const rows: number[] = []; function add() { rows.push(1); }',
      'changes the module-level rows in a function',
    ],
    ['const row = { a: 1 }; function raise() { row.a += 1; }', 'changes the module-level row in a function'],
    ['const row = { a: 1 }; function raise() { row.a++; }', 'changes the module-level row in a function'],
    [
      'const row = { a: 1 } as R; function clear() { delete row.a; }',
      'changes the module-level row in a function',
    ],
    ['const rows = [1]; function set() { rows[0] = 2; }', 'changes the module-level rows in a function'],
  ])('refuses %s', (text, message) => {
    expect(messagesOf('src/metadata/image.ts', text)).toEqual([message]);
  });

  it.each(['base', 'raft', 'metadata', 'balancer', 'linking', 'replica', 'codec'])(
    'covers src/%s',
    (folder) => {
      expect(messagesOf(`src/${folder}/deep/file.ts`, 'const a = Math.random();')).toEqual([
        'uses Math.random',
      ]);
    },
  );

  it('leaves the folders that touch the world alone, but keeps promises out of the ports', () => {
    const text = 'export const a = async (): Promise<Date> => new Date();';
    expect(messagesOf('src/runtime/node.ts', text)).toEqual([]);
    expect(messagesOf('simulator/main.ts', text)).toEqual([]);
    expect(messagesOf('src/ports/files.ts', text)).toEqual(['has an async function', 'uses Promise']);
  });

  it('says the line on which a violation stands', () => {
    const source = parseSource('src/raft/step.ts', '\n\nconst a = 1;\nconst b = Date.now();\n');
    expect(purityViolations(source)).toEqual([{ line: 4, message: 'uses Date' }]);
  });
});
