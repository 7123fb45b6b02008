import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createClient,
  createGroupMember,
  type GroupMember,
  type GroupMemberEvent,
} from '../../src/client/index.ts';
import { serveImage } from '../http/serve-image.ts';

type Watched = GroupMember & { readonly events: GroupMemberEvent[] };

function start(url: string, more: object = {}): Watched {
  const member = createGroupMember({ controllers: [url], group: 'jobs', heartbeatIntervalMs: 30, ...more });
  const events: GroupMemberEvent[] = [];
  member.subscribe((event) => events.push(event));
  onTestFinished(async () => void (await member.close({ timeoutMs: 0 })));
  return Object.assign(member, { events });
}

describe('a member of a group over HTTP', () => {
  it('leads a group that it makes, under a lease of its own clock and a fencing token', async () => {
    const { url } = await serveImage();
    const member = start(url, { metadata: 'here', sessionTimeoutMs: 4_000 });
    expect([member.leadership.aborted, member.lease.aborted, member.leaderEpoch]).toEqual([true, true, null]);
    const { leaderEpoch, leadership } = await member.whenLeader();
    expect(leadership.aborted).toBe(false);
    expect(member.leadership).toBe(leadership);
    expect(member.leaderEpoch).toBe(leaderEpoch);
    expect(member.remainingMs).toBeGreaterThan(0);
    expect(member.remainingMs).toBeLessThan(4_000);
    expect(member.events.map(({ type }) => type)).toEqual(['leaderChanged', 'joined', 'elected']);
    const client = createClient({ endpoints: [url] });
    onTestFinished(() => client.close());
    const { members } = await client.listGroupMembers({ group: 'jobs' });
    const { memberId, memberEpoch } = member;
    expect(members).toMatchObject([{ memberId, memberEpoch, isLeader: true, metadata: 'here' }]);
  });

  it('hands leadership over by leaving: the next one leads under a higher epoch', async () => {
    const { url } = await serveImage();
    const first = start(url);
    const { leaderEpoch, leadership } = await first.whenLeader();
    const second = start(url);
    const leads = second.whenLeader();
    while (second.memberEpoch === null) await new Promise((resolve) => setTimeout(resolve, 5));
    const closing = first.close();
    expect([leadership.aborted, first.leaderEpoch]).toEqual([true, null]);
    expect(await closing).toEqual({ hasLeft: true, failure: null });
    const next = await leads;
    expect(next.leaderEpoch).toBeGreaterThan(leaderEpoch);
    expect(second.leader).toEqual({ leaderId: second.memberId, leaderEpoch: next.leaderEpoch });
    await expect(first.whenLeader()).rejects.toThrow('has stopped');
  });

  it('tells of its life to whoever iterates over it, to its end', async () => {
    const { url } = await serveImage();
    const member = start(url);
    const types: string[] = [];
    for await (const event of member) {
      types.push(event.type);
      if (event.type === 'elected') void member.close();
    }
    expect(types).toEqual(['leaderChanged', 'joined', 'elected', 'deposed', 'lost', 'stopped']);
  });

  it('leaves at the end of the block that holds it', async () => {
    const { url, controller } = await serveImage();
    {
      await using member = createGroupMember({ controllers: [url], group: 'jobs' });
      await member.whenLeader();
      expect(controller.image.group.members.size).toBe(1);
    }
    expect(controller.image.group.members.size).toBe(0);
  });

  it('joins again, under another epoch, when it was removed', async () => {
    const { url, controller } = await serveImage();
    const member = start(url);
    const { leaderEpoch, leadership } = await member.whenLeader();
    const { memberId, memberEpoch } = member;
    const [row] = controller.image.group.members.values();
    if (row === undefined || memberEpoch === null) throw new Error('it is no member');
    controller.append([{ type: 'LeaveGroupRecord', group: 'jobs', memberId: row.memberId, memberEpoch }]);
    await new Promise((resolve) => leadership.addEventListener('abort', resolve));
    const next = await member.whenLeader();
    expect(next.leaderEpoch).toBeGreaterThan(leaderEpoch);
    expect([member.memberId, (member.memberEpoch ?? 0) > memberEpoch]).toEqual([memberId, true]);
  });

  it('stops, and says why, where it is not let in', async () => {
    const { url } = await serveImage();
    const member = start(url, { group: 'no such name' });
    await expect(member.whenLeader()).rejects.toThrow(/group/);
    expect((await member.stopped).failure?.code).toBe('INVALID_REQUEST');
  });
});
