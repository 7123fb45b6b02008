import { describe, expect, it } from 'vitest';
import { coverageMarks } from '../../src/base/coverage-marks.ts';
import { coverageSites, coverageViolations, misplacedMarks } from './coverage-marks.ts';
import { describeViolations, parseSource, readProject } from './source-file.ts';

const sources = readProject(['src'], ['.ts', '.tsx']).map(({ path, text }) => parseSource(path, text));

describe('the coverage marks of production code', () => {
  it('stand each at exactly one place', () => {
    expect(misplacedMarks(coverageSites(sources))).toEqual([]);
  });

  it('are statements with a literal name, and only the simulator listens', () => {
    const violations = sources.flatMap((source) =>
      describeViolations(source.path, coverageViolations(source)),
    );
    expect(violations).toEqual([]);
  });

  it('have names of their own', () => {
    expect(new Set(coverageMarks).size).toBe(coverageMarks.length);
  });
});

describe('the check of coverage marks', () => {
  const imported = "import { coverageMark } from '../base/coverage-marks.ts';\n";
  const [first] = coverageMarks;

  function messagesOf(text: string): string[] {
    return coverageViolations(parseSource('src/raft/vote.ts', imported + text)).map(({ message }) => message);
  }

  it.each([
    ['const name = "a"; coverageMark(name);', 'passes a coverage mark whose name is no literal'],
    ['coverageMark(`a`);', 'passes a coverage mark whose name is no literal'],
    ['const seen = coverageMark("a");', 'uses what a coverage mark gives back'],
    ['if (coverageMark("a") === undefined) stop();', 'uses what a coverage mark gives back'],
    ['const speak = coverageMark;', 'hands coverageMark on'],
    ['[].forEach(coverageMark);', 'hands coverageMark on'],
    ['hearCoverageMarks(null, () => 1);', 'listens to coverage marks'],
  ])('refuses %s', (text, message) => {
    expect(messagesOf(text)).toEqual([message]);
  });

  it('allows a statement with a literal name', () => {
    expect(messagesOf('if (late) coverageMark("a");')).toEqual([]);
  });

  it('finds a mark that stands nowhere, and one that stands twice', () => {
    const once = parseSource('src/raft/a.ts', `${imported}coverageMark(${JSON.stringify(first)});`);
    const again = parseSource('src/raft/b.ts', `${imported}coverageMark(${JSON.stringify(first)});`);
    expect(misplacedMarks(coverageSites([once]))).not.toContain(`${first}: nowhere`);
    expect(misplacedMarks(coverageSites([]))).toContain(`${first}: nowhere`);
    expect(misplacedMarks(coverageSites([once, again]))).toContain(`${first}: src/raft/a.ts, src/raft/b.ts`);
  });
});
