import { assert, violated } from '../../../base/assert.ts';
import { compareStrings } from '../../../base/compare.ts';
import type { Random } from '../../../base/random.ts';
import type { MetadataImage } from '../../image.ts';
import { isCordoned } from '../broker/cordon.ts';

/** A broker that can take replicas: registered, not leaving, not cordoned. Lists of them ascend by id. */
export type Candidate = { readonly brokerId: number; readonly rack: string | null; readonly fenced: boolean };

export function placementCandidates(image: MetadataImage): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const { brokerId, rack, fenced, inControlledShutdown } of image.broker.brokers.values()) {
    if (inControlledShutdown || isCordoned(image, brokerId)) continue;
    candidates.push({ brokerId, rack, fenced });
  }
  return candidates;
}

/**
 * Replicas for `partitions` new partitions, striped (kraft.md, "Topics and partitions"): round over the
 * racks, and within a rack round over its brokers, from a random start.
 *
 * 1. No broker twice in a partition; racks are used evenly, so that replicas stand in as many as possible.
 * 2. Fenced brokers come last, and never first: the first replica is the preferred leader.
 * 3. The first replicas rotate over racks and over the brokers of each rack.
 *
 * There are at least `replicationFactor` candidates, one of them not fenced.
 */
export function placeReplicas(
  candidates: readonly Candidate[],
  partitions: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  assert(candidates.length >= replicationFactor, 'each replica needs a broker of its own');
  for (let at = 1; at < candidates.length; at++) {
    const [before, broker] = [candidates[at - 1]?.brokerId ?? 0, candidates[at]?.brokerId ?? 0];
    if (before >= broker) violated(`candidate ${broker} follows candidate ${before}`);
  }
  assert(
    candidates.some((candidate) => !candidate.fenced),
    'a leader needs a broker that is not fenced',
  );
  const unfenced = racksOf(candidates, (candidate) => !candidate.fenced, replicationFactor, random);
  const fenced = racksOf(candidates, (candidate) => candidate.fenced, replicationFactor, random);
  const first = random.integer(unfenced.length);
  const assignments: number[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const chosen = takeFrom(unfenced, first + partition, replicationFactor);
    chosen.push(...takeFrom(fenced, first + partition, replicationFactor - chosen.length));
    assert(chosen.length === replicationFactor, 'there are as many brokers as replicas');
    assignments.push(chosen);
  }
  return assignments;
}

/** Up to `count` brokers, one from each rack in turn, beginning with rack number `start`. */
function takeFrom(racks: readonly Rack[], start: number, count: number): number[] {
  for (const rack of racks) rack.begin();
  const chosen: number[] = [];
  let dry = 0;
  for (let at = start; chosen.length < count && dry < racks.length; at++) {
    const broker = racks[at % racks.length]?.next() ?? null;
    dry = broker === null ? dry + 1 : 0;
    if (broker !== null) chosen.push(broker);
  }
  return chosen;
}

/** The brokers of one rack, and whose turn it is. */
class Rack {
  readonly #brokers: readonly number[];
  readonly #period: number;
  /** For how many partitions this rack was asked. */
  #asked: number;
  #taken = 0;

  constructor(brokers: readonly number[], racksPerPartition: number, start: number) {
    this.#brokers = brokers;
    this.#period = leastCommonMultiple(brokers.length, racksPerPartition);
    this.#asked = start;
  }

  /** A new partition begins. */
  begin(): void {
    if (this.#taken > 0) this.#asked++;
    this.#taken = 0;
  }

  /** The next broker for this partition; null when it has all of them. */
  next(): number | null {
    const { length } = this.#brokers;
    if (this.#taken >= length) return null;
    // Without the second term a rack whose turn to lead comes round as often as its brokers' turns would
    // always lead with the same broker.
    const turn = this.#asked + Math.floor(this.#asked / this.#period);
    const broker = this.#brokers[(turn + this.#taken) % length];
    this.#taken++;
    return broker ?? null;
  }
}

function racksOf(
  candidates: readonly Candidate[],
  isWanted: (candidate: Candidate) => boolean,
  replicationFactor: number,
  random: Random,
): Rack[] {
  const byRack = new Map<string, number[]>();
  for (const candidate of candidates) {
    if (!isWanted(candidate)) continue;
    // Brokers that name no rack share one.
    const name = candidate.rack ?? '';
    const brokers = byRack.get(name) ?? [];
    brokers.push(candidate.brokerId);
    byRack.set(name, brokers);
  }
  const names = [...byRack.keys()];
  if (names.length > 1) names.sort(compareStrings);
  const racksPerPartition = Math.max(1, Math.min(names.length, replicationFactor));
  return names.map((name) => {
    // In the order of their ids, as the candidates are.
    const brokers = byRack.get(name) ?? [];
    return new Rack(brokers, racksPerPartition, random.integer(brokers.length));
  });
}

function leastCommonMultiple(left: number, right: number): number {
  let larger = left;
  let smaller = right;
  while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
  return (left / larger) * right;
}
