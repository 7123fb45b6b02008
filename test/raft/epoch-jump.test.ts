import { describe, expect, it } from 'vitest';
import { epoch } from '../../src/base/brands.ts';
import { Cluster } from './harness/cluster.ts';
import { beginQuorumEpoch, fetchOf, Lone, voteRequest } from './harness/lone.ts';

describe('an absurd epoch', () => {
  it('is not believed, and takes nobody to where no epoch is left', () => {
    const lone = new Lone({ epoch: 5 });
    for (const message of [
      voteRequest(2, { epoch: 2 ** 31 - 1 }),
      beginQuorumEpoch(2, 5 + 2 ** 20 + 1),
      fetchOf(lone, 2, { epoch: 2 ** 30 }),
    ]) {
      lone.receive(2, message);
      expect(lone.seen('badMessage')).toHaveLength(1);
      expect(lone.core.epoch).toBe(5);
    }
    lone.receive(2, beginQuorumEpoch(2, 5 + 2 ** 20));
    expect(lone.core).toMatchObject({ role: 'follower', epoch: 5 + 2 ** 20 });
  });

  it('is believed once a majority of the voters names one so far ahead, each in its own time', () => {
    const lone = new Lone({ epoch: 5, voters: [1, 2, 3, 4, 5] });
    const far = 5 + 2 ** 21;
    for (const [from, named] of [
      [2, far],
      [2, far + 1],
      // Not a voter, whatever it says.
      [9, far],
      // A voter that says what anybody might.
      [3, 6],
      [4, far + 2],
    ] as const) {
      lone.receive(from, voteRequest(from, { epoch: named, preVote: true }));
      expect(lone.core.epoch).toBe(5);
    }
    // The third agrees on an epoch as distant, but may not name one for itself that is far beyond.
    lone.receive(5, beginQuorumEpoch(5, 2 ** 31 - 1));
    expect(lone.core.epoch).toBe(5);
    lone.receive(5, beginQuorumEpoch(5, far));
    expect(lone.core).toMatchObject({ role: 'follower', epoch: far, leaderId: 5 });
  });

  it('is where a voter that was away for very long finds its quorum, by itself', () => {
    const cluster = new Cluster({ voters: [1, 2, 3] });
    cluster.startAll();
    cluster.elect(1);
    cluster.run(1_000);
    cluster.crash(3);
    const far = epoch(2 ** 22);
    for (const id of [1, 2]) {
      cluster.crash(id);
      cluster.start(id, (disk) => {
        disk.quorumState = { ...disk.quorumState, epoch: far, leaderId: null, voted: null };
      });
    }
    cluster.elect(2);
    cluster.propose(2, 1, ['while it was away']);
    cluster.run(1_000);
    cluster.start(3);
    cluster.run(20_000);
    const { core } = cluster.host(3);
    expect(core.epoch).toBe(cluster.host(2).core.epoch);
    expect(core).toMatchObject({ role: 'follower', leaderId: 2, logEndOffset: cluster.endOf(2) });
  });

  it('of the other is enough for one of two voters', () => {
    const lone = new Lone({ epoch: 5, voters: [1, 2] });
    lone.receive(2, beginQuorumEpoch(2, 2 ** 22));
    expect(lone.core).toMatchObject({ role: 'follower', epoch: 2 ** 22 });
  });

  it('may be what a new observer finds in an old cluster, but neither an old observer nor a new voter', () => {
    const lone = new Lone({ voters: [2, 3] });
    lone.receive(2, beginQuorumEpoch(2, 2 ** 22));
    expect(lone.core).toMatchObject({ role: 'follower', epoch: 2 ** 22 });
    for (const other of [new Lone({ voters: [2, 3], epoch: 5 }), new Lone()]) {
      const before = other.core.epoch;
      other.receive(2, beginQuorumEpoch(2, 2 ** 22));
      expect(other.core.epoch).toBe(before);
    }
  });
});
