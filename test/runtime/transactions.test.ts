import { describe, expect, it } from 'vitest';
import { assertDefined } from '../../src/base/assert.ts';
import { brokerId, offset } from '../../src/base/brands.ts';
import { decodeRecords } from '../../src/codec/record-value.ts';
import { imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { clientWork } from '../../src/runtime/leader/client-work.ts';
import type { Execution, PendingOperation } from '../../src/runtime/leader/operation-queue.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import type { Proposal } from '../../src/runtime/leader/proposal.ts';
import { incarnationId, TestCluster } from '../metadata/cluster.ts';
import { slowClock } from './support/clock.ts';
import { impossible, noOps, operation, RecordedReply, TestLeader } from './support/operations.ts';
import { requestOf } from './support/requests.ts';

const { image } = new TestCluster(builtInRegistry, 2);

const feature = (name: string): MetadataRecord => ({ type: 'FeatureLevelRecord', name, featureLevel: 1 });

function namesIn({ feature: { finalized } }: MetadataImage): readonly string[] {
  return [...finalized.values()].map(({ name }) => name).filter((name) => name.startsWith('test.'));
}

type Steps = {
  readonly records: readonly (readonly MetadataRecord[])[];
  readonly refusedAt?: number;
  /** What the refusal is remembered by. */
  readonly refusal?: readonly MetadataRecord[];
};

/** An operation that gives its records step by step. */
function stepped(reply: RecordedReply, { records, refusedAt = -1, refusal = [] }: Steps): PendingOperation {
  const step = (at: number): Execution => ({
    records: at === refusedAt ? refusal : (records[at] ?? []),
    outcome: at === refusedAt ? null : {},
    next: at === refusedAt || at === records.length - 1 ? null : () => step(at + 1),
    mayStandAlready: false,
    answer: (to, answered) =>
      at === refusedAt ? to.fail('INVALID_REQUEST', 'refused') : to.succeed('done', answered, null),
  });
  return { ...operation(reply), run: () => step(0) };
}

const threeSteps = ['a', 'b', 'c'].map((letter) =>
  Array.from({ length: 10 }, (_, at) => feature(`test.${letter}${at}`)),
);

function typesOf({ batch }: Proposal): readonly string[] {
  const records = decodeRecords(builtInRegistry, batch.payload, batch.recordCount);
  return records.ok ? records.value.map(({ type }) => type) : ['unreadable'];
}

/** The first and the last record of each batch. */
function edges(proposals: readonly Proposal[]): readonly string[] {
  return proposals.map((proposal) => {
    const types = typesOf(proposal);
    return `${types[0]} … ${types.at(-1)}`;
  });
}

const withinIt = 'FeatureLevelRecord … FeatureLevelRecord';

function begun(
  from = image,
  records: Steps['records'] = threeSteps,
): { readonly host: TestLeader; readonly reply: RecordedReply } {
  const host = new TestLeader(from, { count: 1, bytes: 1_000_000 });
  const reply = new RecordedReply();
  host.proposer.offer(stepped(reply, { records }));
  host.run();
  const [first] = host.proposals;
  expect(host.proposals).toHaveLength(1);
  expect(first === undefined ? [] : typesOf(first)).toHaveLength(11);
  return { host, reply };
}

/** What was proposed last is committed, so that there is room for the next. */
function goOn(host: TestLeader): void {
  host.proposer.completed(host.proposals.at(-1)?.proposalId ?? 0);
  host.run();
}

/** A client's request, as the leader takes it. */
function ask(host: TestLeader, request: ControllerRequest): RecordedReply {
  const operationOf = assertDefined(operationsById.get(request.operationId), 'there is such an operation');
  const reply = new RecordedReply();
  host.proposer.offer(clientWork(operationOf, request, reply));
  return reply;
}

describe('an operation of several steps', () => {
  it('is written as one transaction, of which nothing shows before its End', () => {
    const { host, reply } = begun();
    goOn(host);
    goOn(host);
    expect(edges(host.proposals)).toEqual([
      'BeginTransactionRecord … FeatureLevelRecord',
      withinIt,
      'FeatureLevelRecord … EndTransactionRecord',
    ]);
    expect(host.proposals.map(({ shows }) => shows?.since ?? null)).toEqual([null, null, image.endOffset]);
    const whole = host.proposals.reduce((sum, { batch }) => sum + batch.payload.length, 0);
    expect(host.proposals.at(-1)?.shows?.bytes).toBe(whole);
    expect(reply.told).toBeNull();
    host.commit();
    expect(reply).toMatchObject({ told: 'ok "done"', offset: image.endOffset + 32 });
  });

  it('stays one batch where it has one step', () => {
    const host = new TestLeader(image);
    const reply = new RecordedReply();
    host.proposer.offer(stepped(reply, { records: threeSteps.slice(0, 1) }));
    host.run();
    expect(edges(host.proposals)).toEqual([withinIt]);
  });

  it('begins a batch of its own behind what was executed before it, and ends before what comes after', () => {
    const host = new TestLeader(image);
    const reply = new RecordedReply();
    const before = host.offer();
    host.proposer.offer(stepped(reply, { records: threeSteps }));
    const after = host.offer();
    host.run();
    expect(edges(host.proposals)).toEqual([
      'NoOpRecord … NoOpRecord',
      'BeginTransactionRecord … FeatureLevelRecord',
      withinIt,
      'FeatureLevelRecord … EndTransactionRecord',
      'NoOpRecord … NoOpRecord',
    ]);
    host.commit();
    expect([before.offset, reply.offset, after.offset]).toEqual(
      [1, 33, 34].map((count) => image.endOffset + count),
    );
  });

  it('is aborted where a later step is refused, and answered with the refusal', () => {
    const host = new TestLeader(image);
    const reply = new RecordedReply();
    host.proposer.offer(stepped(reply, { records: [...threeSteps, []], refusedAt: 3 }));
    host.run();
    expect(edges(host.proposals).at(-1)).toBe('AbortTransactionRecord … AbortTransactionRecord');
    expect(namesIn(host.proposer.speculativeImage)).toEqual([]);
    host.commit();
    host.barriers[0]?.confirmed();
    expect(reply.told).toBe('INVALID_REQUEST');
  });

  it('has its refusal remembered directly behind the Abort, before any fencing that comes then', () => {
    const host = new TestLeader(image, { count: 1, bytes: 1_000_000 });
    const reply = new RecordedReply();
    const refusal = [feature('test.refused')];
    host.proposer.offer(stepped(reply, { records: [...threeSteps, []], refusedAt: 3, refusal }));
    host.run();
    for (let batch = 1; batch <= threeSteps.length; batch++) goOn(host);
    const seen: (readonly string[])[] = [];
    host.offer({ priority: 'fencing', isInternal: true, onRun: (now) => seen.push(namesIn(now)) });
    host.commit();
    host.run();
    expect(edges(host.proposals).slice(-3)).toEqual([
      'AbortTransactionRecord … AbortTransactionRecord',
      'FeatureLevelRecord … FeatureLevelRecord',
      'NoOpRecord … NoOpRecord',
    ]);
    expect(seen).toEqual([['test.refused']]);
    host.barriers[0]?.confirmed();
    expect(reply.told).toBe('INVALID_REQUEST');
  });

  it('is aborted where a record of it contradicts the state', () => {
    const host = new TestLeader(image);
    const reply = new RecordedReply();
    host.proposer.offer(stepped(reply, { records: [...threeSteps.slice(0, 2), [impossible]] }));
    host.run();
    expect(edges(host.proposals).at(-1)).toBe('AbortTransactionRecord … AbortTransactionRecord');
    expect(namesIn(host.proposer.speculativeImage)).toEqual([]);
    expect(reply.told).toBe('UNKNOWN_SERVER_ERROR');
  });

  it('is aborted once its caller was told that nothing was changed', () => {
    const { host, reply } = begun();
    reply.fail('THROTTLING_QUOTA_EXCEEDED');
    goOn(host);
    expect(edges(host.proposals).at(-1)).toBe('AbortTransactionRecord … AbortTransactionRecord');
    goOn(host);
    expect(host.proposals).toHaveLength(2);
  });

  it('leaves nothing in doubt when leadership is lost before its End is proposed, and everything after', () => {
    const { host, reply } = begun();
    expect(reply.isExposed).toBe(false);
    host.proposer.close();
    expect(reply.told).toBe('NOT_CONTROLLER');
    const ended = begun();
    goOn(ended.host);
    goOn(ended.host);
    expect(ended.reply.isExposed).toBe(true);
    ended.host.proposer.close();
    expect(ended.reply.told).toBe('OUTCOME_UNKNOWN');
  });
});

describe('a transaction that is open', () => {
  it('is aborted by fencing, which goes before it, and begins anew behind that', () => {
    const { host, reply } = begun();
    const seen: (readonly string[])[] = [];
    host.proposer.offer(
      operation(new RecordedReply(), {
        priority: 'fencing',
        isInternal: true,
        onRun: (now) => seen.push(namesIn(now)),
      }),
    );
    for (let turn = 0; turn < 6; turn++) goOn(host);
    expect(edges(host.proposals)).toEqual([
      'BeginTransactionRecord … FeatureLevelRecord',
      'AbortTransactionRecord … AbortTransactionRecord',
      'NoOpRecord … NoOpRecord',
      'BeginTransactionRecord … FeatureLevelRecord',
      withinIt,
      'FeatureLevelRecord … EndTransactionRecord',
    ]);
    expect(seen).toEqual([[]]);
    host.commit();
    expect(reply.told).toBe('ok "done"');
  });

  it('lets heartbeats be answered that change nothing, by the state from before it', () => {
    const { host } = begun();
    const seen: (readonly string[])[] = [];
    const beat = host.offer({
      priority: 'heartbeat',
      awaitsBarrier: true,
      records: [],
      onRun: (now) => seen.push(namesIn(now)),
    });
    goOn(host);
    host.proposer.applied(image.endOffset);
    host.barriers[0]?.confirmed();
    expect(beat).toMatchObject({ told: `ok ${image.endOffset}`, offset: image.endOffset });
    expect(seen).toEqual([[]]);
  });

  it('hears a heartbeat that would write, which is carried out behind it', () => {
    const { host } = begun();
    host.sessions.startAfresh([brokerId(4)], 0);
    host.host.run(900);
    const outcome = { heard: { brokerId: brokerId(4), brokerEpoch: 0, metadataOffset: null } };
    const beat = host.offer({ priority: 'heartbeat', outcome });
    goOn(host);
    expect(host.sessions.takeExpired(1_500)).toEqual([]);
    goOn(host);
    goOn(host);
    expect(edges(host.proposals).slice(-2)).toEqual([
      'FeatureLevelRecord … EndTransactionRecord',
      'NoOpRecord … NoOpRecord',
    ]);
    host.commit();
    expect(beat.offset).toBe(image.endOffset + 33);
  });

  it('lets an operator’s fencing go before it that changes something, and no other', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const { sessionId } = cluster.ok('openSession', { body: {} });
    const { host, reply } = begun(cluster.image, [noOps(10), noOps(10)]);
    const fence = (sequence: number | null): RecordedReply => {
      const idempotencyKey = sequence === null ? null : { sessionId, sequence, forgetBelow: 0 };
      return ask(host, requestOf('fenceBroker', { params: { brokerId: 1 }, idempotencyKey }));
    };
    const held = fence(null);
    goOn(host);
    goOn(host);
    const types = (): readonly string[] => host.proposals.map((proposal) => typesOf(proposal)[0] ?? '');
    const pre = ['BeginTransactionRecord', 'AbortTransactionRecord', 'HoldBrokerRecord'];
    expect(types()).toEqual(pre);
    goOn(host);
    const repeated = fence(null);
    const remembered = fence(0);
    for (let turn = 0; turn < 3; turn++) goOn(host);
    expect(types()).toEqual([...pre, 'BeginTransactionRecord', 'NoOpRecord', 'SessionAnswerRecord']);
    host.commit();
    for (const barrier of host.barriers) barrier.confirmed();
    expect(held.told).toMatch(/^ok .*"isHeld":true/);
    expect([repeated.told, remembered.told]).toEqual([held.told, held.told]);
    expect(repeated.offset).toBeLessThan(reply.offset ?? 0);
  });

  it('is followed by what leaders say of their replicas, before anything else', () => {
    const { host, reply } = begun(image, [noOps(10), noOps(10)]);
    const [later, urgent] = [host.offer(), host.offer({ priority: 'isr' })];
    for (let turn = 0; turn < 2; turn++) goOn(host);
    host.commit();
    const offsets = [reply, urgent, later].map((each) => each.offset ?? 0);
    expect(offsets).toEqual([22, 23, 24].map((count) => image.endOffset + count));
  });

  it('has a bounded number of others wait for its end, and hears who has nothing to write all the same', () => {
    const steps = Array.from({ length: 100 }, () => noOps(10));
    const { host } = begun(image, steps);
    const { operationsQueuedMax: max } = runtimeLimits;
    const fill = (): readonly RecordedReply[] => {
      const replies = Array.from({ length: max }, () => host.offer({ priority: 'heartbeat' }));
      for (let turn = 0; turn * runtimeLimits.operationsPerBatchMax < max; turn++) goOn(host);
      return replies;
    };
    const told = (replies: readonly RecordedReply[]) => new Set(replies.map((reply) => reply.told));
    const first = fill();
    const beat = host.offer({ priority: 'heartbeat', records: [] });
    goOn(host);
    expect([...told(first)]).toEqual([null]);
    const second = fill();
    expect([...told(second)]).toEqual(['THROTTLING_QUOTA_EXCEEDED']);
    host.proposer.applied(image.endOffset);
    for (const barrier of host.barriers) barrier.confirmed();
    expect(beat.told).toMatch(/^ok/);
    host.proposer.close();
    expect([...told(first)]).toEqual(['NOT_CONTROLLER']);
  });

  it('carries out nothing behind it that nobody waits for any more', () => {
    const { host } = begun(image, [noOps(10), noOps(10)]);
    const [left, kept] = [1, 2].map(() => host.offer({ priority: 'heartbeat', awaitsBarrier: true }));
    goOn(host);
    left?.fail('REQUEST_TIMED_OUT');
    goOn(host);
    host.commit();
    host.barriers[0]?.confirmed();
    expect(host.proposals.at(-1)?.batch.recordCount).toBe(1);
    expect(kept?.offset).toBe(image.endOffset + 23);
  });

  it('goes on, and hears others, in slices', () => {
    const host = new TestLeader(image, undefined, null, slowClock);
    const reply = new RecordedReply();
    host.proposer.offer(stepped(reply, { records: threeSteps }));
    const beats = Array.from({ length: 20 }, () => host.offer({ priority: 'heartbeat', records: [] }));
    host.run();
    expect(host.barriers.length).toBeGreaterThan(1);
    host.commit();
    for (const barrier of host.barriers) barrier.confirmed();
    expect(beats.map(({ told }) => told?.slice(0, 2))).toEqual(beats.map(() => 'ok'));
    expect(reply.told).toBe('ok "done"');
  });

  it('does not take a broker that registers meanwhile for one that is there already', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const { host } = begun(cluster.image, [noOps(10), noOps(10)]);
    // The session of its last incarnation is over.
    const registered = ask(host, requestOf('registerBroker', { body: cluster.registration(1, 2) }));
    for (let turn = 0; turn < 4; turn++) goOn(host);
    host.commit();
    host.barriers[0]?.confirmed();
    expect(registered.told).toMatch(/^ok .*"brokerId":1/);
    expect(host.sessions.isLive(brokerId(1))).toBe(true);
  });

  it('hears a member that joins meanwhile once it has joined, under the epoch that it gets', () => {
    const cluster = new TestCluster();
    const { host } = begun(cluster.image, [noOps(10), noOps(10)]);
    const join = requestOf('joinGroup', { params: { group: 'jobs' }, body: { memberId: incarnationId(1) } });
    const joined = ask(host, join);
    goOn(host);
    expect(host.groupSessions.isLive(cluster.image.endOffset)).toBe(false);
    for (let turn = 0; turn < 3; turn++) goOn(host);
    host.commit();
    const memberEpoch = cluster.image.endOffset + 22;
    expect(joined.told).toContain(`"memberEpoch":${memberEpoch}`);
    expect(host.groupSessions.isLive(memberEpoch)).toBe(true);
  });

  it('goes on behind control records of the quorum, and its Abort, too', () => {
    const { host, reply } = begun();
    const end = host.proposals[0]?.image.endOffset ?? offset(0);
    host.proposer.controlAppended(offset(end + 1));
    goOn(host);
    expect(host.proposals[1]?.baseOffset).toBe(end + 1);
    host.proposer.controlAppended(offset(end + 12));
    reply.fail('THROTTLING_QUOTA_EXCEEDED');
    goOn(host);
    const abort = host.proposals[2];
    expect(abort).toMatchObject({ baseOffset: end + 12, shows: { since: image.endOffset } });
    expect(imageDigest(abort?.image ?? image)).not.toBe(imageDigest(host.proposals[1]?.image ?? image));
    expect(namesIn(abort?.image ?? image)).toEqual([]);
  });

  it('is aborted first of all by the leader that finds it at the end of its log', () => {
    const host = new TestLeader(image, undefined, offset(image.endOffset + 7));
    const reply = host.offer();
    host.run();
    expect(edges(host.proposals)).toEqual([
      'AbortTransactionRecord … AbortTransactionRecord',
      'NoOpRecord … NoOpRecord',
    ]);
    expect(host.proposals.map(({ baseOffset, shows }) => [baseOffset, shows?.since])).toEqual([
      [image.endOffset + 7, image.endOffset],
      [image.endOffset + 8, image.endOffset + 8],
    ]);
    host.commit();
    expect(reply.offset).toBe(image.endOffset + 9);
  });
});
