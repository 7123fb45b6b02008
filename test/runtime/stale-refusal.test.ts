import { describe, expect, it } from 'vitest';
import { responseOf } from './support/brokers.ts';
import { codeOf, quickSettings, TestQuorum } from './support/quorum.ts';

describe('a deposed leader', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'refuses nothing by a state that others have left behind, seed %i',
    (seed) => {
      const quorum = TestQuorum.serving({
        seed,
        settings: { raft: { ...quickSettings.raft, electionBackoffMaxMs: 20 } },
      });
      const deposed = quorum.leader();
      quorum.settle();
      quorum.isolate(deposed);
      const successor = () => quorum.nodes.find((node) => node !== deposed && node.status().active);
      quorum.until(() => successor() !== undefined, 'another leads');
      const next = successor();
      if (next === undefined) throw new Error('nobody leads');
      const { sessionId } = responseOf(quorum.call(next, 'openSession'));
      // It was told of already; whoever asks the other now must not hear that there is none.
      const answer = quorum.call(deposed, 'closeSession', { params: { sessionId } });
      expect(codeOf(answer)).toBe('NOT_CONTROLLER');
    },
  );
});
