import { describe, expect, it } from 'vitest';
import { nodeId, offset, uuid } from '../../src/base/brands.ts';
import type { RaftCore } from '../../src/raft/core.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import type { Reply } from '../../src/runtime/leader/operation-queue.ts';
import { QuorumOperations } from '../../src/runtime/quorum-operations/quorum-operations.ts';
import { emptyImage } from '../../src/metadata/image.ts';

const lost = uuid('AAAAAAAAQACAAAAAAAAAAQ');
const present = uuid('BAAAAAAAQACAAAAAAAAAAQ');
const nowMs = 100_000;

/** A leader whom these directories of controller 2 have asked for records, so many ms ago. */
function ask(fetchedMsAgo: ReadonlyMap<typeof lost, number>): unknown {
  const replicas = [...fetchedMsAgo].map(([directoryId, ago]) => {
    const thenMs = nowMs - ago;
    return { id: nodeId(2), directoryId, isVoter: false, lastFetchMs: thenMs, lastCaughtUpMs: thenMs };
  });
  const core = {
    role: 'leader',
    voters: [],
    kraftVersion: 1,
    highWatermark: offset(9),
    replicas: () => replicas,
    findVoterChangeError: () => null,
  };
  const operations = new QuorumOperations({
    core: core as unknown as RaftCore,
    localId: nodeId(0),
    caughtUpWithinMs: 2_000,
    nowMs: () => nowMs,
    image: () => emptyImage,
    push: () => undefined,
  });
  const answers: unknown[] = [];
  const reply: Reply = {
    isSettled: false,
    expose: () => undefined,
    succeed: (response) => answers.push(response),
    fail: (code, message) => answers.push({ code, message }),
  };
  const body = { controllerId: 2, host: 'c2', port: 9645 };
  const request = { input: { params: {}, query: {}, body }, ifMatch: null, validateOnly: true };
  operations.execute('addVoter', request as unknown as ControllerRequest, reply);
  return answers[0];
}

describe('a voter that is added after its disk was lost', () => {
  it('is the directory that follows now, though the old one is remembered', () => {
    expect(
      ask(
        new Map([
          [lost, 60_000],
          [present, 10],
        ]),
      ),
    ).toEqual({ controllerId: 2, directoryId: present });
  });

  it('is asked for by name where several follow, with the command that names one', () => {
    const both = new Map([
      [lost, 20],
      [present, 10],
    ]);
    expect(ask(both)).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringMatching(
        new RegExp(`${lost}, ${present}.*ottla quorum add-voter 2 --directory-id ${lost}`),
      ),
    });
  });

  it('is none where nobody follows under its id', () => {
    expect(ask(new Map())).toMatchObject({ code: 'VOTER_NOT_CAUGHT_UP' });
  });
});
