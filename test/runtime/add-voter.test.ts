import { ListLog } from './support/list-log.ts';
import { noOps } from './support/operations.ts';
import { begin } from './support/transactions.ts';
import { TransactionIndex } from '../../src/runtime/log/transaction-index.ts';
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
    transactions: new TransactionIndex(),
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

// Seed 5008 of operators: whoever was told of an offset within a transaction was shown an earlier state afterwards.
describe('an operation of the quorum', () => {
  it('is answered outside of transactions, where every reader can be shown the state', () => {
    const log = new ListLog(() => undefined);
    log.data(noOps(5));
    log.data([begin, ...noOps(5)]);
    const offsets: number[] = [];
    const follower = {
      id: nodeId(2),
      directoryId: present,
      isVoter: true,
      lastFetchMs: 0,
      lastCaughtUpMs: 0,
    };
    const operations = new QuorumOperations({
      core: { role: 'leader', highWatermark: offset(9), replicas: () => [follower] } as unknown as RaftCore,
      localId: nodeId(0),
      caughtUpWithinMs: 2_000,
      nowMs: () => 0,
      image: () => emptyImage,
      transactions: log.transactions,
      push: () => undefined,
    });
    const reply: Reply = {
      isSettled: false,
      expose: () => undefined,
      succeed: (_response, at) => offsets.push(at),
      fail: () => undefined,
    };
    const request = { input: { params: {}, query: {}, body: {} }, ifMatch: null, validateOnly: true };
    operations.execute('transferLeadership', request as unknown as ControllerRequest, reply);
    expect(offsets).toEqual([5]);
  });
});
