import { describe, expect, it } from 'vitest';
import { imageDigest } from '../../src/metadata/image.ts';
import { supportedVersions } from '../../src/runtime/node-options.ts';
import { responseOf } from './support/brokers.ts';
import { codeOf, TestQuorum, type TestRequest } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

const newcomer = 3;

function withObserver(seed = 1): TestQuorum {
  const quorum = TestQuorum.serving({ observers: 1, seed });
  quorum.untilRegistered();
  quorum.settle();
  return quorum;
}

function addition(more: object = {}): TestRequest {
  return { body: { controllerId: newcomer, host: `node${newcomer}`, port: 9645, ...more } };
}

function votersOf(node: HostedNode): readonly number[] {
  return node.status().voters.map(({ id }) => id);
}

function expectSameState(quorum: TestQuorum): void {
  quorum.settle();
  const digests = quorum.nodes.map(({ node }) => {
    const image = node?.image() ?? null;
    return image === null ? null : `${image.endOffset} ${imageDigest(image)}`;
  });
  expect(new Set(digests.filter((digest) => digest !== null)).size).toBe(1);
}

describe('an operator', () => {
  it('makes a voter of an observer, which then counts, and of a voter an observer', () => {
    const quorum = withObserver();
    const { directoryId } = quorum.node(newcomer).status();
    const added = quorum.call(quorum.leader(), 'addVoter', addition());
    expect(responseOf(added)).toEqual({ controllerId: newcomer, directoryId });
    expectSameState(quorum);
    for (const node of quorum.nodes) expect(votersOf(node)).toEqual([0, 1, 2, newcomer]);
    expect(quorum.node(newcomer).status().isObserver).toBe(false);

    // With one of the four gone, three are a majority, and the newcomer is needed for it once two are gone.
    const [first] = quorum.followers().filter(({ id }) => id !== newcomer);
    if (first === undefined) throw new Error('nobody follows');
    quorum.kill(first);
    expect(codeOf(quorum.call(quorum.leader(), 'openSession'))).toBe('ok');
    quorum.start(first);
    expectSameState(quorum);

    const removal = { params: { controllerId: first.id } };
    expect(codeOf(quorum.call(quorum.leader(), 'removeVoter', removal))).toBe('ok');
    expectSameState(quorum);
    expect(votersOf(quorum.leader())).not.toContain(first.id);
    expect(first.status().isObserver).toBe(true);
  });

  it('need not say where a voter is to be reached that has registered', () => {
    const quorum = withObserver(10);
    expect(codeOf(quorum.call(quorum.leader(), 'addVoter', { body: { controllerId: newcomer } }))).toBe('ok');
    expectSameState(quorum);
    const added = quorum
      .leader()
      .status()
      .voters.find(({ id }) => id === newcomer);
    expect(added?.endpoint).toEqual({ host: 'node3', port: 9645 });
    // What else it understands the leader learns from its registration, and says in the next set.
    quorum.until(() => {
      const voter = quorum
        .leader()
        .status()
        .voters.find(({ id }) => id === newcomer);
      return voter?.kraftVersions.min === supportedVersions.kraftVersions.min;
    }, 'the voter set says what the voter understands');
  });

  it('is refused any change of the voters by a log that knows no voter sets', () => {
    const older = { ...supportedVersions, kraftVersions: { min: 0, max: 0 } };
    const quorum = TestQuorum.serving({ observers: 1, seed: 11, supported: new Map([[0, older]]) });
    quorum.settle();
    const code = (operationId: string, request: TestRequest): string =>
      codeOf(quorum.call(quorum.leader(), operationId, request));
    expect(code('addVoter', addition())).toBe('UNSUPPORTED_VERSION');
    expect(code('removeVoter', { params: { controllerId: 1 } })).toBe('UNSUPPORTED_VERSION');
  });

  it('asks any node, which passes it on', () => {
    const quorum = withObserver(2);
    const [follower] = quorum.followers();
    if (follower === undefined) throw new Error('nobody follows');
    const answer = quorum.call(follower, 'addVoter', addition());
    expect([codeOf(answer), answer.forwarded]).toEqual(['ok', true]);
  });

  it('changes the voters while clients write, and no write is lost by it', () => {
    const quorum = withObserver(3);
    const leader = quorum.leader();
    const writes = Array.from({ length: 10 }, () => quorum.submit(leader, 'openSession'));
    const change = quorum.submit(leader, 'addVoter', addition());
    for (let at = 0; at < 40; at++) {
      quorum.run(1);
      writes.push(quorum.submit(leader, 'openSession'));
    }
    quorum.until(() => [...writes, change].every(({ answers }) => answers.length > 0), 'all are answered');
    expect(codeOf(change.answers[0])).toBe('ok');
    expect(new Set(writes.map(({ answers }) => codeOf(answers[0])))).toEqual(new Set(['ok']));
    expect(leader.logged.filter((line) => line.startsWith('proposal-refused'))).toEqual([]);
    expectSameState(quorum);
  });

  it('is refused, by name, what cannot be', () => {
    const quorum = withObserver(4);
    const leader = quorum.leader();
    const code = (operationId: string, request: TestRequest): string =>
      codeOf(quorum.call(quorum.leader(), operationId, request));
    expect(code('addVoter', { body: { controllerId: 1, host: 'node1', port: 9645 } })).toBe(
      'DUPLICATE_VOTER',
    );
    const unknown = { controllerId: 9, directoryId: leader.status().directoryId };
    expect(code('addVoter', { body: unknown })).toBe('INVALID_REQUEST');
    expect(code('addVoter', { body: { controllerId: 9, host: 'node9', port: 9645 } })).toBe(
      'VOTER_NOT_CAUGHT_UP',
    );
    const { directoryId } = leader.status();
    expect(code('addVoter', addition({ directoryId }))).toBe('VOTER_NOT_CAUGHT_UP');
    expect(code('removeVoter', { params: { controllerId: newcomer } })).toBe('VOTER_NOT_FOUND');
    const elsewhere = { params: { controllerId: 1 }, query: { directoryId } };
    expect(
      code('removeVoter', leader.id === 1 ? { ...elsewhere, params: { controllerId: 2 } } : elsewhere),
    ).toBe('VOTER_NOT_FOUND');
    quorum.kill(quorum.node(newcomer));
    quorum.run(3_000);
    const gone = { controllerId: newcomer, host: 'node3', port: 9645 };
    expect(code('addVoter', { body: gone })).toBe('VOTER_NOT_CAUGHT_UP');
  });

  it('makes one change at a time', () => {
    const quorum = withObserver(5);
    const leader = quorum.leader();
    const [first, second] = quorum.followers().filter(({ id }) => id !== newcomer);
    if (first === undefined || second === undefined) throw new Error('too few follow');
    const changes = [
      quorum.submit(leader, 'addVoter', addition()),
      quorum.submit(leader, 'removeVoter', { params: { controllerId: first.id } }),
    ];
    quorum.until(() => changes.every(({ answers }) => answers.length > 0), 'both are answered');
    expect(changes.map(({ answers }) => codeOf(answers[0])).sort()).toEqual(['VOTER_CHANGE_PENDING', 'ok']);
  });

  it('only hears whether it could be done when it asks no more, and nothing is done', () => {
    const quorum = withObserver(6);
    const end = quorum.leader().status().logEndOffset;
    const validated = (operationId: string, request: TestRequest): string =>
      codeOf(quorum.call(quorum.leader(), operationId, { ...request, validateOnly: true }));
    expect(validated('addVoter', addition())).toBe('ok');
    expect(validated('removeVoter', { params: { controllerId: 1 } })).toBe('ok');
    expect(validated('removeVoter', { params: { controllerId: 9 } })).toBe('VOTER_NOT_FOUND');
    expect(validated('transferLeadership', {})).toBe('ok');
    expect(validated('transferLeadership', { body: { preferredSuccessor: newcomer } })).toBe(
      'VOTER_NOT_FOUND',
    );
    expect(quorum.leader().status().logEndOffset).toBe(end);
  });

  it('is told that it is not known when leadership is lost before the change is committed', () => {
    const quorum = withObserver(7);
    const leader = quorum.leader();
    // Nobody is heard any more once the change is in the leader's log.
    leader.admit = () => leader.status().voters.length === 3;
    const change = quorum.submit(leader, 'addVoter', { ...addition(), timeoutMs: 60_000 });
    quorum.until(() => change.answers.length > 0, 'it is answered');
    expect(codeOf(change.answers[0])).toBe('OUTCOME_UNKNOWN');
  });
});

