import { describe, expect, it } from 'vitest';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { brokerId, epoch, offset, type Offset } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import { decodeRecords } from '../../src/codec/record-value.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import { silentLogger } from '../../src/ports/logger.ts';
import { Leadership } from '../../src/runtime/leader/leadership.ts';
import type { Proposal } from '../../src/runtime/leader/proposal.ts';
import { proposalWindow } from '../../src/runtime/limits.ts';
import { TransactionIndex } from '../../src/runtime/log/transaction-index.ts';
import { defaultSettings } from '../../src/runtime/node-options.ts';
import { ReadQueue } from '../../src/runtime/reads.ts';
import { BrokerSessions } from '../../src/runtime/sessions/broker-sessions.ts';
import { clusterId, incarnationId, TestCluster } from '../metadata/cluster.ts';
import { VirtualProcess } from './support/clock.ts';
import { operation, RecordedReply, type TestOperation } from './support/operations.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

class LeadershipHost extends VirtualProcess {
  readonly sessions = new BrokerSessions(1_000);
  readonly proposals: Proposal[] = [];
  forgotten = 0;
  image: MetadataImage;
  logEndOffset: Offset;
  /** The proposal that the core refuses, by its number in order; 0 for none. */
  refuse = 0;
  commits = true;
  highWatermark = offset(Number.MAX_SAFE_INTEGER);
  readonly transactions = new TransactionIndex();
  readonly leadership: Leadership;

  constructor(image: MetadataImage, leaderImbalanceCheckIntervalMs = 0) {
    super();
    this.image = image;
    this.logEndOffset = image.endOffset;
    this.leadership = new Leadership({
      clusterId,
      clock: this.clock,
      random: seededRandom(1),
      logger: silentLogger,
      sessions: this.sessions,
      prober: null,
      fastFencingGraceMs: 0,
      leaderImbalanceCheckIntervalMs,
      policies: {},
      reads: new ReadQueue(this.clock, () => {}),
      propose: (proposal) => this.#propose(proposal),
      proposeQuorumChange: () => {},
      quorum: () => ({ supported: [], kraftVersion: 1, voters: [], isChanging: false }),
      foundingLevels: [],
      window: proposalWindow(defaultSettings.raft),
      hasRoomInLog: () => true,
      onActivated: () => {},
      onRejected: () => {},
      onUncleanElections: () => {},
      lastTimestampMs: () => 0,
      forgetProposed: () => this.forgotten++,
      image: () => this.image,
      logEndOffset: () => this.logEndOffset,
      highWatermark: () => this.highWatermark,
      transactions: this.transactions,
      recordsPerStepMax: 10,
    });
  }

  #propose(proposal: Proposal): void {
    this.proposals.push(proposal);
    if (this.proposals.length === this.refuse) {
      this.leadership.refused(proposal.proposalId);
      return;
    }
    this.logEndOffset = proposal.image.endOffset;
    if (this.commits) this.schedule(500, () => this.commit(proposal));
  }

  commit(proposal: Proposal): void {
    this.image = proposal.image;
    this.leadership.completed(proposal.proposalId);
    this.leadership.applied(this.image);
  }

  offer(test: TestOperation = {}): RecordedReply {
    const reply = new RecordedReply();
    const { proposer } = this.leadership;
    if (proposer === null) throw new Error('not active');
    proposer.offer(operation(reply, test));
    return reply;
  }

  get types(): readonly string[] {
    return this.proposals.flatMap(({ batch }) => {
      const records = decodeRecords(builtInRegistry, batch.payload, batch.recordCount);
      return records.ok ? records.value.map(({ type }) => type) : ['unreadable'];
    });
  }
}

function withBroker(): MetadataImage {
  const cluster = new TestCluster();
  cluster.start(1);
  return cluster.image;
}

