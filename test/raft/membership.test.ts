import { describe, expect, it } from 'vitest';
import { testConfig, voterOf } from './harness/host.ts';
import { Cluster } from './harness/cluster.ts';
import { answer, fetchOf, follow, lastFetch, Lone, recordsOf } from './harness/lone.ts';
import type { VoterChangeError } from '../../src/raft/effects.ts';
import { at, epochOf } from './harness/lone.ts';

let requestIds = 1;

/** Asks for a voter set; the answer, or undefined while there is none. */
function change(lone: Lone, ids: readonly number[]): VoterChangeError | null | undefined {
  lone.effects = [];
  lone.input({ type: 'voterChangeRequested', requestId: requestIds++, voters: ids.map((id) => voterOf(id)) });
  return lone.seen('voterChangeAnswered')[0]?.error;
}

function leaderWithObserver(): Lone {
  const lone = new Lone();
  lone.becomeCommittedLeader();
  lone.receive(4, fetchOf(lone, 4));
  return lone;
}

describe('voter sets', () => {
  it('takes effect when it is appended, on the leader and on a follower', () => {
    const lone = leaderWithObserver();
    expect(change(lone, [1, 2, 3, 4])).toBeUndefined();
    expect(lone.core.voters.map((voter) => voter.id)).toEqual([1, 2, 3, 4]);
    const control = lone.host.log.batches[1];
    const follower = new Lone({ log: [1] });
    const fetchId = follow(follower, 2);
    const records = recordsOf([1, 2], 1);
    const batch = { ...control, baseOffset: at(1), epoch: epochOf(2) } as (typeof records.batches)[number];
    follower.receive(2, answer(follower, 2, fetchId, { ...records, batches: [batch] }));
    expect(follower.core.voters.map((voter) => voter.id)).toEqual([1, 2, 3, 4]);
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(1) } as const;
    follower.receive(2, answer(follower, 2, lastFetch(follower).fetchId, diverging));
    expect(follower.core.voters.map((voter) => voter.id)).toEqual([1, 2, 3]);
  });

  it('are understood by the version in force, which a truncation takes back as well', () => {
    const lone = new Lone({ log: [1] });
    lone.becomeCommittedLeader();
    expect(lone.core.kraftVersion).toBe(0);
    lone.receive(4, fetchOf(lone, 4));
    const old = { ...voterOf(4), kraftVersions: { min: 0, max: 0 } };
    lone.input({ type: 'voterChangeRequested', requestId: 1, voters: [...lone.core.voters, old] });
    expect(lone.seen('voterChangeAnswered')).toMatchObject([{ error: 'UNSUPPORTED_VERSION' }]);
    const follower = new Lone({ log: [1] });
    const fetchId = follow(follower, 2);
    const records = [{ type: 'KRaftVersion', kraftVersion: 1 }] as const;
    const head = {
      baseOffset: at(1),
      epoch: epochOf(2),
      recordCount: 1,
      appendTimestampMs: 0,
      sizeInBytes: 1,
    };
    const body = { form: 'encoded', bytes: new Uint8Array(1) } as const;
    const batches = [{ kind: 'control', ...head, records, body }] as const;
    follower.receive(2, answer(follower, 2, fetchId, { ...recordsOf([1, 2], 1), batches }));
    expect(follower.core.kraftVersion).toBe(1);
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(1) } as const;
    follower.receive(2, answer(follower, 2, lastFetch(follower).fetchId, diverging));
    expect(follower.core).toMatchObject({ logEndOffset: 1, kraftVersion: 0 });
  });

  it('needs a majority of the new set to commit the new set', () => {
    const lone = leaderWithObserver();
    change(lone, [1, 2, 3, 4]);
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.core.highWatermark).toBe(3);
    lone.receive(4, fetchOf(lone, 4));
    expect(lone.core.highWatermark).toBe(4);
    expect(lone.seen('voterChangeAnswered')).toMatchObject([{ error: null }]);
  });

  it('counts of a new voter what it acknowledges as one, and not what it did as an observer', () => {
    const lone = new Lone({ voters: [1, 2] });
    lone.becomeCommittedLeader();
    lone.propose('a');
    lone.receive(4, fetchOf(lone, 4));
    expect(change(lone, [1, 2, 4])).toBeUndefined();
    expect(lone.core.highWatermark).toBe(3);
    lone.receive(4, fetchOf(lone, 4));
    expect(lone.core.highWatermark).toBe(5);
  });

  it('changes one voter at a time', () => {
    const lone = leaderWithObserver();
    for (const ids of [[1], [1, 2, 4], [1, 2, 3], [1, 2, 3, 4, 5], [], [1, 2, 2]]) {
      expect(change(lone, ids)).toBe('NOT_ONE_VOTER');
    }
  });

  it('does not take away the only voter', () => {
    const lone = new Lone({ voters: [1] });
    while (lone.core.role !== 'leader') lone.tickToNext();
    expect(change(lone, [])).toBe('NOT_ONE_VOTER');
  });

  it('begins no change while another is not committed', () => {
    const lone = leaderWithObserver();
    change(lone, [1, 2, 3, 4]);
    expect(change(lone, [1, 2, 3])).toBe('CHANGE_PENDING');
  });

  it('begins no change before a record of its own epoch is committed', () => {
    const lone = new Lone();
    lone.becomeLeader();
    expect(change(lone, [1, 2])).toBe('HIGH_WATERMARK_UNKNOWN');
  });

  it('adds no voter that has not caught up', () => {
    const lone = leaderWithObserver();
    expect(change(lone, [1, 2, 3, 5])).toBe('NOT_CAUGHT_UP');
    lone.propose('a');
    lone.tick(testConfig.fetchTimeoutMs + 1);
    expect(change(lone, [1, 2, 3, 4])).toBe('NOT_CAUGHT_UP');
  });

  it('adds no voter that does not understand the protocol in force', () => {
    const lone = leaderWithObserver();
    lone.effects = [];
    const old = { ...voterOf(4), kraftVersions: { min: 0, max: 0 } };
    const voters = [...lone.core.voters, old];
    lone.input({ type: 'voterChangeRequested', requestId: 1, voters });
    expect(lone.seen('voterChangeAnswered')).toMatchObject([{ error: 'UNSUPPORTED_VERSION' }]);
  });

  it('updates the endpoint of a voter in place', () => {
    const lone = leaderWithObserver();
    lone.effects = [];
    const moved = { ...voterOf(3), endpoint: { host: 'elsewhere', port: 1 } };
    lone.input({ type: 'voterChangeRequested', requestId: 1, voters: [voterOf(1), voterOf(2), moved] });
    expect(lone.core.voters[2]?.endpoint.host).toBe('elsewhere');
  });

  it.each([
    ['host', { endpoint: { ...voterOf(3).endpoint, host: 'elsewhere' } }],
    ['port', { endpoint: { ...voterOf(3).endpoint, port: 1 } }],
    ['lowest version', { kraftVersions: { min: 1, max: 1 } }],
    ['highest version', { kraftVersions: { min: 0, max: 2 } }],
  ])('takes another %s alone for an update', (_, difference) => {
    const lone = leaderWithObserver();
    const voters = [voterOf(1), voterOf(2), { ...voterOf(3), ...difference }];
    lone.input({ type: 'voterChangeRequested', requestId: 1, voters });
    expect(lone.core.voters).toEqual(voters);
  });

  it('refuses a change that it does not lead for, and reports a lost one as unknown', () => {
    const lone = new Lone();
    expect(change(lone, [1, 2])).toBe('NOT_LEADER');
    const leader = leaderWithObserver();
    change(leader, [1, 2, 3, 4]);
    leader.receive(2, fetchOf(leader, 2, { epoch: 9, lastFetchedEpoch: 0, fetchOffset: 0 }));
    expect(leader.seen('voterChangeAnswered')).toMatchObject([{ error: 'OUTCOME_UNKNOWN' }]);
  });

  it('commits its own removal without counting itself, and then resigns', () => {
    const lone = leaderWithObserver();
    change(lone, [2, 3]);
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.core).toMatchObject({ role: 'leader', highWatermark: 3 });
    lone.receive(3, fetchOf(lone, 3));
    expect(lone.core).toMatchObject({ role: 'resigned', highWatermark: 4, isActiveVoter: false });
  });

  it('needs a majority of the others to stay leader once it has removed itself', () => {
    const lone = leaderWithObserver();
    change(lone, [2, 3]);
    for (let turn = 0, round = 1; turn < 10 && lone.core.role === 'leader'; turn++) {
      lone.tick(testConfig.fetchTimeoutMs / 4);
      lone.receive(2, fetchOf(lone, 2, { fetchOffset: 3, round }));
      const outcome = lone.sent('fetchResponse', 2)[0]?.outcome;
      round = outcome?.kind === 'records' ? outcome.round : round;
    }
    // Node 2 follows all the time, and is no majority of nodes 2 and 3.
    expect(lone.core.role).toBe('resigned');
  });

  it('lets a replica that removed itself campaign until that is committed, without its own vote', () => {
    const cluster = new Cluster({ voters: [1, 2] });
    cluster.startAll();
    cluster.elect(1);
    cluster.cut(1, 2);
    cluster.input(1, { type: 'voterChangeRequested', requestId: 1, voters: [voterOf(2)] });
    expect(cluster.host(1).core.voters.map((voter) => voter.id)).toEqual([2]);
    cluster.crash(1);
    cluster.crash(2);
    cluster.heal();
    cluster.queue = [];
    cluster.startAll();
    cluster.run(10_000);
    const { core } = cluster.host(2);
    expect(core.role).toBe('leader');
    expect(core.voters.map((voter) => voter.id)).toEqual([2]);
    expect(cluster.host(1).core).toMatchObject({ role: 'follower', isActiveVoter: false });
  });

  it('does not let a removed replica disturb the rest', () => {
    const cluster = new Cluster({ voters: [1, 2, 3] });
    cluster.startAll();
    cluster.elect(1);
    cluster.cut(1, 3);
    cluster.input(1, { type: 'voterChangeRequested', requestId: 1, voters: [voterOf(1), voterOf(2)] });
    cluster.run(20_000);
    expect(cluster.host(1).core).toMatchObject({ role: 'leader', epoch: 1 });
    expect(cluster.host(3).core.epoch).toBe(1);
  });

  it('treats a voter that came back with an empty disk as an observer', () => {
    const cluster = new Cluster({ voters: [1, 2, 3] });
    cluster.startAll();
    cluster.elect(1);
    cluster.crash(3);
    cluster.wipe(3);
    cluster.start(3);
    cluster.run(1000);
    expect(cluster.host(3).core).toMatchObject({ role: 'follower', isActiveVoter: false, highWatermark: 3 });
    cluster.crash(2);
    cluster.propose(1, 1, ['a']);
    cluster.run(500);
    expect(cluster.host(1).core.highWatermark).toBe(3);
  });
});
