import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check, timeoutMs } from './check.ts';
import { steps } from './cluster-commands.ts';
import { History, type Seen } from './cluster-history.ts';

describe('every sequence of writes', () => {
  it('leaves what the model says, refuses what it refuses, and answers a key but once', {
    timeout: timeoutMs,
  }, () => {
    const seen: Seen = { answers: new Map(), repeated: 0 };
    check(
      fc.property(steps, (sequence) => {
        const history = new History(seen);
        for (const step of sequence) history.take(step);
      }),
      150,
    );
    expect(seen.repeated).toBeGreaterThan(0);
    expect(seen.answers.size).toBeGreaterThan(20);
  });
});
