import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset, type Uuid, uuid } from '../../src/base/brands.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Input } from '../../src/raft/inputs.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { ReplicaKey } from '../../src/raft/replica-key.ts';
import { boundedPending } from '../../simulator/invariants/bounded-pending.ts';
import { durableAtSend } from '../../simulator/invariants/durable-at-send.ts';
import { electionSafety } from '../../simulator/invariants/election-safety.ts';
import { flushedSurvivesRestart } from '../../simulator/invariants/flushed-survives-restart.ts';
import { healthyLeaderStays } from '../../simulator/invariants/healthy-leader-stays.ts';
import { higherEpochsAreEntered } from '../../simulator/invariants/higher-epochs-are-entered.ts';
import { identitySurvivesRestart } from '../../simulator/invariants/identity-survives-restart.ts';
import { leaderWasElected } from '../../simulator/invariants/leader-was-elected.ts';
import { leaderWithoutMajorityResigns } from '../../simulator/invariants/leader-without-majority-resigns.ts';
import { leadersRecordsStay } from '../../simulator/invariants/leaders-records-stay.ts';
import { lostIdentitiesNeverVote } from '../../simulator/invariants/lost-identities-never-vote.ts';
import { olderFetchesAreRefused } from '../../simulator/invariants/older-fetches-are-refused.ts';
import { nothingWaitsForNobody } from '../../simulator/invariants/nothing-waits-for-nobody.ts';
import { oneBootstrapDescriptor } from '../../simulator/invariants/one-bootstrap-descriptor.ts';
import { oneVotePerEpoch } from '../../simulator/invariants/one-vote-per-epoch.ts';
import { oneVoterChangeAtATime } from '../../simulator/invariants/one-voter-change-at-a-time.ts';
import { onlyVotersCampaign } from '../../simulator/invariants/only-voters-campaign.ts';
import { recoveryEndsWhole } from '../../simulator/invariants/recovery-ends-whole.ts';
import { type Checker, type NodeView, type ObservedNode } from '../../simulator/observation.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import { connectedMajorities, partitionsAlone } from '../../simulator/faults/partitions.ts';
import { directories, replica, roleView, Scene, voter, voters } from './checker-scene.ts';

function send(checker: Checker, node: ObservedNode, to: number, message: Message): void {
  checker.onSend?.(node, nodeId(to), { channel: 'raft', message });
}

function vote(by: ReplicaKey, inEpoch: number, preVote = false): Message {
  return {
    type: 'voteResponse',
    clusterId: directories[0] ?? uuid(''),
    epoch: epoch(inEpoch),
    leaderId: null,
    voter: by,
    voteGranted: true,
    preVote,
    requestEpoch: epoch(inEpoch),
  };
}

describe('a checker of votes', () => {
  it('takes two candidates of one epoch for a violation, and two pre-votes for none', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVotePerEpoch(scene.cluster);
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1), 4, true)))).toBeNull();
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1), 5)))).toBeNull();
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1), 5)))).toBeNull();
    expect(scene.verdict(() => send(checker, node, 3, vote(replica(1), 5)))).toMatch('one vote in an epoch');
  });

  it('takes a vote below an epoch in which the identity has voted for a violation', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVotePerEpoch(scene.cluster);
    send(checker, node, 2, vote(replica(1), 5));
    expect(scene.verdict(() => send(checker, node, 3, vote(replica(1), 4)))).toMatch('one vote in an epoch');
  });

  it('takes a vote under an identity that was lost for a violation', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = lostIdentitiesNeverVote(scene.cluster);
    checker.afterBoot?.(node, scene.cluster.history.root);
    node.key = replica(1, 3);
    checker.afterBoot?.(node, scene.cluster.history.root);
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1, 3), 5)))).toBeNull();
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1), 5)))).toMatch('which was lost');
  });
});

