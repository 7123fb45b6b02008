import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/base/result.ts';
import type { SnapshotError, SnapshotView } from '../../src/runtime/controller-api.ts';
import { TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

type Taken = Result<SnapshotView, SnapshotError>;

function take(node: HostedNode): { readonly answers: readonly Taken[] } {
  const answers: Taken[] = [];
  node.running.takeSnapshot?.((result) => answers.push(result));
  return { answers };
}

function listOf(node: HostedNode): readonly SnapshotView[] {
  return node.running.snapshots?.() ?? [];
}

describe('a snapshot that is asked for', () => {
  it('holds what the node has applied, and is listed; it is taken once for one state', () => {
    const quorum = TestQuorum.serving();
    const [node] = quorum.followers();
    if (node === undefined) throw new Error('nobody follows');
    quorum.call(quorum.leader(), 'openSession');
    quorum.settle();
    expect(listOf(node)).toEqual([]);
    const { appliedOffset } = node.status();
    const [first, second] = [take(node), take(node)];
    expect(first.answers).toEqual([]);
    quorum.until(() => first.answers.length + second.answers.length === 2, 'both are answered');
    const [view] = listOf(node);
    expect(view?.endOffset).toBe(appliedOffset);
    expect([...first.answers, ...second.answers]).toEqual([
      { ok: true, value: view },
      { ok: true, value: view },
    ]);
    const again = take(node);
    quorum.until(() => again.answers.length > 0, 'it is answered again');
    expect(again.answers).toEqual([{ ok: true, value: view }]);
    // It is the node's own: the others have none of it.
    expect(listOf(quorum.leader())).toEqual([]);
  });

  it('that holds more than the one being written is taken after it', () => {
    const quorum = TestQuorum.serving({ seed: 2 });
    const leader = quorum.leader();
    quorum.settle();
    const first = take(leader);
    quorum.run(0);
    quorum.call(leader, 'openSession');
    const { appliedOffset } = leader.status();
    const second = take(leader);
    quorum.until(() => first.answers.length + second.answers.length === 2, 'both are answered');
    expect(second.answers[0]).toMatchObject({ ok: true, value: { endOffset: appliedOffset } });
    expect(listOf(leader)[0]?.endOffset).toBe(appliedOffset);
  });

  it('is refused by a node that has not joined, or stops', () => {
    const quorum = new TestQuorum({ seed: 3 });
    const node = quorum.node(0);
    quorum.start(node);
    const early = take(node);
    quorum.run(5);
    expect(early.answers).toMatchObject([{ ok: false, error: { code: 'NOT_CONTROLLER' } }]);
    expect(listOf(node)).toEqual([]);
  });

  it('is refused while the voters change: it would hold some that may never be in force', () => {
    const quorum = TestQuorum.serving({ observers: 1, seed: 4 });
    quorum.untilRegistered();
    quorum.settle();
    const leader = quorum.leader();
    // Nobody is heard any more once the change is in the leader's log.
    leader.admit = () => leader.status().voters.length === 3;
    quorum.submit(leader, 'addVoter', { body: { controllerId: 3 } });
    quorum.until(() => leader.status().voters.length === 4, 'the change is in the log');
    const taken = take(leader);
    quorum.until(() => taken.answers.length > 0, 'it is answered');
    expect(taken.answers).toMatchObject([{ ok: false, error: { code: 'VOTER_CHANGE_PENDING' } }]);
    expect(listOf(leader)).toEqual([]);
  });
});
