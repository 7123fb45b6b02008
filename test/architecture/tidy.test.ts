import { describe, expect, it } from 'vitest';
import { describeViolations, readProject } from './source-file.ts';
import { commentViolations, commentWidthMax, lengthViolations, linesMax, wordViolations } from './tidy.ts';

const endings = ['.ts', '.tsx', '.mjs'];
const folders = ['src', 'simulator', 'test', 'bench', 'scripts'];

describe('this project', () => {
  it('explains itself without words that excuse', () => {
    const files = readProject(['src', 'simulator'], endings);
    expect(files.flatMap(({ path, text }) => describeViolations(path, wordViolations(text)))).toEqual([]);
  });

  it(`has no file of more than ${linesMax} lines`, () => {
    const files = readProject(folders, endings);
    expect(files.flatMap(({ path, text }) => describeViolations(path, lengthViolations(text)))).toEqual([]);
  });

  it(`has no line of a comment of more than ${commentWidthMax} characters`, () => {
    const files = readProject(folders, endings);
    expect(files.flatMap(({ path, text }) => describeViolations(path, commentViolations(text)))).toEqual([]);
  });
});

describe('the check of words', () => {
  it.each([
    ['// A simple map.', 'says "simple"'],
    ['/* This is just a map. */', 'says "just"'],
    ['// todo: a map', 'says "todo"'],
    ["const text = 'TODO';", 'says "todo"'],
    ['// Enough For Now.', 'says "for now"'],
    ['/**\n * Enough for\n * now.\n */', 'says "for now"'],
  ])('refuses %s', (text, message) => {
    expect(wordViolations(text).map((violation) => violation.message)).toEqual([message]);
  });

  it.each([
    '// It adjusts justly and simplest.',
    'const simpleMap = justification;',
    '// Waits for nowhere.',
  ])('allows %s', (text) => {
    expect(wordViolations(text)).toEqual([]);
  });

  it('says the line on which a word stands', () => {
    expect(wordViolations('\n\n// A simple map.\n')).toEqual([{ line: 3, message: 'says "simple"' }]);
  });
});

describe('the check of length', () => {
  it('allows as many lines as the limit, and not one more', () => {
    expect(lengthViolations('line\n'.repeat(linesMax))).toEqual([]);
    expect(lengthViolations('line\n'.repeat(linesMax + 1))).toEqual([
      { line: linesMax + 1, message: `has ${linesMax + 1} lines, of at most ${linesMax}` },
    ]);
  });
});

describe('the check of comments', () => {
  const long = 'a'.repeat(commentWidthMax);

  it.each([`// ${long}`, `  /** ${long} */`, `/**\n * ${long}\n */`, `run(); // ${long}`])(
    'refuses %s',
    (text) => {
      expect(commentViolations(text)).toHaveLength(1);
    },
  );

  it('says the line and its width, and allows as many characters as the limit', () => {
    const text = `//${long.slice(2)}\n//${long}\n`;
    const message = `has a comment of ${commentWidthMax + 2} characters, of at most ${commentWidthMax}`;
    expect(commentViolations(text)).toEqual([{ line: 2, message }]);
  });

  it('leaves code to the formatter', () => {
    expect(commentViolations(`const text = 'https://${long}';`)).toEqual([]);
  });
});
