import { describe, expect, it } from 'vitest';
import { brokerId, offset } from '../../src/base/brands.ts';
import { assert } from '../../src/base/assert.ts';
import { decodeRecords } from '../../src/codec/record-value.ts';
import { createImageBuilder, imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { Priority } from '../../src/metadata/operation.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import { proposalWindow, runtimeLimits } from '../../src/runtime/limits.ts';
import { defaultSettings } from '../../src/runtime/node-options.ts';
import { OperationQueue, type PendingOperation } from '../../src/runtime/leader/operation-queue.ts';
import { TestCluster } from '../metadata/cluster.ts';
import { slowClock } from './support/clock.ts';
import { impossible, noOps, operation, RecordedReply, TestLeader } from './support/operations.ts';

const { image } = new TestCluster();

function leader(): TestLeader {
  return new TestLeader(image);
}

describe('the operation queue', () => {
  const pending = (priority: Priority, isInternal = false): PendingOperation =>
    operation(new RecordedReply(), { priority, isInternal });

  it('gives the urgent first, and each kind in the order of its arrival', () => {
    const queue = new OperationQueue(10);
    const offered = (['administration', 'heartbeat', 'fencing', 'administration', 'fencing'] as const).map(
      (priority) => pending(priority),
    );
    for (const one of offered) queue.offer(one);
    const order = [...queue.take(3), ...queue.take(3)].map((one) => offered.indexOf(one));
    expect(order).toEqual([2, 4, 1, 0, 3]);
    expect(queue.size).toBe(0);
  });

  it('refuses what exceeds a priority’s room, whatever room the others have, but never the leader’s own', () => {
    const queue = new OperationQueue(2);
    expect([1, 2, 3].map(() => queue.offer(pending('administration')))).toEqual([true, true, false]);
    expect(queue.offer(pending('fencing'))).toBe(true);
    expect(queue.offer(pending('administration', true))).toBe(true);
    expect(queue.size).toBe(4);
  });

  it('takes back what did not fit before what came later', () => {
    const queue = new OperationQueue(10);
    const [first, second, third] = [1, 2, 3].map(() => pending('heartbeat'));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three');
    queue.offer(first);
    queue.offer(second);
    const taken = queue.take(5);
    queue.offer(third);
    queue.putBack(taken.slice(1));
    expect(queue.take(5)).toEqual([second, third]);
    expect(queue.size).toBe(0);
  });
});

describe('the proposer', () => {
  it('makes one batch of what arrives in one turn, and answers each at its own offset once committed', () => {
    const host = leader();
    const replies = [host.offer({ records: noOps(2) }), host.offer({ records: noOps(3) })];
    host.run();
    expect(host.proposals).toHaveLength(1);
    const [proposal] = host.proposals;
    expect(proposal).toMatchObject({ baseOffset: image.endOffset, batch: { recordCount: 5 } });
    expect(proposal?.image.endOffset).toBe(image.endOffset + 5);
    expect(replies.map((reply) => reply.told)).toEqual([null, null]);
    host.commit();
    expect(replies.map((reply) => reply.offset)).toEqual([image.endOffset + 2, image.endOffset + 5]);
  });

  it('gives no answer before everything that it saw is committed, not even a refusal', () => {
    const host = leader();
    host.offer({ records: noOps(1) });
    const saw = host.offer({ records: [] });
    host.run();
    const last = host.proposals[0];
    expect(saw.told).toBeNull();
    host.proposer.applied(offset(image.endOffset));
    expect(saw.told).toBeNull();
    host.proposer.applied(last?.image.endOffset ?? offset(0));
    expect(saw.told).toBeNull();
    // Nor before a majority has confirmed who leads: nothing that it appended would show.
    host.barriers[0]?.confirmed();
    expect(saw.told).toMatch('ok');
    const alone = host.offer({ records: [] });
    host.run();
    expect(alone.told).toBeNull();
    host.barriers[1]?.confirmed();
    expect(alone.told).toMatch('ok');
    expect(host.proposals).toHaveLength(1);
  });

  it('refuses an operation whose records cannot be replayed, alone', () => {
    const host = leader();
    const before = host.offer();
    const broken = host.offer({ records: [...noOps(3), impossible] });
    const after = host.offer();
    host.run();
    expect(broken.told).toBe('UNKNOWN_SERVER_ERROR');
    expect(host.rejected).toHaveLength(1);
    const [proposal] = host.proposals;
    expect(proposal?.batch.recordCount).toBe(2);
    const written = decodeRecords(builtInRegistry, proposal?.batch.payload ?? new Uint8Array(), 2);
    expect(written).toMatchObject({ ok: true, value: noOps(2) });
    host.commit();
    expect([before.offset, after.offset]).toEqual([image.endOffset + 1, image.endOffset + 2]);
  });

  it('shows each operation what those before it in the batch have done, and nothing of one that was refused', () => {
    const host = leader();
    const feature = (name: string): MetadataRecord => ({
      type: 'FeatureLevelRecord',
      name,
      featureLevel: 1,
    });
    const seen: string[][] = [];
    const look = (read: MetadataImage): void => {
      const names = [...read.feature.finalized.values()].map((row) => row.name);
      seen.push(names.filter((name) => name.startsWith('test.')));
    };
    host.offer({ records: [feature('test.first')], onRun: look });
    const broken = host.offer({ records: [feature('test.broken'), impossible], onRun: look });
    host.offer({ records: [feature('test.second')], onRun: look });
    host.offer({ records: [], onRun: look });
    const before = imageDigest(host.proposer.speculativeImage);
    host.run();
    expect(broken.told).toBe('UNKNOWN_SERVER_ERROR');
    expect(seen).toEqual([[], ['test.first'], ['test.first'], ['test.first', 'test.second']]);
    const [proposal] = host.proposals;
    assert(proposal !== undefined, 'the others were proposed');
    expect(proposal.batch.recordCount).toBe(2);
    const written = decodeRecords(builtInRegistry, proposal.batch.payload, 2);
    assert(written.ok, 'the batch can be read');
    const builder = createImageBuilder(image);
    for (const [at, record] of written.value.entries()) {
      const position = { offset: offset(image.endOffset + at), epoch: proposal.epoch };
      builder.replay(record, { ...position, timestampMs: proposal.batch.appendTimestampMs });
    }
    const followed = builder.freeze(offset(image.endOffset + 2), proposal.epoch);
    expect(imageDigest(proposal.image)).toBe(imageDigest(followed));
    expect(imageDigest(image)).toBe(before);
  });

  it('refuses an operation that throws, alone', () => {
    const host = leader();
    const broken = host.offer({
      onRun: () => {
        throw new Error('a bug');
      },
    });
    const after = host.offer();
    host.run();
    host.commit();
    expect([broken.told, after.told]).toEqual(['UNKNOWN_SERVER_ERROR', `ok ${image.endOffset}`]);
  });

  it('begins another batch when one is full, and computes what did not fit anew upon it', () => {
    const host = leader();
    const seen: number[] = [];
    const { recordsPerBatchMax } = runtimeLimits;
    const replies = [6_000, 6_000, 6_000].map((count) =>
      host.offer({ records: noOps(count), onRun: (read) => seen.push(read.endOffset) }),
    );
    host.run();
    expect(host.proposals.map(({ batch }) => batch.recordCount)).toEqual([6_000, 6_000, 6_000]);
    for (const { batch } of host.proposals) expect(batch.recordCount).toBeLessThanOrEqual(recordsPerBatchMax);
    host.commit();
    const base = image.endOffset;
    expect(replies.map((reply) => reply.offset)).toEqual([base + 6_000, base + 12_000, base + 18_000]);
    // Each answer was computed at the offset at which its records stand.
    expect(replies.map((reply) => reply.told)).toEqual([
      `ok ${base}`,
      `ok ${base + 6_000}`,
      `ok ${base + 12_000}`,
    ]);
    expect(seen.length).toBeGreaterThan(3);
  });

  it('begins another batch when one has taken its time, so that what is long is executed in slices', () => {
    const host = new TestLeader(image, proposalWindow(defaultSettings.raft), null, slowClock);
    const replies = [1, 2, 3, 4, 5, 6, 7].map(() => host.offer());
    host.run();
    expect(host.proposals.length).toBeGreaterThan(1);
    host.commit();
    expect(replies.map(({ offset: at }) => at)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((n) => image.endOffset + n),
    );
  });

  it('proposes no further when enough is in flight, and goes on as it is committed', () => {
    const host = leader();
    const { proposalsInFlightMax } = runtimeLimits;
    for (let at = 0; at < proposalsInFlightMax + 5; at++) {
      host.offer();
      host.run();
    }
    expect(host.proposals).toHaveLength(proposalsInFlightMax);
    host.commit();
    host.run();
    const total = host.proposals.reduce((sum, { batch }) => sum + batch.recordCount, 0);
    expect(total).toBe(proposalsInFlightMax + 5);
  });

  it('stays below what its own core would refuse', () => {
    const { raft } = defaultSettings;
    const window = proposalWindow({ ...raft, pendingProposalsMax: 4 });
    const host = new TestLeader(image, window);
    for (let at = 0; at < 9; at++) {
      host.offer();
      host.run();
    }
    expect(host.proposals).toHaveLength(2);
    expect(proposalWindow(raft).count).toBeLessThan(raft.pendingProposalsMax);
    expect(proposalWindow(raft).bytes + runtimeLimits.batchBytesMax).toBeLessThan(raft.pendingBytesMax);
  });

  it('never executes what was given up while it waited', () => {
    const host = leader();
    let ran = 0;
    const late = host.offer({ onRun: () => ran++ });
    late.fail('THROTTLING_QUOTA_EXCEEDED');
    host.run();
    expect(ran).toBe(0);
    expect(host.proposals).toEqual([]);
  });

  it('says that an outcome may be unknown from when it is appended, and not while it waits', () => {
    const host = leader();
    const write = host.offer();
    const refusal = host.offer({ records: [] });
    const repeated = host.offer({ records: [], mayStandAlready: true });
    expect(write.isExposed).toBe(false);
    host.run();
    expect([write, refusal, repeated].map((reply) => reply.isExposed)).toEqual([true, false, true]);
  });

  it('reports what was appended as unknown and everything else as unchanged when leadership is lost', () => {
    const host = leader();
    const appended = host.offer();
    const refusal = host.offer({ records: [] });
    const repeated = host.offer({ records: [], mayStandAlready: true });
    host.run();
    const waiting = host.offer();
    host.proposer.close();
    const late = host.offer();
    host.run();
    expect([appended, refusal, repeated, waiting, late].map((reply) => reply.told)).toEqual([
      'OUTCOME_UNKNOWN',
      'NOT_CONTROLLER',
      'OUTCOME_UNKNOWN',
      'NOT_CONTROLLER',
      'NOT_CONTROLLER',
    ]);
    expect(host.proposals).toHaveLength(1);
  });

  it('reports what the core refused as unchanged, and proposes nothing upon it', () => {
    const host = leader();
    const appended = host.offer();
    host.run();
    host.onProposed = ({ proposalId }) => host.proposer.refused(proposalId);
    const refused = host.offer();
    host.run();
    const after = host.offer();
    host.run();
    expect(host.proposals).toHaveLength(2);
    host.proposer.close();
    expect([appended, refused, after].map((reply) => reply.told)).toEqual([
      'OUTCOME_UNKNOWN',
      'NOT_CONTROLLER',
      'NOT_CONTROLLER',
    ]);
  });

  it('stamps batches with a time that never goes back', () => {
    const host = leader();
    host.offer();
    host.run();
    host.host.process.clockFaults.wallOffsetMs = -3_600_000;
    host.offer();
    host.run();
    const stamps = host.proposals.map(({ batch }) => batch.appendTimestampMs);
    expect(stamps[1]).toBeGreaterThanOrEqual(stamps[0] ?? 0);
    expect(stamps[0]).toBeGreaterThan(1_000_000_000_000);
  });

  it('answers a heartbeat only after a barrier that began behind it, and hears it at once', () => {
    const host = leader();
    host.sessions.startAfresh([brokerId(1)], 0);
    host.host.run(900);
    const heard = { brokerId: brokerId(1), brokerEpoch: 1, metadataOffset: null };
    const beat = host.offer({ records: [], awaitsBarrier: true, priority: 'heartbeat', outcome: { heard } });
    expect(host.barriers).toHaveLength(0);
    host.run();
    expect(beat.told).toBeNull();
    expect(host.barriers).toHaveLength(1);
    expect(host.sessions.takeExpired(1_100)).toEqual([]);
    host.barriers[0]?.confirmed();
    expect(beat.told).toMatch('ok');
  });

  it('hears a heartbeat whose sender waits no longer, and changes nothing by it', () => {
    const host = leader();
    host.sessions.startAfresh([brokerId(1)], 0);
    host.hasRoom = false;
    const heard = { brokerId: brokerId(1), brokerEpoch: 1, metadataOffset: null };
    const beat = host.offer({ awaitsBarrier: true, priority: 'heartbeat', outcome: { heard } });
    const write = host.offer();
    host.host.run(900);
    beat.fail('REQUEST_TIMED_OUT');
    write.fail('REQUEST_TIMED_OUT');
    host.hasRoom = true;
    host.proposer.logFlushed();
    host.run();
    expect(host.proposals).toEqual([]);
    expect(host.sessions.takeExpired(1_100)).toEqual([]);
  });

  it('lets a heartbeat that wrote something wait for both its commit and its barrier', () => {
    const host = leader();
    const beat = host.offer({ awaitsBarrier: true });
    host.run();
    host.barriers[0]?.confirmed();
    expect(beat.told).toBeNull();
    host.commit();
    expect(beat.told).toMatch('ok');
  });

  it('reports a heartbeat that wrote something as unknown when its barrier fails', () => {
    const host = leader();
    const wrote = host.offer({ awaitsBarrier: true });
    const silent = host.offer({ records: [], awaitsBarrier: true });
    host.run();
    host.commit();
    host.barriers[0]?.failed();
    expect([wrote.told, silent.told]).toEqual(['OUTCOME_UNKNOWN', 'NOT_CONTROLLER']);
  });

  it('goes on with unfinished work though its queue is full', () => {
    const host = leader();
    const steps: number[] = [];
    const work = (left: number) => ({
      name: 'work',
      priority: 'fencing' as const,
      handle: () => {
        steps.push(left);
        return { records: noOps(1), continueWith: left === 0 ? null : work(left - 1) };
      },
    });
    let refused: string | null = null;
    const fill = (): void => {
      while (refused === null) refused = host.offer({ priority: 'fencing' }).told;
    };
    host.offer({ priority: 'fencing', outcome: { continueWith: work(3) }, onRun: fill });
    host.host.run(200);
    expect(refused).toBe('THROTTLING_QUOTA_EXCEEDED');
    for (let round = 0; round < 100 && steps.length < 4; round++) {
      host.commit();
      host.run();
    }
    expect(steps).toEqual([3, 2, 1, 0]);
  });
});

describe('a change of the quorum', () => {
  const change = { kraftVersion: 1, voters: [] };

  /** Wants the protocol changed until it is. */
  function upgrade(host: TestLeader): RecordedReply {
    const reply = new RecordedReply();
    const changed = (): boolean => host.kraftVersion === 1;
    host.proposer.offer({
      ...operation(reply),
      run: (state) => ({
        records: [],
        outcome: { quorumChange: changed() ? null : change },
        next: null,
        mayStandAlready: false,
        answer: (to, answered) => to.succeed(state.endOffset, answered, null),
      }),
    });
    return reply;
  }

  function oldLeader(): TestLeader {
    const host = leader();
    host.kraftVersion = 0;
    return host;
  }

  it('stands behind what was proposed before it, and nothing is executed until it is committed', () => {
    const host = oldLeader();
    const before = host.offer();
    const reply = upgrade(host);
    const after = host.offer();
    host.run();
    const [first] = host.proposals;
    assert(first !== undefined, 'what came before was proposed');
    expect(host.proposals).toHaveLength(1);
    expect(host.quorumChanges).toMatchObject([{ baseOffset: first.image.endOffset, change }]);
    expect([reply.told, reply.isExposed]).toEqual([null, true]);
    host.commit();
    host.run();
    expect([before.told, host.proposals.length]).toEqual([`ok ${image.endOffset}`, 1]);
    host.kraftVersion = 1;
    const [{ proposalId, baseOffset }] = host.quorumChanges as [(typeof host.quorumChanges)[number]];
    host.proposer.completed(proposalId);
    host.run();
    // Two control records: the version, and the voters.
    expect(host.proposals[1]?.baseOffset).toBe(baseOffset + 2);
    expect(reply.told).toBeNull();
    host.commit();
    // By then others may have taken the leader's place.
    expect(reply.told).toBeNull();
    for (const { confirmed } of host.barriers) confirmed();
    expect(reply.told).toBe(`ok ${baseOffset + 2}`);
    expect(after.told).toBe(`ok ${baseOffset + 2}`);
  });

  it('whose leader is lost has an unknown outcome', () => {
    const host = oldLeader();
    const reply = upgrade(host);
    const after = host.offer();
    host.run();
    host.proposer.close();
    expect([reply.told, after.told]).toEqual(['OUTCOME_UNKNOWN', 'NOT_CONTROLLER']);
  });

  it('that the core refuses has changed nothing', () => {
    const host = oldLeader();
    const reply = upgrade(host);
    host.run();
    expect(host.proposer.refused(host.quorumChanges[0]?.proposalId ?? 0)).toBe(true);
    host.proposer.close();
    expect(reply.told).toBe('NOT_CONTROLLER');
  });

  it('of one voter is one record', () => {
    const host = leader();
    host.offer({ records: [], outcome: { quorumChange: { kraftVersion: null, voters: [] } } });
    host.run();
    const [{ proposalId, baseOffset }] = host.quorumChanges as [(typeof host.quorumChanges)[number]];
    expect(host.proposer.speculativeImage.endOffset).toBe(baseOffset + 1);
    expect(host.proposer.refused(proposalId)).toBe(true);
  });
});
