import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = import.meta.dirname;

/** The rules of `paper.md`: each a line of a table, with the tests that it names. */
function rules(): readonly { readonly rule: string; readonly tests: readonly string[] }[] {
  const lines = readFileSync(join(folder, 'paper.md'), 'utf8').split('\n');
  return lines
    .filter((line) => /^\| (?!rule \|)/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const tests = [...(cells[3] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
      return { rule: cells[1] ?? '', tests };
    });
}

/** The names of all tests beside this one, and of all transcripts. */
function knownTests(): ReadonlySet<string> {
  const names = new Set(readdirSync(join(folder, 'transcripts')));
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.ts'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const match of text.matchAll(/\bit\(\s*(['"])(.+?)\1,/g)) names.add(match[2] ?? '');
  }
  return names;
}

describe('the list of rules that the core owes to the paper', () => {
  it('is as long as it should be', () => {
    expect(rules().length).toBeGreaterThan(80);
  });

  it('names a test for every rule', () => {
    expect(rules().filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  it('names only tests that exist', () => {
    const known = knownTests();
    const missing = rules().flatMap(({ rule, tests }) =>
      tests.filter((test) => !known.has(test)).map((test) => `${rule}: ${test}`),
    );
    expect(missing).toEqual([]);
  });
});
