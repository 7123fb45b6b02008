import { describe, expect, it } from 'vitest';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { codeOf, TestQuorum } from './support/quorum.ts';

describe('a leader whose disk hangs', () => {
  it('leaves to one of the others, and what it has acknowledged stays', () => {
    const quorum = TestQuorum.serving({ seed: 71 });
    const hung = quorum.leader();
    hung.disk.slowness = 1_000_000;
    // The others commit it without this node's disk.
    expect(codeOf(quorum.call(hung, 'openSession'))).toBe('ok');
    quorum.until(() => hung.status().role !== 'leader', 'it leaves', 3_000);
    const next = quorum.leader();
    expect(next.id).not.toBe(hung.id);
    expect(codeOf(quorum.call(next, 'openSession'))).toBe('ok');
    expect(hung.fatal).toBeNull();
  });

  it('appends no more than it may hold in memory, and refuses nothing for that', () => {
    const quorum = TestQuorum.serving({ seed: 73 });
    const hung = quorum.leader();
    quorum.settle();
    hung.disk.slowness = 1_000_000;
    const before = hung.status().logEndOffset;
    for (let turn = 0; turn < 450; turn++) {
      quorum.submit(hung, 'openSession', { timeoutMs: 60_000 });
      quorum.run(1);
    }
    // One batch a turn, and the others have committed each at once.
    const { role, logEndOffset, highWatermark } = hung.status();
    expect({ role, highWatermark }).toEqual({ role: 'leader', highWatermark: logEndOffset });
    expect(logEndOffset - before).toBeLessThanOrEqual(runtimeLimits.proposalsInFlightMax);
    expect(hung.logged.filter((line) => line.startsWith('proposal-refused'))).toEqual([]);
  });
});
