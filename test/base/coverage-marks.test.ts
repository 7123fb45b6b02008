import { describe, expect, it } from 'vitest';
import { coverageMark, coverageMarks, hearCoverageMarks } from '../../src/base/coverage-marks.ts';

const [one, another] = coverageMarks;

describe('a coverage mark', () => {
  it('does nothing while nobody listens', () => {
    expect(coverageMark(one)).toBeUndefined();
  });

  it('is heard within the run that listens, and not after it', () => {
    const heard: string[] = [];
    const result = hearCoverageMarks(
      (mark) => heard.push(mark),
      () => {
        coverageMark(one);
        coverageMark(another);
        return 7;
      },
    );
    coverageMark(one);
    expect(result).toBe(7);
    expect(heard).toEqual([one, another]);
  });

  it('is not heard where a run within another wants none heard', () => {
    const heard: string[] = [];
    hearCoverageMarks(
      (mark) => heard.push(mark),
      () => {
        hearCoverageMarks(null, () => coverageMark(one));
        coverageMark(another);
      },
    );
    expect(heard).toEqual([another]);
  });

  it('is not heard any more after a run that throws', () => {
    const heard: string[] = [];
    const listen = (mark: string): void => void heard.push(mark);
    const failing = (): never => {
      throw new Error('it ends');
    };
    expect(() => hearCoverageMarks(listen, failing)).toThrow('it ends');
    coverageMark(one);
    expect(heard).toEqual([]);
  });
});
