import { describe, expect, it } from 'vitest';
import { generateSchedule } from '../../simulator/faults/generate.ts';
import type { Schedule } from '../../simulator/faults/schedule.ts';
import { nodeHost } from '../../simulator/hosts/node/node-host.ts';
import { oneLeaderAtATime } from '../../simulator/invariants/groups/one-leader-at-a-time.ts';
import { MetadataWitness } from '../../simulator/metadata-witness.ts';
import { ClusterObservation } from '../../simulator/observation.ts';
import { runSchedule } from '../../simulator/run.ts';
import { groupFaultKinds } from '../../simulator/workload/groups/group-plan.ts';
import type { HostedMember } from '../../simulator/workload/groups/groups.ts';
import { World } from '../../simulator/world.ts';

/** A seed's schedule with members of groups, cut to its first seconds to keep the test short. */
function withGroups(seed: number, durationUs: number): Schedule {
  const schedule = generateSchedule(seed, 'groups');
  return { ...schedule, config: { ...schedule.config, durationUs } };
}

describe('members of groups in the simulator', () => {
  it('are led by one at a time, and by others in turn, over a fixed list of seeds', () => {
    let leaderships = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const report = runSchedule({ schedule: withGroups(seed, 10_000_000), host: nodeHost });
      expect(report.violation?.message ?? null, `seed ${seed}`).toBeNull();
      leaderships += report.marks.get('group leadership begins') ?? 0;
    }
    expect(leaderships).toBeGreaterThan(15);
  });

  it('are tried in every way that there is, and stand in some of the runs that are mixed', () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      for (const { kind } of generateSchedule(seed, 'groups').groups?.faults ?? []) kinds.add(kind);
    }
    expect(groupFaultKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
    const mixed = Array.from({ length: 100 }, (_, at) => generateSchedule(at + 1).groups);
    expect(mixed.filter((plan) => plan !== null).length).toBeGreaterThan(2);
  });

  it('do exactly the same again for the same seed', () => {
    const [first, second] = [1, 2].map(() =>
      runSchedule({ schedule: withGroups(4, 6_000_000), host: nodeHost }),
    );
    expect(second?.digest).toBe(first?.digest);
  });
});

describe('the property of one leader at a time', () => {
  const world = new World({ seed: 1 });

  /** A member that believes that it leads in this epoch, or that it does not. */
  function member(name: string, leaderEpoch: number | null): HostedMember {
    const process = world.addProcess(name, { driftPpm: 0, wallOffsetMs: 0 });
    const life = { memberId: name, group: 'jobs', memberEpoch: 1, remainingMs: 1, leaderEpoch };
    return { group: 'jobs', process, life: life as unknown as HostedMember['life'] };
  }

  /** What is said when the last of them begins to lead in its epoch, which the log has given to `elected`. */
  function verdict(members: readonly HostedMember[], elected: string): string | null {
    const cluster = new ClusterObservation(world, () => {
      throw new Error('no disk is looked at');
    });
    const witness = new MetadataWitness();
    const checker = oneLeaderAtATime(cluster, witness, members);
    const last = members.at(-1);
    const leaderEpoch = last?.life?.leaderEpoch ?? 0;
    const record = { type: 'GroupLeaderRecord', group: 'jobs', leaderId: elected, leaderEpoch };
    const committed = { record, offset: leaderEpoch };
    for (const watcher of witness.watchers) watcher.onRecord?.(committed as never);
    try {
      if (last?.life) checker.elected(last, last.life, leaderEpoch);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  it('holds while the one before has lost its lease', () => {
    expect(verdict([member('one', null), member('two', 7)], 'two')).toBeNull();
  });

  it('is broken by a second lease, whichever epochs they have', () => {
    expect(verdict([member('one', 3), member('two', 7)], 'two')).toMatch(
      'while one holds a lease of epoch 3',
    );
  });

  it('is broken by a leader whom the log has not elected', () => {
    expect(verdict([member('one', null), member('two', 7)], 'one')).toMatch('in which one leads jobs');
  });
});