/** Broker 2 leads what broker 1 is to lead, which is in sync. */
function withMovedLeader(): MetadataImage {
  const cluster = new TestCluster();
  cluster.start(1, 2);
  cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
  cluster.expire(expireBrokerSessions, 1);
  cluster.heartbeat(1);
  const { topicId, leaderEpoch, partitionEpoch } = cluster.partition('a');
  const brokerEpoch = (id: number): number => cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  const newIsr = [1, 2].map((id) => ({ brokerId: id, brokerEpoch: brokerEpoch(id) }));
  const partition = { topicId, partition: 0, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState: 0 };
  cluster.ok('alterPartition', {
    body: { brokerId: 2, brokerEpoch: brokerEpoch(2), partitions: [partition] },
  });
  return cluster.image;
}

/** Two members, the first of which leads; sessions of a second. */
function withGroup(): MetadataImage {
  const cluster = new TestCluster();
  for (const member of [1, 2]) {
    const body = { memberId: incarnationId(member), sessionTimeoutMs: 1_000 };
    cluster.ok('joinGroup', { params: { group: 'jobs' }, body });
  }
  return cluster.image;
}

describe('the active controller', () => {
  it('serves only once everything up to where its epoch began is applied', () => {
    const host = new LeadershipHost(withBroker());
    const { endOffset } = host.image;
    host.leadership.began(epoch(2), offset(endOffset + 1), host.image);
    expect(host.leadership.proposer).toBeNull();
    host.leadership.applied({ ...host.image, endOffset: offset(endOffset + 1) });
    expect(host.leadership.proposer).not.toBeNull();
  });

  it('founds a cluster that has no metadata version yet, and does so once', () => {
    const host = new LeadershipHost(emptyImage);
    host.leadership.began(epoch(1), offset(0), host.image);
    host.run(10);
    expect(host.types).toEqual(['FeatureLevelRecord']);
    host.leadership.ended();
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(10);
    expect(host.types).toEqual(['FeatureLevelRecord']);
  });

  it('hears the heartbeats that wait before it believes that a session has expired', () => {
    const host = new LeadershipHost(withBroker());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(999);
    // More work than one batch takes stands before the heartbeat, and its session is over meanwhile.
    const heard = { brokerId: brokerId(1), brokerEpoch: 1, metadataOffset: null };
    for (let at = 0; at < 2_000; at++) host.offer({ records: [], priority: 'heartbeat' });
    host.offer({ records: [], awaitsBarrier: true, priority: 'heartbeat', outcome: { heard } });
    host.process.pause(15_000);
    host.run(500);
    expect(host.types).toEqual([]);
    host.run(700);
    expect(host.types).toContain('BrokerRegistrationChangeRecord');
  });

  it.each([
    ['brokers', withBroker, 'BrokerRegistrationChangeRecord'],
    ['members', withGroup, 'LeaveGroupRecord'],
  ])('does not hold its own standstill against %s', (_whom, made, record) => {
    const host = new LeadershipHost(made());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(500);
    host.process.pause(60_000_000);
    host.run(60_300);
    expect(host.types).toEqual([]);
    host.run(900);
    expect(host.types).toContain(record);
  });

  it.each([
    ['brokers', withBroker],
    ['members', withGroup],
  ])('believes in no silence of %s once the node stops, because it hears nobody any more', (_whom, made) => {
    const host = new LeadershipHost(made());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(500);
    host.leadership.leave();
    host.run(5_000);
    expect(host.types).toEqual([]);
  });

  it('gives leaders back once they have been left alone for an interval, and then no more', () => {
    const host = new LeadershipHost(withMovedLeader(), 300);
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(200);
    expect(host.types).toEqual([]);
    // What was before this reign has stood still since its beginning.
    host.run(250);
    expect(host.types).toEqual(['PartitionChangeRecord']);
    host.run(500);
    expect(host.types).toEqual(['PartitionChangeRecord']);
  });

  it.each([0, 60_000])('leaves leaders where they are before it is time (every %d ms)', (intervalMs) => {
    const host = new LeadershipHost(withMovedLeader(), intervalMs);
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(900);
    expect(host.types).toEqual([]);
  });

  it('begins anew within its epoch when the core refuses a proposal', () => {
    const host = new LeadershipHost(withBroker());
    host.refuse = 1;
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    const refused = host.offer();
    host.run(5);
    expect(refused.told).toBe('NOT_CONTROLLER');
    expect(host.forgotten).toBeGreaterThan(0);
    const after = host.offer();
    host.run(5);
    expect(after.told).toMatch('ok');
    expect(host.proposals[1]?.baseOffset).toBe(host.proposals[0]?.baseOffset);
    expect(host.proposals[1]?.proposalId).not.toBe(host.proposals[0]?.proposalId);
  });

  it('waits for what was appended before a refusal before it computes upon the log again', () => {
    const host = new LeadershipHost(withBroker());
    host.refuse = 2;
    host.commits = false;
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    const appended = host.offer();
    host.run(5);
    const refused = host.offer();
    host.run(5);
    expect([appended.told, refused.told]).toEqual(['OUTCOME_UNKNOWN', 'NOT_CONTROLLER']);
    expect(host.leadership.proposer).toBeNull();
    const [first] = host.proposals;
    if (first === undefined) throw new Error('nothing was proposed');
    host.commit(first);
    expect(host.leadership.proposer?.speculativeImage.endOffset).toBe(first.image.endOffset);
  });

  it('answers everyone when its leadership ends, and forgets its brokers', () => {
    const host = new LeadershipHost(withBroker());
    host.commits = false;
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    const appended = host.offer();
    host.run(5);
    const waiting = host.offer();
    host.leadership.ended();
    host.run(2_000);
    expect([appended.told, waiting.told]).toEqual(['OUTCOME_UNKNOWN', 'NOT_CONTROLLER']);
    expect(host.sessions.isLive(brokerId(1))).toBe(false);
    expect(host.proposals).toHaveLength(1);
    expect(host.forgotten).toBe(1);
  });

  it('looks for expired sessions in one place, however often leadership changes hands', () => {
    const host = new LeadershipHost(withBroker());
    for (let reign = 2; reign < 30; reign++) {
      host.leadership.began(epoch(reign), host.image.endOffset, host.image);
      host.run(100);
    }
    host.leadership.ended();
    host.run(1_000);
    expect(host.world.scheduler.next(Number.MAX_SAFE_INTEGER)).toBeNull();
  });
});

