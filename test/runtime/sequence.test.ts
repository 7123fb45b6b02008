import { describe, expect, it } from 'vitest';
import { runSequence, type Sequence, wait } from '../../src/runtime/sequence.ts';

describe('a sequence', () => {
  it('is resumed with what each submission brings, and hands on its value once', () => {
    const resumes: ((value: number) => void)[] = [];
    function* sum(): Sequence<number> {
      const first = yield* wait<number>((done) => resumes.push(done));
      const second = yield* wait<number>((done) => resumes.push(done));
      return first + second;
    }
    const values: number[] = [];
    runSequence(sum(), (value) => values.push(value));
    resumes[0]?.(2);
    expect(values).toEqual([]);
    resumes[1]?.(3);
    expect(values).toEqual([5]);
  });

  it('takes a hundred thousand completions that come at once without deepening the stack', () => {
    function* count(): Sequence<number> {
      let total = 0;
      for (let at = 0; at < 100_000; at++) total += yield* wait<number>((done) => done(1));
      return total;
    }
    const values: number[] = [];
    runSequence(count(), (value) => values.push(value));
    expect(values).toEqual([100_000]);
  });
});