describe('a checker of restarts', () => {
  const begin = { endOffset: offset(0), epoch: epoch(0) };
  const sound = { logStart: begin, isRecovering: false } as NodeView;
  const recovering = { logStart: begin, isRecovering: true } as NodeView;

  function restartedShorter(
    isDamaged: boolean,
    view: NodeView,
    newDirectory = 1,
    flushedOffset = 1,
  ): string | null {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = flushedSurvivesRestart(scene.cluster);
    const { root } = scene.cluster.history;
    node.view = sound;
    checker.afterBoot?.(node, root);
    const flushed = voters(scene, root, 1, [voter(1)]);
    checker.afterEvent?.(node, { ...sound, flushedOffset: offset(flushedOffset) });
    Object.assign(node, { isDamaged, view, key: replica(1, newDirectory) });
    return scene.verdict(() => checker.afterBoot?.(node, flushed));
  }

  it('takes a shorter log for a violation, unless the disk was damaged and the node knows of it', () => {
    expect(restartedShorter(false, sound)).toMatch('what was flushed survives a restart');
    expect(restartedShorter(false, recovering)).toMatch('what was flushed survives a restart');
    expect(restartedShorter(true, sound)).toMatch('does not know of its loss');
    expect(restartedShorter(true, recovering)).toBeNull();
    expect(restartedShorter(true, sound, 2)).toBeNull();
    expect(restartedShorter(true, sound, 1, 0)).toBeNull();
  });

  it('takes another identity than the one that was told to others for a violation on a sound disk', () => {
    const scene = new Scene();
    const [node, other] = [scene.node(1), scene.node(2)];
    const checker = identitySurvivesRestart(scene.cluster);
    for (const sender of [node, other]) send(checker, sender, 3, vote(sender.key, 1));
    node.key = replica(1, 3);
    expect(scene.verdict(() => send(checker, node, 3, vote(node.key, 1)))).toMatch('an identity survives');
    Object.assign(other, { key: replica(2, 3), isDamaged: true });
    expect(scene.verdict(() => send(checker, other, 3, vote(other.key, 1)))).toBeNull();
  });
});

describe('a checker of voter sets', () => {
  const nothing = {} as NodeView;

  it('lets one voter come once the set before is committed', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVoterChangeAtATime(scene.cluster);
    const first = voters(scene, scene.cluster.history.root, 1, [voter(1), voter(2)]);
    scene.cluster.committed = first;
    node.tip = voters(scene, first, 1, [voter(1), voter(2), voter(3)]);
    expect(scene.verdict(() => checker.afterEvent?.(node, nothing))).toBeNull();
  });

  it('takes a change by a leader that has committed nothing in its epoch for a violation', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVoterChangeAtATime(scene.cluster);
    const first = voters(scene, scene.cluster.history.root, 1, [voter(1), voter(2)]);
    scene.cluster.committed = first;
    node.tip = voters(scene, first, 2, [voter(1), voter(2), voter(3)]);
    expect(scene.verdict(() => checker.afterEvent?.(node, nothing))).toMatch('nothing of that epoch');
  });

  it('takes two changes at once for a violation, also where one voter has another disk', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVoterChangeAtATime(scene.cluster);
    const first = voters(scene, scene.cluster.history.root, 1, [voter(1), voter(2)]);
    scene.cluster.committed = first;
    node.tip = voters(scene, first, 2, [voter(1), voter(2, 3)]);
    expect(scene.verdict(() => checker.afterEvent?.(node, nothing))).toMatch('changes 2 voters');
  });

  it('takes a change upon an uncommitted one for a violation', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVoterChangeAtATime(scene.cluster);
    const first = voters(scene, scene.cluster.history.root, 1, [voter(1), voter(2)]);
    node.tip = voters(scene, first, 2, [voter(1), voter(2), voter(3)]);
    expect(scene.verdict(() => checker.afterEvent?.(node, nothing))).toMatch('is not committed');
  });
});

describe('a checker that asks who the voters are', () => {
  /** A node that calls itself a voter, or none, whose log says the contrary. */
  function contradicted(isSaid: boolean) {
    const scene = new Scene();
    const node = scene.node(1);
    const told = isSaid ? [voter(1), voter(2)] : [voter(2)];
    node.view = roleView('candidate', 4, { voters: told, isRecovering: false, highWatermark: offset(1) });
    node.tip = voters(scene, scene.cluster.history.root, 1, isSaid ? [voter(2)] : [voter(1), voter(2)]);
    const disk = new SimulatedDisk({ seed: 1, directories: [], spread: 0 });
    return { scene, node: { ...node, disk } };
  }

  it('takes a candidate for a violation that its own log does not name', () => {
    const { scene, node } = contradicted(true);
    const checker = onlyVotersCampaign(scene.cluster);
    const look = () => scene.verdict(() => node.view && checker.afterEvent?.(node, node.view));
    expect(look()).toMatch('is candidate and is no voter');
    const other = contradicted(false);
    const otherwise = onlyVotersCampaign(other.scene.cluster);
    expect(
      other.scene.verdict(() => other.node.view && otherwise.afterEvent?.(other.node, other.node.view)),
    ).toBeNull();
  });

  it('takes an epoch for a violation that a voter of the log has not on its disk, whatever it calls itself', () => {
    const { scene, node } = contradicted(false);
    const checker = durableAtSend(scene.cluster);
    expect(scene.verdict(() => send(checker, node, 2, vote(replica(1), 4, true)))).toMatch('its disk says 0');
  });
});