describe('the active controller of a group', () => {
  it('gives every member a whole session, and removes by record those who are silent', () => {
    const host = new LeadershipHost(withGroup());
    host.run(5_000);
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(990);
    expect(host.types).toEqual([]);
    host.run(200);
    expect(host.types).toEqual(['LeaveGroupRecord', 'LeaveGroupRecord']);
  });

  it('elects another in the batch that removes the leader', () => {
    const host = new LeadershipHost(withGroup());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(600);
    beat(host, 2);
    host.run(600);
    expect(host.types).toEqual(['LeaveGroupRecord', 'GroupLeaderRecord']);
    expect(host.proposals).toHaveLength(1);
    expect(host.image.group.groups.get('jobs')?.leaderId).toBe(incarnationId(2));
  });

  it('hears the members’ heartbeats that wait before it believes that a session has ended', () => {
    const host = new LeadershipHost(withGroup());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    host.run(999);
    // More work than one batch takes stands before the heartbeats, and the sessions are over meanwhile.
    for (let at = 0; at < 2_000; at++) host.offer({ records: [], priority: 'heartbeat' });
    for (const member of [1, 2]) beat(host, member);
    host.process.pause(15_000);
    host.run(500);
    expect(host.types).toEqual([]);
    host.run(700);
    expect(host.types).toContain('LeaveGroupRecord');
  });

  it('forgets the session of a member that has left', () => {
    const host = new LeadershipHost(withGroup());
    host.leadership.began(epoch(2), host.image.endOffset, host.image);
    const row = memberOf(host, 1);
    host.offer({ records: [], outcome: { forgottenMember: row.memberEpoch } });
    host.run(600);
    beat(host, 2);
    host.run(700);
    expect(host.types).toEqual([]);
  });
});

function memberOf(host: LeadershipHost, member: number) {
  const row = host.image.group.members.get({ group: 'jobs', memberId: incarnationId(member) });
  if (row === null) throw new Error('it is no member');
  return row;
}

function beat(host: LeadershipHost, member: number): void {
  const outcome = { heardMember: memberOf(host, member) };
  host.offer({ records: [], awaitsBarrier: true, priority: 'heartbeat', outcome });
}