describe('leadership', () => {
  // A wish: another voter wins the election when it is quicker to hear of it, and the answer names who was wished for.
  it.each([8, 13])(
    'goes to the voter that an operator prefers, where no other is quicker: seed %d',
    (seed) => {
      const quorum = withObserver(seed);
      const leader = quorum.leader();
      const successor = leader.id === 2 ? 1 : 2;
      const { epoch } = leader.status();
      const answer = quorum.call(leader, 'transferLeadership', { body: { preferredSuccessor: successor } });
      expect(responseOf(answer)).toEqual({
        resignedLeader: leader.id,
        resignedEpoch: epoch,
        preferredSuccessor: successor,
      });
      quorum.until(() => quorum.node(successor).status().active, 'the successor leads');
      expect(codeOf(quorum.call(quorum.node(successor), 'openSession'))).toBe('ok');
    },
  );

  it('stays where it is for want of another who could lead', () => {
    const quorum = withObserver(9);
    const leader = quorum.leader();
    const asked = (body: object): string => codeOf(quorum.call(leader, 'transferLeadership', { body }));
    expect(asked({ preferredSuccessor: leader.id })).toBe('INVALID_REQUEST');
    expect(asked({ preferredSuccessor: 9 })).toBe('VOTER_NOT_FOUND');
    const [follower] = quorum.followers().filter(({ id }) => id !== newcomer);
    if (follower === undefined) throw new Error('nobody follows');
    quorum.kill(follower);
    quorum.run(2_000);
    expect(asked({ preferredSuccessor: follower.id })).toBe('VOTER_NOT_CAUGHT_UP');
    expect(leader.status().active).toBe(true);
  });
});
