import type { HashedChance } from '../../../src/testing/world/chance.ts';
import type { RunConfig } from '../../faults/schedule.ts';

/** Something that goes wrong with a member of a group, as data. `member` is its place among the members. */
export type GroupFault = {
  readonly atUs: number;
  readonly member: number;
  readonly forUs: number;
  /**
   * `leave`: it leaves in an orderly way, and another life of it joins so long afterwards. `cutOff`: it and the
   * controllers do not hear each other. `deaf`: no answer of a controller reaches it, and whatever it asks for is
   * done. `oneSided`: it reaches no controller but the one that leads when this begins. `slow`: what it says
   * takes a hundred times as long.
   */
  readonly kind: GroupFaultKind;
};

export const groupFaultKinds = ['crash', 'pause', 'leave', 'cutOff', 'deaf', 'oneSided', 'slow'] as const;
export type GroupFaultKind = (typeof groupFaultKinds)[number];

/** The members of groups in one run and what happens to them. */
export type GroupPlan = {
  /** By each member's place: its group, and how its clock drifts. */
  readonly memberships: readonly { readonly group: string; readonly driftPpm: number }[];
  readonly sessionTimeoutMs: number;
  readonly faults: readonly GroupFault[];
};

const oneRunIn = 12;
const farUs = 10_000;
/** Within what the lease promises to stand (the group's README). */
const drifts = [0, 0, 500, -500, 20_000, -20_000];

/** Null for most seeds, unless groups are what is wanted. */
export function generateGroups(chance: HashedChance, config: RunConfig, isWanted: boolean): GroupPlan | null {
  if (!chance.oneIn(oneRunIn) && !isWanted) return null;
  const groups = 1 + chance.integer(2);
  const members = groups * (2 + chance.integer(2));
  const memberships = Array.from({ length: members }, (_, at) => ({
    group: `group-${at % groups}`,
    driftPpm: chance.pick(drifts),
  }));
  const sessionTimeoutMs = config.link.delayUs > farUs ? 3000 : chance.pick([500, 1000, 3000]);
  return { memberships, sessionTimeoutMs, faults: generateFaults(chance, config, members, sessionTimeoutMs) };
}

/** Absences are about as long as a session, so that who comes back finds its lease barely over, or barely not. */
function generateFaults(
  chance: HashedChance,
  config: RunConfig,
  members: number,
  sessionTimeoutMs: number,
): readonly GroupFault[] {
  const kinds = groupFaultKinds.filter(() => !chance.oneIn(3));
  const meanGapUs = chance.pick([200_000, 700_000, 2_500_000]);
  const faults: GroupFault[] = [];
  for (let atUs = 1_500_000; kinds.length > 0; ) {
    atUs += 1 + chance.integer(2 * meanGapUs);
    if (atUs >= config.durationUs) break;
    const kind = kinds[chance.integer(kinds.length)] ?? 'pause';
    const forUs = 10_000 + chance.integer(chance.pick([300, 1200, 2500]) * sessionTimeoutMs);
    faults.push({ atUs, member: chance.integer(members), forUs, kind });
  }
  return faults;
}
