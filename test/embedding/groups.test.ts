import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient, createGroupMember, type GroupMember } from '../../src/client/index.ts';
import { startQuorum } from './quorum.ts';

function join(controllers: readonly string[], metadata: string): GroupMember {
  const member = createGroupMember({ controllers, group: 'jobs', metadata, sessionTimeoutMs: 2_000 });
  onTestFinished(async () => void (await member.close({ timeoutMs: 0 })));
  return member;
}

describe('a group on a quorum of real controllers', () => {
  it('is led through a change of the quorum’s leader, and by another when its leader falls silent', async () => {
    const controllers = await startQuorum(3);
    const endpoints = controllers.map(({ httpUrl }) => httpUrl);
    const first = join(endpoints, 'first');
    const { leaderEpoch } = await first.whenLeader();
    const second = join(endpoints, 'second');
    while (second.leader === null) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(second.leader.leaderEpoch).toBeGreaterThanOrEqual(leaderEpoch);
    const client = createClient({ endpoints });
    onTestFinished(() => client.close());
    const { leaderId } = await client.call('describeGroup', { group: 'jobs' });
    await controllers[leaderId ?? 0]?.stop();
    const again = await Promise.race([first.whenLeader(), second.whenLeader()]);
    expect(again.leaderEpoch).toBeGreaterThanOrEqual(leaderEpoch);
    const led = await client.describeGroup({ group: 'jobs' });
    const [silent, other] = led.leaderId === first.memberId ? [first, second] : [second, first];
    // It has no time to leave, as if it had crashed: its session has to run out.
    expect((await silent.close({ timeoutMs: 0 })).hasLeft).toBe(false);
    const next = await other.whenLeader();
    expect(next.leaderEpoch).toBeGreaterThan(led.leaderEpoch ?? 0);
    const { members } = await client.listGroupMembers({ group: 'jobs' });
    expect(members).toMatchObject([{ memberId: other.memberId, isLeader: true }]);
  }, 120_000);
});
