import { describe, expect, it } from 'vitest';
import { limits } from '../../src/metadata/limits.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { expireGroupMembers } from '../../src/metadata/resources/group/expiry.ts';
import { incarnationId, TestCluster } from './cluster.ts';

const group = 'jobs';

/** A cluster whose members are named by numbers. */
class Groups {
  readonly cluster = new TestCluster();

  join(member: number, more: object = {}, of = group) {
    return this.cluster.ok('joinGroup', {
      params: { group: of },
      body: { memberId: incarnationId(member), ...more },
    });
  }

  heartbeat(member: number, memberEpoch = this.epochOf(member)) {
    return this.cluster.ok('heartbeatGroupMember', this.#asked(member, memberEpoch));
  }

  leave(member: number) {
    return this.cluster.ok('leaveGroup', this.#asked(member, this.epochOf(member)));
  }

  code(operationId: 'heartbeatGroupMember' | 'leaveGroup', member: number, memberEpoch: number): string {
    return this.cluster.code(operationId, this.#asked(member, memberEpoch));
  }

  expire(...members: readonly number[]): void {
    const rows = [...this.cluster.image.group.members.values()];
    const silent = rows.filter(({ memberId }) =>
      members.some((member) => incarnationId(member) === memberId),
    );
    for (const { memberEpoch } of silent) this.cluster.liveMembers.delete(memberEpoch);
    this.cluster.goOn(expireGroupMembers(silent));
  }

  epochOf(member: number): number {
    const key = { group, memberId: incarnationId(member) };
    return this.cluster.image.group.members.get(key)?.memberEpoch ?? 0;
  }

  get leader() {
    const { leaderId, leaderEpoch } = this.cluster.ok('describeGroup', { params: { group } });
    return { leaderId, leaderEpoch };
  }

  #asked(member: number, memberEpoch: number) {
    return { params: { group, memberId: incarnationId(member) }, body: { memberEpoch } };
  }
}

describe('a group', () => {
  it('is led by whoever joins it first, under epochs that are offsets of the log', () => {
    const groups = new Groups();
    const first = groups.join(1, { metadata: 'here' });
    expect(first).toEqual({
      group,
      memberId: incarnationId(1),
      memberEpoch: 1,
      sessionTimeoutMs: limits.groupSessionTimeoutMsDefault,
      leaderId: incarnationId(1),
      leaderEpoch: 2,
    });
    expect(groups.join(2)).toMatchObject({ memberEpoch: 3, leaderId: incarnationId(1), leaderEpoch: 2 });
    expect(groups.heartbeat(1)).toEqual({
      isLeader: true,
      leaderId: incarnationId(1),
      leaderEpoch: 2,
      sessionTimeoutMs: limits.groupSessionTimeoutMsDefault,
    });
    expect(groups.heartbeat(2)).toMatchObject({ isLeader: false, leaderId: incarnationId(1) });
    const { members } = groups.cluster.ok('listGroupMembers', { params: { group } });
    expect(members.find(({ isLeader }) => isLeader)).toMatchObject({ metadata: 'here', memberEpoch: 1 });
  });

  it('names a successor, the next that joined, in the batch that takes its leader', () => {
    const groups = new Groups();
    for (const member of [1, 2, 3]) groups.join(member);
    groups.expire(1);
    const { log } = groups.cluster;
    expect(log.slice(-2).map(({ record }) => record.type)).toEqual(['LeaveGroupRecord', 'GroupLeaderRecord']);
    expect(groups.leader).toEqual({ leaderId: incarnationId(2), leaderEpoch: log.at(-1)?.position.offset });
    groups.leave(2);
    expect(groups.leader).toEqual({ leaderId: incarnationId(3), leaderEpoch: log.at(-1)?.position.offset });
  });

  it('goes on under its leader when others come and go', () => {
    const groups = new Groups();
    for (const member of [1, 2, 3]) groups.join(member);
    const { leader } = groups;
    groups.leave(2);
    groups.expire(3);
    groups.join(4);
    expect(groups.leader).toEqual(leader);
  });

  it('elects nobody of those who are silent together with the leader', () => {
    const groups = new Groups();
    for (const member of [1, 2, 3]) groups.join(member);
    groups.expire(1, 2);
    expect(groups.leader.leaderId).toBe(incarnationId(3));
  });

  it('ends with its last member, and one of the same name begins above its epochs', () => {
    const groups = new Groups();
    const before = groups.join(1);
    groups.leave(1);
    expect(groups.cluster.code('describeGroup', { params: { group } })).toBe('GROUP_ID_NOT_FOUND');
    expect(groups.cluster.code('listGroupMembers', { params: { group } })).toBe('GROUP_ID_NOT_FOUND');
    const after = groups.join(1);
    expect(after.memberEpoch).toBeGreaterThan(before.leaderEpoch);
    expect(after.leaderEpoch).toBeGreaterThan(before.leaderEpoch);
  });

  it('is apart from others, which may have a member of the same id', () => {
    const groups = new Groups();
    groups.join(1);
    groups.join(2);
    groups.join(2, {}, 'other');
    groups.leave(1);
    const list = groups.cluster.ok('listGroups', {}).groups;
    expect(list.map(({ group: name, leaderId }) => [name, leaderId])).toEqual([
      ['jobs', incarnationId(2)],
      ['other', incarnationId(2)],
    ]);
  });

  it('is modified by whatever happens to its members, as its tag says', () => {
    const groups = new Groups();
    const tag = (): number => groups.cluster.ok('describeGroup', { params: { group } }).lastModified;
    groups.join(1);
    groups.join(2);
    const joined = tag();
    groups.join(2, { metadata: 'there' });
    const amended = tag();
    groups.leave(2);
    expect([amended > joined, tag() > amended]).toEqual([true, true]);
  });
});

describe('a member', () => {
  it('joins once however often it asks, and amends what it says of itself under the same epoch', () => {
    const groups = new Groups();
    const first = groups.join(1, { metadata: 'here', sessionTimeoutMs: 5_000 });
    const end = groups.cluster.image.endOffset;
    expect(groups.join(1)).toEqual(first);
    expect(groups.cluster.image.endOffset).toBe(end);
    expect(groups.join(1, { metadata: 'there', sessionTimeoutMs: 5_000 })).toEqual(first);
    const { members } = groups.cluster.ok('listGroupMembers', { params: { group } });
    expect(members).toMatchObject([{ metadata: 'there', memberEpoch: first.memberEpoch }]);
  });

  it('keeps the session timeout that it joined with', () => {
    const groups = new Groups();
    groups.join(1, { sessionTimeoutMs: 5_000 });
    const asked = { params: { group }, body: { memberId: incarnationId(1), sessionTimeoutMs: 1_000 } };
    expect(groups.cluster.code('joinGroup', asked)).toBe('INVALID_REQUEST');
    expect(groups.heartbeat(1).sessionTimeoutMs).toBe(5_000);
  });

  it('has its epoch, and is told when it is not the present one or nobody’s', () => {
    const groups = new Groups();
    const { memberEpoch } = groups.join(1);
    for (const operation of ['heartbeatGroupMember', 'leaveGroup'] as const) {
      expect(groups.code(operation, 1, memberEpoch + 1)).toBe('FENCED_MEMBER_EPOCH');
      expect(groups.code(operation, 2, memberEpoch)).toBe('UNKNOWN_MEMBER_ID');
    }
    groups.expire(1);
    expect(groups.code('heartbeatGroupMember', 1, memberEpoch)).toBe('UNKNOWN_MEMBER_ID');
    groups.join(1);
    expect(groups.code('heartbeatGroupMember', 1, memberEpoch)).toBe('FENCED_MEMBER_EPOCH');
  });

  it('is its principal’s: to others everything is refused with GROUP_AUTHORIZATION_FAILED', () => {
    const groups = new Groups();
    const { memberEpoch } = groups.join(1);
    groups.cluster.principal = 'somebody';
    expect(groups.code('heartbeatGroupMember', 1, memberEpoch)).toBe('GROUP_AUTHORIZATION_FAILED');
    expect(groups.code('leaveGroup', 1, memberEpoch)).toBe('GROUP_AUTHORIZATION_FAILED');
    const asked = { params: { group }, body: { memberId: incarnationId(1), metadata: 'mine' } };
    expect(groups.cluster.code('joinGroup', asked)).toBe('GROUP_AUTHORIZATION_FAILED');
    groups.cluster.principal = 's'.repeat(limits.principalLengthMax + 1);
    expect(groups.cluster.code('joinGroup', { ...asked, body: { memberId: incarnationId(2) } })).toBe(
      'INVALID_REQUEST',
    );
  });

  it('that is heard before its expiry is written stays, and so does its leadership', () => {
    const groups = new Groups();
    groups.join(1);
    groups.join(2);
    const { leader, cluster } = groups;
    const expiry = expireGroupMembers([...cluster.image.group.members.values()]);
    cluster.liveMembers.delete(groups.epochOf(1));
    groups.heartbeat(1);
    cluster.goOn(expiry);
    expect(groups.leader).toEqual(leader);
    expect(cluster.ok('listGroupMembers', { params: { group } }).members).toHaveLength(2);
  });

  it('that has joined again meanwhile is not taken for the one that was silent', () => {
    const groups = new Groups();
    groups.join(1);
    const expiry = expireGroupMembers([...groups.cluster.image.group.members.values()]);
    groups.leave(1);
    groups.join(1);
    groups.cluster.liveMembers.clear();
    groups.cluster.goOn(expiry);
    expect(groups.leader.leaderId).toBe(incarnationId(1));
  });

  it('is refused with GROUP_MAX_SIZE_REACHED where a group, or all of them, have as many as they may', () => {
    const groups = new Groups();
    const stranger = 5_000;
    const code = (of: string): string =>
      groups.cluster.code('joinGroup', {
        params: { group: of },
        body: { memberId: incarnationId(stranger) },
      });
    fill(groups.cluster, group, limits.groupMembersMax);
    expect(code(group)).toBe('GROUP_MAX_SIZE_REACHED');
    const others = limits.groupMembersTotalMax / limits.groupMembersMax;
    for (let at = 1; at < others; at++) fill(groups.cluster, `more-${at}`, limits.groupMembersMax);
    expect(code('new')).toBe('GROUP_MAX_SIZE_REACHED');
    groups.expire(1);
    groups.join(stranger, {}, 'new');
  });
});

describe('expiry', () => {
  it('takes whole groups, as many a batch as one batch removes, and goes on with the rest', () => {
    const { cluster } = new Groups();
    for (const name of ['a', 'b', 'c']) fill(cluster, name, 600);
    cluster.isPaused = true;
    cluster.goOn(expireGroupMembers([...cluster.image.group.members.values()]));
    const sizes: number[] = [];
    while (cluster.step()) sizes.push(cluster.image.group.members.size);
    expect(sizes).toEqual([1_200, 600, 0]);
    expect(cluster.ok('listGroups', {}).groups).toEqual([]);
  });
});

/** Members that nobody has heard of; the first of them leads. */
function fill(cluster: TestCluster, name: string, count: number): void {
  const start = cluster.image.endOffset;
  const joins = Array.from({ length: count }, (_, at): MetadataRecord => {
    const fields = { principal: 'many', sessionTimeoutMs: 1_000, metadata: '' };
    return {
      type: 'JoinGroupRecord',
      group: name,
      memberId: incarnationId(at),
      memberEpoch: start + at,
      ...fields,
    };
  });
  const leads = { leaderId: incarnationId(0), leaderEpoch: start + count };
  cluster.append([...joins, { type: 'GroupLeaderRecord', group: name, ...leads }]);
}