describe('a checker of what a node keeps', () => {
  it('takes more pending proposals than the limit for a violation', () => {
    const scene = new Scene();
    const { raft } = generateSchedule(1).config;
    const checker = boundedPending(scene.cluster, raft);
    const pending = (pendingProposals: number) => ({ pendingProposals }) as NodeView;
    const look = (count: number) =>
      scene.verdict(() => checker.afterAnyEvent?.(scene.node(1), pending(count)));
    expect(look(raft.pendingProposalsMax)).toBeNull();
    expect(look(raft.pendingProposalsMax + 1)).toMatch('pending state is bounded');
  });

  it('takes more of anything that waits than somebody waits for at the end for a violation', () => {
    const idle = { operations: 0, reads: 0, offsets: 0, forwards: 0 };
    const atEnd = (waiting: Partial<typeof idle>) => {
      const scene = new Scene();
      const view = roleView('follower', 4, { waiting: { ...idle, ...waiting } });
      scene.cluster.nodes.push({ ...scene.node(1), view });
      const askers = { requests: () => 3 };
      return scene.verdict(() => nothingWaitsForNobody(scene.cluster, askers).atEnd?.());
    };
    expect(atEnd({ operations: 3, reads: 3, offsets: 3, forwards: 3 })).toBeNull();
    expect(atEnd({ forwards: 12 })).toMatch('keeps 12 forwards');
  });

  it('takes two clusters where one was founded for a violation', () => {
    const scene = new Scene();
    const checker = oneBootstrapDescriptor(scene.cluster);
    const start = (clusterId: Uuid): void =>
      checker.onSend?.(scene.node(1), nodeId(2), {
        channel: 'bootstrap',
        message: { type: 'bootstrapStart', descriptor: { clusterId, voters: [voter(1)], featureLevels: [] } },
      });
    expect(scene.verdict(() => start(directories[1] ?? uuid('')))).toBeNull();
    expect(scene.verdict(() => start(directories[2] ?? uuid('')))).toMatch('one bootstrap descriptor');
  });
});

describe('a checker of leaders', () => {
  const { raft } = generateSchedule(1).config;

  it('takes two leaders of one epoch for a violation, and so two lives of one node that lead it', () => {
    const scene = new Scene();
    const [one, two] = [scene.node(1), scene.node(2)];
    const checker = electionSafety(scene.cluster);
    const look = (node: ObservedNode, inEpoch: number) =>
      scene.verdict(() => checker.afterEvent?.(node, roleView('leader', inEpoch)));
    one.process.begin();
    expect(look(one, 4)).toBeNull();
    expect(look(one, 4)).toBeNull();
    expect(look(two, 5)).toBeNull();
    expect(look(two, 4)).toMatch('election safety');
    one.process.end();
    one.process.begin();
    expect(look(one, 4)).toMatch('both lead epoch 4');
  });

  it('takes a leader for a violation for which too few have voted in its epoch', () => {
    const scene = new Scene();
    const leader = scene.node(1);
    const checker = leaderWasElected(scene.cluster);
    send(checker, scene.node(2), 1, vote(replica(2), 4));
    send(checker, scene.node(2), 1, vote(replica(2), 4));
    send(checker, scene.node(3), 1, vote(replica(3), 5, true));
    const look = (inEpoch: number) =>
      scene.verdict(() => checker.afterEvent?.(leader, roleView('leader', inEpoch)));
    expect(look(4)).toBeNull();
    expect(look(5)).toMatch('a leader was elected');
  });

  it('takes a leader for a violation that stays for long without being heard', () => {
    const scene = new Scene();
    const leader = scene.node(1);
    const checker = leaderWithoutMajorityResigns(scene.cluster, raft);
    const look = () => scene.verdict(() => checker.afterAnyEvent?.(leader, roleView('leader', 4)));
    const stepUs = raft.fetchTimeoutMs * 250;
    for (let step = 0; step <= 12; step++) {
      scene.world.runUntil(step * stepUs);
      expect(look()).toBeNull();
    }
    scene.world.runUntil(13 * stepUs);
    expect(look()).toMatch('a leader without a majority resigns');
  });

  it('takes a leader that is deposed though nothing is wrong in its majority for a violation', () => {
    const schedule = generateSchedule(3, 'long partitions');
    const [first] = partitionsAlone(schedule) ?? [];
    const endUs = (first?.atUs ?? 0) + (first?.forUs ?? 0);
    const places = Array.from({ length: schedule.config.nodes }, (_, at) => at);
    const [majority] = connectedMajorities(schedule.config.nodes, first === undefined ? [] : [first]);
    const sound = places.find((at) => majority?.includes(at) === true) ?? 0;
    const scene = new Scene();
    const nodes = places.map((at) => scene.node(at + 1));
    scene.cluster.nodes.push(...nodes);
    const checker = healthyLeaderStays(scene.cluster, schedule);
    const look = (role: NodeView['role'], inEpoch: number) =>
      scene.verdict(() => {
        const node = nodes[sound];
        if (node !== undefined) checker.afterEvent?.(node, roleView(role, inEpoch));
      });
    expect(look('leader', 4)).toBeNull();
    scene.world.runUntil(endUs - 1);
    expect(look('leader', 4)).toBeNull();
    expect(look('unattached', 5)).toMatch('a leader with a sound majority stays');
  });
});

