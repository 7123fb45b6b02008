import type { HashedChance } from '../../src/testing/world/chance.ts';
import { budgets } from './budget.ts';
import type { Fault } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { Schedule } from './schedule.ts';
import { chanceOf } from './salts.ts';

/** One run in so many has nodes of an earlier release. */
const oneRunIn = 8;
const gapsUs = [200_000, 1_000_000, 3_000_000];

/**
 * A rolling upgrade, among the faults that are there: one node, some or all support less than the newer release until
 * they are upgraded, one after the other, and an operator finalizes what that release brings, at times too early. A
 * voter of the older release among the first ones keeps the protocol and the features at what it understands; an older
 * observer that comes to a newer log refuses it by name, and stops.
 */
export function withMixedVersions(schedule: Schedule): Schedule {
  const { config, seed, faults } = schedule;
  const chance = chanceOf(seed, 'mixedVersions');
  if (!budgets[config.budget].kinds.has('upgrade') || !chance.oneIn(oneRunIn)) return schedule;
  const olderNodes = drawOlderNodes(chance, config.nodes + config.spares);
  const upgrade = planUpgrade(chance, olderNodes, config.durationUs);
  const olderRelease = chance.oneIn(3) ? 'between' : 'oldest';
  return { ...schedule, config: { ...config, olderNodes, olderRelease }, faults: inOrder(faults, upgrade) };
}

function drawOlderNodes(chance: HashedChance, controllers: number): readonly number[] {
  const places = Array.from({ length: controllers }, (_, at) => at);
  const one = chance.integer(controllers);
  if (chance.oneIn(2)) return places;
  return chance.oneIn(2) ? [one] : places.filter((place) => place === one || chance.oneIn(2));
}

function planUpgrade(
  chance: HashedChance,
  olderNodes: readonly number[],
  durationUs: number,
): readonly Fault[] {
  const gapUs = chance.pick(gapsUs);
  const faults: Fault[] = [];
  let atUs = 1_000_000 + chance.integer(Math.ceil(durationUs / 2));
  if (chance.oneIn(2)) faults.push({ kind: 'finalize', atUs });
  for (const target of rotated(olderNodes, chance.integer(olderNodes.length))) {
    atUs += 1 + chance.integer(2 * gapUs);
    faults.push({ kind: 'upgrade', atUs, target, downUs: 1000 + chance.integer(2_000_000) });
  }
  faults.push({ kind: 'finalize', atUs: atUs + chance.integer(2_000_000) });
  return faults.filter((fault) => fault.atUs < durationUs);
}

function rotated(places: readonly number[], first: number): readonly number[] {
  return [...places.slice(first), ...places.slice(0, first)];
}
