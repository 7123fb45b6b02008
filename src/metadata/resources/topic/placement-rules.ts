import type { MetadataImage } from '../../image.ts';
import type { OperationError } from '../../operation.ts';
import { configInForce } from '../config/in-force.ts';
import { membersOfList } from '../config/values.ts';

export const placementConfigs = {
  racks: 'ottla.placement.racks',
  avoidBrokers: 'ottla.placement.avoid.brokers',
} as const;

/**
 * Where a topic's replicas may stand.
 * 1. Where `racks` has any, each replica stands in one of them, and a partition's replicas stand in as many of them as
 *    there are replicas, or racks.
 * 2. No replica stands on a broker of `avoidBrokers`.
 */
export type PlacementRules = {
  readonly racks: readonly string[];
  readonly avoidBrokers: ReadonlySet<number>;
};

/** `values` are the texts of a topic's configs; what is missing is no rule. */
export function placementRules(values: ReadonlyMap<string, string>): PlacementRules {
  const racks = membersOfList(values.get(placementConfigs.racks) ?? '');
  const avoided = membersOfList(values.get(placementConfigs.avoidBrokers) ?? '');
  return { racks: [...new Set(racks)], avoidBrokers: new Set(avoided.map(Number)) };
}

export function placementRulesOf(image: MetadataImage, topic: string): PlacementRules {
  const resource = { type: 'topic', name: topic } as const;
  const names = Object.values(placementConfigs);
  return placementRules(new Map(names.map((name) => [name, configInForce(image, resource, name)])));
}

type Place = { readonly brokerId: number; readonly rack: string | null };

/** Which rule a broker is against, as the text that names it; null when it may have a replica. */
export function findPlaceFault({ racks, avoidBrokers }: PlacementRules, place: Place): string | null {
  const { brokerId, rack } = place;
  if (avoidBrokers.has(brokerId)) return `${placementConfigs.avoidBrokers} names broker ${brokerId}`;
  if (racks.length === 0 || (rack !== null && racks.includes(rack))) return null;
  const where = rack === null ? 'names no rack' : `stands in rack ${rack}`;
  return `${placementConfigs.racks} is ${racks.join()}, and broker ${brokerId} ${where}`;
}

/** Whether the replicas of one partition stand in too few racks; all of them stand where they may. */
export function findSpreadFault({ racks }: PlacementRules, places: readonly Place[]): string | null {
  const wanted = Math.min(racks.length, places.length);
  const used = new Set(places.map(({ rack }) => rack)).size;
  if (used >= wanted) return null;
  const rule = `${placementConfigs.racks} is ${racks.join()}, which wants replicas in ${wanted} racks`;
  return `${rule}, and [${places.map(({ brokerId }) => brokerId).join()}] stand in ${used}`;
}

export function placementFault(fault: string, rule: string): OperationError {
  return { code: 'POLICY_VIOLATION', message: `${fault}.`, details: { rule } };
}