describe('a checker of epochs', () => {
  const voteRequest = (inEpoch: number, preVote: boolean): Input =>
    ({
      type: 'messageReceived',
      nowMs: 0,
      from: nodeId(2),
      message: { type: 'voteRequest', epoch: epoch(inEpoch), voter: replica(1), preVote } as Message,
    }) as const;

  it('takes a node for a violation that hears of a higher epoch and stays, but not for a pre-vote', () => {
    const scene = new Scene();
    const node: ObservedNode = { ...scene.node(1), view: roleView('follower', 4) };
    const checker = higherEpochsAreEntered(scene.cluster);
    const look = (input: Input) => scene.verdict(() => checker.onEffects?.(node, input, []));
    expect(look(voteRequest(4, false))).toBeNull();
    expect(look(voteRequest(5, true))).toBeNull();
    expect(look(voteRequest(5, false))).toMatch('a higher epoch is entered');
  });

  it('takes a fetch of an older epoch that is served for a violation', () => {
    const scene = new Scene();
    const node: ObservedNode = { ...scene.node(1), view: roleView('leader', 4) };
    const checker = olderFetchesAreRefused(scene.cluster);
    const fetch = (inEpoch: number): Input => ({
      type: 'messageReceived',
      nowMs: 0,
      from: nodeId(2),
      message: { type: 'fetchRequest', epoch: epoch(inEpoch) } as Message,
    });
    const advance = { type: 'highWatermarkAdvanced', highWatermark: offset(3) } as const;
    const look = (input: Input) => scene.verdict(() => checker.onEffects?.(node, input, [advance]));
    expect(look(fetch(4))).toBeNull();
    expect(look(fetch(3))).toMatch('a fetch of an older epoch is refused');
  });
});

describe('a checker of followers', () => {
  const from = nodeId(2);
  const message = { type: 'fetchResponse', epoch: epoch(4) } as Message;
  const input = { type: 'messageReceived', nowMs: 0, from, message } as Input;
  const append = { type: 'appendBatches', ioId: 1, batches: [] } as const;
  const truncate = { type: 'truncateLog', ioId: 2, to: offset(3) } as const;

  it("takes a truncation behind the leader's own records for a violation, and one before them for none", () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = leadersRecordsStay(scene.cluster);
    const look = (effect: Effect) => scene.verdict(() => checker.onEffects?.(node, input, [effect]));
    expect(look(truncate)).toBeNull();
    expect(look(append)).toBeNull();
    expect(look(truncate)).toMatch("a leader's records are not truncated in its epoch");
  });

  it('takes a recovery for a violation that ends without what was acknowledged', () => {
    const scene = new Scene();
    const { cluster } = scene;
    const acknowledged = voters(scene, cluster.history.root, 1, [voter(1), voter(2)]);
    const leader = { ...scene.node(2), view: roleView('leader', 4), tip: acknowledged };
    const lost: ObservedNode = { ...scene.node(1), lostTip: acknowledged, durableTip: cluster.history.root };
    cluster.nodes.push(lost, leader);
    const checker = recoveryEndsWhole(cluster);
    const logStart = { endOffset: offset(0), epoch: epoch(0) };
    const look = (isRecovering: boolean) =>
      scene.verdict(() => checker.afterEvent?.(lost, roleView('follower', 4, { isRecovering, logStart })));
    const outcome = { kind: 'records', highWatermark: 2, epochStartOffset: 1, logEndOffset: 1 };
    const answer = { type: 'fetchResponse', epoch: epoch(4), outcome } as unknown as Message;
    const answered = { type: 'messageReceived', nowMs: 0, from, message: answer } as Input;
    expect(look(true)).toBeNull();
    checker.onEffects?.(lost, answered, []);
    lost.durableTip = acknowledged;
    expect(look(false)).toBeNull();
    lost.durableTip = cluster.history.root;
    expect(look(true)).toBeNull();
    expect(look(false)).toMatch('a recovery ends with everything that was acknowledged');
  });
});
