import { describe, expect, it } from 'vitest';
import { type Epoch, epoch, nodeId, type Uuid, uuid } from '../../src/base/brands.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { ReplicaKey, Voter } from '../../src/raft/replica-key.ts';
import type { BatchNode } from '../../simulator/batch-history.ts';
import { boundedPending } from '../../simulator/invariants/bounded-pending.ts';
import { lostIdentitiesNeverVote } from '../../simulator/invariants/lost-identities-never-vote.ts';
import { oneBootstrapDescriptor } from '../../simulator/invariants/one-bootstrap-descriptor.ts';
import { oneVotePerEpoch } from '../../simulator/invariants/one-vote-per-epoch.ts';
import { oneVoterChangeAtATime } from '../../simulator/invariants/one-voter-change-at-a-time.ts';
import {
  type Checker,
  ClusterObservation,
  type NodeView,
  type ObservedNode,
} from '../../simulator/observation.ts';
import { World } from '../../simulator/world.ts';
import { generateSchedule } from '../../simulator/faults/generate.ts';

const directories: readonly Uuid[] = ['A', 'B', 'C', 'D'].map((letter) => uuid(`${letter.repeat(21)}A`));

function replica(id: number, directory = id): ReplicaKey {
  return { id: nodeId(id), directoryId: directories[directory] ?? uuid('AAAAAAAAAAAAAAAAAAAAAA') };
}

function voter(id: number, directory = id): Voter {
  const endpoint = { host: 'node', port: 1 };
  return { ...replica(id, directory), endpoint, kraftVersions: { min: 0, max: 1 } };
}

/** A cluster of which a test says what its nodes did. The checkers ask no more of a node than they are given. */
class Scene {
  readonly cluster: ClusterObservation;
  readonly world = new World({ seed: 1 });

  constructor() {
    this.cluster = new ClusterObservation(this.world, () => {
      throw new Error('no disk is looked at');
    });
  }

  node(id: number): ObservedNode {
    const process = this.world.addProcess(`node${id}`, { driftPpm: 0, wallOffsetMs: 0 });
    const node: Partial<ObservedNode> = {
      id: nodeId(id),
      process,
      key: replica(id),
      tip: this.cluster.history.root,
      wipedDirectories: new Set(),
    };
    return node as ObservedNode;
  }

  /** What a checker says to `act`, or null. */
  verdict(act: () => void): string | null {
    try {
      act();
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

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

/** Appends a batch that brings a voter set. */
function voters(scene: Scene, parent: BatchNode, inEpoch: number, set: readonly Voter[]): BatchNode {
  const batch: LogBatch = {
    kind: 'control',
    baseOffset: parent.endOffset,
    epoch: inEpoch as Epoch,
    recordCount: 1,
    appendTimestampMs: 0,
    sizeInBytes: 1,
    records: [{ type: 'KRaftVoters', voters: set }],
    body: { form: 'none' },
  };
  return scene.cluster.history.extend(parent, batch, parent.endOffset + 1, (message) => {
    throw new Error(message);
  });
}

describe('a checker of voter sets', () => {
  const nothing = {} as NodeView;

  it('lets one voter come once the set before is committed', () => {
    const scene = new Scene();
    const node = scene.node(1);
    const checker = oneVoterChangeAtATime(scene.cluster);
    const first = voters(scene, scene.cluster.history.root, 1, [voter(1), voter(2)]);
    scene.cluster.committed = first;
    node.tip = voters(scene, first, 2, [voter(1), voter(2), voter(3)]);
    expect(scene.verdict(() => checker.afterEvent?.(node, nothing))).toBeNull();
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

describe('a checker of what a node keeps', () => {
  it('takes more pending proposals than the limit for a violation', () => {
    const scene = new Scene();
    const { raft } = generateSchedule(1).config;
    const checker = boundedPending(scene.cluster, raft);
    const pending = (pendingProposals: number) => ({ pendingProposals }) as NodeView;
    const look = (count: number) => scene.verdict(() => checker.afterEvent?.(scene.node(1), pending(count)));
    expect(look(raft.pendingProposalsMax)).toBeNull();
    expect(look(raft.pendingProposalsMax + 1)).toMatch('pending state is bounded');
  });

  it('takes two clusters where one was founded for a violation', () => {
    const scene = new Scene();
    const checker = oneBootstrapDescriptor(scene.cluster);
    const start = (clusterId: Uuid): void =>
      checker.onSend?.(scene.node(1), nodeId(2), {
        channel: 'bootstrap',
        message: { type: 'bootstrapStart', descriptor: { clusterId, voters: [voter(1)] } },
      });
    expect(scene.verdict(() => start(directories[1] ?? uuid('')))).toBeNull();
    expect(scene.verdict(() => start(directories[2] ?? uuid('')))).toMatch('one bootstrap descriptor');
  });
});
