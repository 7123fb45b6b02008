import { describe, expect, it } from 'vitest';
import { describeViolations, readProject } from './source-file.ts';
import { lengthViolations, linesMax, wordViolations } from './tidy.ts';

const endings = ['.ts', '.tsx', '.mjs'];

describe('this project', () => {
  it('explains itself without words that excuse', () => {
    const files = readProject(['src', 'simulator'], endings);
    expect(files.flatMap(({ path, text }) => describeViolations(path, wordViolations(text)))).toEqual([]);
  });

  it(`has no file of more than ${linesMax} lines`, () => {
    const files = readProject(['src', 'simulator', 'test', 'bench', 'scripts'], endings);
    expect(files.flatMap(({ path, text }) => describeViolations(path, lengthViolations(text)))).toEqual([]);
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
