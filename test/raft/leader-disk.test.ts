import { describe, expect, it } from 'vitest';
import { testConfig } from './harness/host.ts';
import { fetchOf, lastRound, Lone } from './harness/lone.ts';

describe('the disk of a leader', () => {
  it('makes it resign when it hangs for 1.5 fetch timeouts and a voter can take over', () => {
    for (const canTakeOver of [true, false]) {
      const lone = new Lone();
      lone.becomeCommittedLeader();
      lone.cluster.holdIo(1, true);
      lone.propose('a');
      const roles: string[] = [];
      for (let turn = 0, round = 1; turn < 6; turn++) {
        roles.push(lone.core.role);
        // Both follow all the time, and one of them is as far as the leader, or none is.
        const { logEndOffset } = lone.core;
        for (const from of [2, 3]) {
          const fetchOffset = canTakeOver ? logEndOffset : 3;
          lone.receive(from, fetchOf(lone, from, { round, fetchOffset }));
          round = lastRound(lone) ?? round;
        }
        lone.tick(testConfig.fetchTimeoutMs / 4);
        round = lastRound(lone) ?? round;
      }
      expect(new Set(roles)).toEqual(new Set(['leader']));
      expect(lone.core.role).toBe(canTakeOver ? 'resigned' : 'leader');
    }
  });

  it('leaves it the leader while it is far behind and completes one flush after the other', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.holdIo(1, true);
    for (let turn = 0, round = 1; turn < 30; turn++) {
      // Two appends for each flush: the oldest that waits is soon older than the disk may hang.
      lone.propose('a');
      lone.propose('b');
      lone.receive(2, fetchOf(lone, 2, { round, fetchOffset: lone.core.logEndOffset }));
      lone.tick(testConfig.fetchTimeoutMs / 4);
      round = lastRound(lone) ?? round;
      lone.host.completeIo(lone.nowMs, 'log');
    }
    expect(lone.core.role).toBe('leader');
  });

  it('leaves it the leader while it is slow and gets on', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.holdIo(1, true);
    for (let turn = 0, round = 1; turn < 30; turn++) {
      lone.propose('a');
      lone.receive(2, fetchOf(lone, 2, { round }));
      lone.tick(testConfig.fetchTimeoutMs / 4);
      round = lastRound(lone) ?? round;
      if (turn % 4 === 3) lone.cluster.completeIo(1);
    }
    expect(lone.core.role).toBe('leader');
  });
});
